"""Metadata and description of a W&B artifact, from its files. Pure."""

from __future__ import annotations

import keyword
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from mfwb.payload.model import ArtifactFiles
from mfwb.planning import Form, OutputArtifact, PlannedFile
from mfwb.planning.names import run_alias
from mfwb.ports import ReadyFile
from mfwb.safe_text import one_line
from mfwb.snapshot.checkpoints import SAVED
from mfwb.snapshot.pathspec import parts_of

__all__ = ["BuiltArtifact", "build_description", "build_metadata"]

_LONGEST_SPAN = 500  # letters
_LONGEST_VARIABLE = 80  # letters
_MANY_MODULES = 30
_QUOTE = "'"  # a backtick would end the code span

Modules = Mapping[str, tuple[str, ...] | None]
"""By path in the W&B artifact: the packages that a pickle needs; None if unknown."""


class BuiltArtifact(NamedTuple):
    """One artifact of a task: the plan and the resulting files."""

    planned: PlannedFile
    result: ArtifactFiles


def build_metadata(built: Sequence[BuiltArtifact], modules: Modules) -> dict[str, Any]:
    """Return the metadata that depends on the bytes.

    `modules` lists the packages that the pickles need besides Python itself, if they are known for
    all pickles; `kept_as_pickle` has the reason why files are pickles against the plan; `altered`
    describes how files differ from the pickles that accompany them; `renamed_files` has the
    original names of renamed files.
    """
    metadata: dict[str, Any] = {}
    if modules and None not in modules.values():
        metadata["modules"] = _merged(modules)
    kept = {item.result.files[0].path: item.result.kept_because for item in built}
    reasons = {path: one_line(reason) for path, reason in kept.items() if reason is not None}
    altered = {
        item.result.files[0].path: one_line(item.result.altered)
        for item in built
        if item.result.altered
    }
    if altered:
        metadata["altered"] = altered
    renamed = {new: old for item in built for new, old in item.result.renamed.items()}
    if renamed:
        metadata["renamed_files"] = {new: one_line(old) for new, old in renamed.items()}
    if excluded := sum(item.result.excluded for item in built):
        metadata["files_of_metaflow"] = excluded
    if reasons:
        alike = len(set(reasons.values())) == 1 and len(reasons) == len(built)
        metadata["kept_as_pickle"] = next(iter(reasons.values())) if alike else reasons
    return metadata


def build_description(
    built: Sequence[BuiltArtifact], modules: Modules, artifact: OutputArtifact
) -> str:
    """Return the description of a W&B artifact, with the two lines of Python that load it.

    Args:
        built: the artifacts of tasks, with their files.
        modules: the packages that their pickles need.
        artifact: the planned W&B artifact.
    """
    planned, result = built[0]
    if planned.form is Form.CODE:
        return _describe_code(built)
    content, first = planned.content, result.files[0]
    several = f"{len(built)} tasks, a file or folder of each"
    where = _span(content.task) if len(built) == 1 else several
    what = content.name.removeprefix(SAVED)
    subject = "Metaflow's artifact" if what == content.name else "The checkpoint"
    lines = [f"{subject} {_span(what)} of {where}."]
    lines += _about_choice(artifact, is_folder=PurePosixPath(planned.stem).name != planned.stem)
    lines += _about(result, modules.get(first.path))
    if result.altered:
        lines.append(
            f"Read back, it is not quite the same: {_span(result.altered)}. "
            "So the very pickle that Metaflow stored is logged, too."
        )
    if result.marks:
        lines.append(f"What looks like a secret is masked in it ({result.marks:,} texts).")
    if result.kept_because is not None:
        lines.append(f"It stayed a pickle: {_span(result.kept_because)}.")
    code = _code(result.form, first, _variable(content.name))
    lines += ["", *(f"    {line}" for line in code)]
    return "\n".join(lines)


def _describe_code(built: Sequence[BuiltArtifact]) -> str:
    """Return the description of the code of a flow run."""
    content = built[0].planned.content
    excluded = sum(item.result.excluded for item in built)
    lines = [
        f"Metaflow's {_span(content.name)} of {_span(content.flow_run)}: the files of the flow."
    ]
    if excluded:
        lines.append(f"Metaflow packed {excluded:,} files of its own, too; they are left out.")
    marks = sum(item.result.marks for item in built)
    if marks:
        lines.append(f"What looks like a secret is masked in {marks:,} of the files.")
    return "\n".join([*lines, "", "    folder = artifact.download()"])


def _merged(modules: Modules) -> list[str]:
    return sorted({one_line(name) for needed in modules.values() for name in needed or ()})


