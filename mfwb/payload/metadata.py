"""What is said of a W&B artifact once its files are there: for people, and as metadata. Pure."""

from __future__ import annotations

import keyword
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from mfwb.payload.model import ArtifactFiles
from mfwb.planning import Form, PlannedFile
from mfwb.ports import ReadyFile
from mfwb.safe_text import one_line

__all__ = ["BuiltArtifact", "build_description", "build_metadata"]

_LONGEST_SPAN = 500  # letters
_LONGEST_VARIABLE = 80  # letters
_MANY_MODULES = 30
_QUOTE = "'"  # a backtick would end the code

Modules = Mapping[str, tuple[str, ...] | None]
"""By path in the W&B artifact: the packages that a pickle needs, or None if they are not known."""


class BuiltArtifact(NamedTuple):
    """One artifact of a task, as planned and as it became."""

    planned: PlannedFile
    found: ArtifactFiles


def build_metadata(made: Sequence[BuiltArtifact], modules: Modules) -> dict[str, Any]:
    """Return what only the bytes could tell.

    `modules` lists the packages that its pickles need beside Python itself, unless one of them
    keeps that to itself; `kept_as_pickle` says why files are pickles that were not to be;
    `altered` what files say otherwise than the pickles that go along with them;
    `renamed_files` what files were called that could not keep their names.
    """
    metadata: dict[str, Any] = {}
    if modules and None not in modules.values():
        metadata["modules"] = _merged(modules)
    kept = {one.found.files[0].path: one.found.kept_because for one in made}
    reasons = {path: one_line(reason) for path, reason in kept.items() if reason is not None}
    altered = {
        one.found.files[0].path: one_line(one.found.altered) for one in made if one.found.altered
    }
    if altered:
        metadata["altered"] = altered
    renamed = {new: old for one in made for new, old in one.found.renamed.items()}
    if renamed:
        metadata["renamed_files"] = {new: one_line(old) for new, old in renamed.items()}
    if reasons:
        alike = len(set(reasons.values())) == 1 and len(reasons) == len(made)
        metadata["kept_as_pickle"] = next(iter(reasons.values())) if alike else reasons
    return metadata


def build_description(made: Sequence[BuiltArtifact], modules: Modules) -> str:
    """Return what a W&B artifact of these holds, and the two lines of Python that load it."""
    planned, found = made[0]
    content, first = planned.content, found.files[0]
    several = f"{len(made)} tasks, a file or folder of each"
    where = _span(content.task) if len(made) == 1 else several
    lines = [f"Metaflow's artifact {_span(content.name)} of {where}."]
    lines += _about(found, modules.get(first.path))
    if found.altered:
        lines.append(
            f"Read back it is not quite the same: {_span(found.altered)}. "
            "So the very pickle that Metaflow stored goes along, too."
        )
    if found.kept_because is not None:
        lines.append(f"It stayed a pickle: {_span(found.kept_because)}.")
    code = _code(found.form, first, _variable(content.name))
    lines += ["", *(f"    {line}" for line in code)]
    return "\n".join(lines)


def _merged(modules: Modules) -> list[str]:
    return sorted({one_line(one) for needed in modules.values() for one in needed or ()})


def _about(found: ArtifactFiles, modules: tuple[str, ...] | None) -> list[str]:
    if found.form is Form.PICKLE:
        return [f"The very pickle that Metaflow stored. {_needs(modules)}"]
    if found.form is Form.REFERENCE:
        what = "pickle" if _is_pickle(found.files[0]) else "artifact serializer's bytes"
        how = "a gzipped" if found.files[0].gzipped else "a"
        return [f"It stays in Metaflow's datastore as {how} {what}; W&B only refers to it."]
    return [_ABOUT[found.form]] if found.form in _ABOUT else []


_ABOUT = {
    Form.JSON: 'As JSON: tuples and sets are lists, NaN and infinities are "NaN", "Infinity".',
    Form.INCLUDE: "The file as it was included; Metaflow does not record what it was called.",
    Form.STORED: "As Metaflow's artifact serializer wrote it; that serializer reads it.",
    Form.PATH: "What the path points at.",
}


def _is_pickle(file: ReadyFile) -> bool:
    return ".pkl" in PurePosixPath(file.path).suffixes


def _needs(modules: tuple[str, ...] | None) -> str:
    if modules is None:
        return "Loading it runs code; what it needs is not known."
    if not modules:
        return "Loading it needs Python alone."
    shown = [*map(_span, modules[:_MANY_MODULES])]
    more = len(modules) - len(shown)
    rest = [f"and {more:,} more"] if more else []
    return f"Loading it runs code of: {', '.join([*shown, *rest])}."


def _code(form: Form, file: ReadyFile, name: str) -> list[str]:
    entry = f"artifact.get_entry({file.path!r})"
    if form is Form.REFERENCE:
        stored = _GUNZIPPED if file.gzipped else _BYTES
        value = _unpickled(stored) if _is_pickle(file) else stored
        return [f"path = {entry}.download()", f"{name} = {value}"]
    if file.uri is not None:
        return [f"entry = {entry}", f"{name} = entry.ref_target()"]
    return [f"path = {entry}.download()", f"{name} = {_LOADING.get(form, _BYTES)}"]


def _unpickled(stored: str) -> str:
    return f"pickle.loads({stored})"


_GUNZIPPED = "gzip.open(path).read()"
_BYTES = "pathlib.Path(path).read_bytes()"
_LOADING = {
    Form.PARQUET: "pandas.read_parquet(path)",
    Form.FRAMES: "pandas.read_parquet(path)",
    Form.ARRAY: "numpy.load(path)",
    Form.JSON: f"json.loads({_BYTES})",
    Form.PICKLE: _unpickled(_BYTES),
}


def _variable(name: str) -> str:
    """Return a name as a variable of the code; letters of other alphabets may look like others."""
    is_fit = name.isidentifier() and name.isascii() and len(name) <= _LONGEST_VARIABLE
    return name if is_fit and not keyword.iskeyword(name) else "value"


def _span(text: str) -> str:
    """Return a text of others as code in a line of Markdown, in which it means nothing.

    W&B shows descriptions as Markdown: links, images and HTML would work there.
    """
    return f"`{one_line(text, _LONGEST_SPAN).replace('`', _QUOTE)}`" if text.strip() else "` `"