def _about_choice(artifact: OutputArtifact, *, is_folder: bool) -> list[str]:
    """Return what a later step picked of a W&B artifact, or from which task the step picked it."""
    lines = []
    if len(artifact.picked) == 1:
        lines.append(f"Its step picked it: {_span(artifact.picked[0].producer)} wrote it.")
    elif artifact.picked:
        lines.append(f"Its step picked {len(artifact.picked)} of them; other tasks wrote those.")
    if artifact.is_candidate:
        content = artifact.files[0].content
        final = _span(f"{artifact.name}:{run_alias(parts_of(content.flow_run)[1])}")
        lines.append(
            f"These are candidates; a later step picked from them. {final} is the final version. "
            "The code below loads one of them."
            if is_folder
            else "This is a candidate; a later step picked from it and others. "
            f"{final} is the final version."
        )
    return lines


def _about(artifact_files: ArtifactFiles, modules: tuple[str, ...] | None) -> list[str]:
    if artifact_files.form is Form.PICKLE:
        return [f"The very pickle that Metaflow stored. {_needs(modules)}"]
    if artifact_files.form is Form.REFERENCE:
        what = "pickle" if _is_pickle(artifact_files.files[0]) else "artifact serializer's bytes"
        how = "a gzipped" if artifact_files.files[0].gzipped else "a"
        return [f"It stays in Metaflow's datastore as {how} {what}; W&B only refers to it."]
    return [_ABOUT[artifact_files.form]] if artifact_files.form in _ABOUT else []


_ABOUT = {
    Form.JSON: 'As JSON: tuples and sets are lists, NaN and infinities are "NaN", "Infinity".',
    Form.INCLUDE: "The file as it was included; Metaflow does not record what it was called.",
    Form.STORED: "As Metaflow's artifact serializer wrote it; that serializer reads it.",
    Form.PATH: "What the path points at.",
    Form.CHECKPOINT: "The files of the checkpoint or model that it refers to.",
    Form.IMAGE: "As a PNG; the very pickle that Metaflow stored is logged, too.",
    Form.MEDIA: "The value of the artifact as a file: its bytes, or its text in UTF-8.",
}


def _is_pickle(file: ReadyFile) -> bool:
    return ".pkl" in PurePosixPath(file.path).suffixes


def _needs(modules: tuple[str, ...] | None) -> str:
    if modules is None:
        return "Loading it runs code; what it needs is not known."
    if not modules:
        return "Loading it needs only Python."
    shown = [*map(_span, modules[:_MANY_MODULES])]
    more = len(modules) - len(shown)
    rest = [f"and {more:,} more"] if more else []
    return f"Loading it runs code of: {', '.join([*shown, *rest])}."


def _code(form: Form, file: ReadyFile, name: str) -> list[str]:
    if form is Form.CHECKPOINT:
        return ["folder = artifact.download()", f"{name} = pathlib.Path(folder)"]
    entry = f"artifact.get_entry({file.path!r})"
    if form is Form.REFERENCE:
        stored = _GUNZIPPED if file.gzipped else _BYTES
        value = _unpickled(stored) if _is_pickle(file) else stored
        return [f"path = {entry}.download()", f"{name} = {value}"]
    if file.uri is not None:
        return [f"entry = {entry}", f"{name} = entry.ref_target()"]
    is_text = form is Form.MEDIA and PurePosixPath(file.path).suffix in _TEXT_SUFFIXES
    loading = f"{_BYTES}.decode()" if is_text else _LOADING.get(form, _BYTES)
    return [f"path = {entry}.download()", f"{name} = {loading}"]


def _unpickled(stored: str) -> str:
    return f"pickle.loads({stored})"


_GUNZIPPED = "gzip.open(path).read()"
_TEXT_SUFFIXES = frozenset({".html", ".md"})
_BYTES = "pathlib.Path(path).read_bytes()"
_LOADING = {
    Form.PARQUET: "pandas.read_parquet(path)",
    Form.FRAMES: "pandas.read_parquet(path)",
    Form.ARRAY: "numpy.load(path)",
    Form.IMAGE: "PIL.Image.open(path)",
    Form.JSON: f"json.loads({_BYTES})",
    Form.PICKLE: _unpickled(_BYTES),
}


def _variable(name: str) -> str:
    """Return a name as a variable of the code; ASCII only, since other letters may look alike."""
    is_fit = name.isidentifier() and name.isascii() and len(name) <= _LONGEST_VARIABLE
    return name if is_fit and not keyword.iskeyword(name) else "value"


def _span(text: str) -> str:
    """Return a foreign text as a code span of Markdown, where it has no effect.

    W&B shows descriptions as Markdown: links, images and HTML would work there.
    """
    return f"`{one_line(text, _LONGEST_SPAN).replace('`', _QUOTE)}`" if text.strip() else "` `"
