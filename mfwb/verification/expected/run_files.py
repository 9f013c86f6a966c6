"""Which artifacts a W&B run should log, and which files they should have."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from mfwb.config import StepSettings
from mfwb.snapshot.pathspec import parameters_of
from mfwb.verification.expected import names
from mfwb.verification.expected.checkpoint_files import CheckpointFiles
from mfwb.verification.expected.checkpoint_reference import Reference
from mfwb.verification.expected.contents import Contents
from mfwb.verification.expected.facts import FlowRunFacts, HeldArtifact, TaskFacts
from mfwb.verification.expected.kinds import ExpectedForm, find_form
from mfwb.verification.expected.model import ExpectedArtifact, ExpectedFile, ExpectedFolder, Need

__all__ = ["StoredFile", "expect_artifacts", "expect_included"]

_ANY_FILES = "*"


class StoredFile:
    """What one task stored that becomes files."""

    def __init__(  # noqa: PLR0913, PLR0917 - what it is of
        self,
        task: TaskFacts | None,
        artifact: HeldArtifact,
        form: ExpectedForm,
        path: str,
        need: Need = Need.REQUIRED,
        picked_from: frozenset[str] = frozenset(),
        reference: Reference | None = None,
    ) -> None:
        self.need = need
        self.picked_from = picked_from  # tasks that may have written it, if this one picked it
        self.task = task
        self.artifact = artifact
        self.form = form
        self.path = path  # of the task
        self.reference = reference  # of the form `checkpoint`


def expect_artifacts(
    stored: Mapping[str, Sequence[StoredFile]],
    settings: StepSettings,
    contents: Contents,
    checkpoints: CheckpointFiles,
    *,
    merged: bool,
) -> Iterator[ExpectedArtifact]:
    """Yield the artifacts that a W&B run logs.

    Args:
        stored: what its tasks stored under each name.
        settings: of the step.
        contents: of the flow run.
        checkpoints: finds the files of references.
        merged: whether the W&B run stands for several tasks.
    """
    for name, files in stored.items():
        by_kinds: dict[tuple[str, ...], list[StoredFile]] = defaultdict(list)
        for file in files:
            by_kinds[file.form.kinds].append(file)
        for kinds, group in by_kinds.items():
            yield from _artifact(name, kinds, group, settings, contents, checkpoints, merged=merged)


def _artifact(  # noqa: PLR0913, PLR0917 - what it is of
    name: str,
    kinds: tuple[str, ...],
    files: Sequence[StoredFile],
    settings: StepSettings,
    contents: Contents,
    checkpoints: CheckpointFiles,
    *,
    merged: bool,
) -> Iterator[ExpectedArtifact]:
    possible = tuple(kind for kind in kinds if getattr(settings, f"{kind}s"))
    if not possible:
        return
    need = Need.REQUIRED if possible == kinds else Need.ALLOWED
    folders = []
    for file in files:
        prefix = f"{file.task.label}/" if merged and file.task is not None else ""
        if file.reference is not None and file.task is not None:
            limit = getattr(settings.max_artifact_size, possible[0])
            options, is_certain = checkpoints.options(
                file.reference, file.task.path, file.task.datastore, settings, limit
            )
        else:
            options, is_certain = _options(file, possible, settings, contents)
        if not is_certain or file.need is Need.ALLOWED:
            need = Need.ALLOWED
        folders.append(
            ExpectedFolder(
                prefix,
                file.path,
                file.artifact,
                file.form.shape,
                tuple(options),
                file.picked_from,
            )
        )
    certain = [folder for folder in folders if folder.options]
    if certain:
        yield ExpectedArtifact(
            name, names.artifact_names(name, possible), possible, tuple(certain), need
        )


def _options(
    file: StoredFile, kinds: Sequence[str], settings: StepSettings, contents: Contents
) -> tuple[list[Mapping[str, ExpectedFile]], bool]:
    """Return the possible files, and whether it is certain that there are some."""
    artifact, stem = file.artifact, names.artifact_name(file.artifact.name)
    limits = [getattr(settings.max_artifact_size, kind) for kind in kinds]
    is_larger = any(limit is not None and artifact.size > limit for limit in limits)
    if file.form.shape in {"path", "include"}:
        # Its files go by names of their own, and may have come and gone since they were sent.
        return [{_ANY_FILES: ExpectedFile()}], False
    if is_larger and settings.references is not True:
        return _references(file, settings, stem), False
    if contents.lost(artifact):
        return [], False
    if settings.references and (references := _references(file, settings, stem)):
        return references, True
    is_open = file.form.shown is None and contents.describe(artifact).names is None
    return [*_options_of_bytes(file, stem, contents)], not is_open


def _references(
    file: StoredFile, settings: StepSettings, stem: str
) -> list[Mapping[str, ExpectedFile]]:
    """Return the reference to the bytes in Metaflow's datastore, if there may be one."""
    datastore = file.task.datastore if file.task is not None else None
    if datastore is None or (datastore.type == "local" and not settings.file_references):
        return []
    return [{f"{stem}{_ANY_FILES}": ExpectedFile(reference=True)}]


def _options_of_bytes(
    file: StoredFile, stem: str, contents: Contents
) -> Iterator[Mapping[str, ExpectedFile]]:
    shape = file.form.shape
    whole = ExpectedFile(file.artifact.size, contents.md5(file.artifact))
    if shape == "stored":
        encoding = file.artifact.encoding.removeprefix("gzip+")
        yield {f"{stem}.{encoding}": whole}
        yield {f"{stem}{_ANY_FILES}": whole}
        return
    pickle = {f"{stem}.pkl": whole}
    if shape == "parquet":
        yield {f"{stem}.parquet": ExpectedFile()}
        yield {f"{stem}.parquet": ExpectedFile(), **pickle}
    if shape in {"tables", "container"}:
        yield {f"{stem}/{_ANY_FILES}": ExpectedFile()}
        yield {f"{stem}/{_ANY_FILES}": ExpectedFile(), **pickle}
    if shape == "npy":
        yield {f"{stem}.npy": ExpectedFile()}
    if shape == "image":
        yield {f"{stem}.png": ExpectedFile(), **pickle}
    if shape == "media":
        is_text = file.form.ending == "md"  # by its name alone, also without a letter in it
        yield {f"{stem}.{file.form.ending}": ExpectedFile(may_be_empty=is_text)}
    if shape in {"json", "container"}:
        yield {f"{stem}.json": ExpectedFile()}
    yield pickle  # also of what could not be converted


def expect_included(
    facts: FlowRunFacts, settings: StepSettings, contents: Contents
) -> Iterator[ExpectedArtifact]:
    """Yield the included files, and what else of the parameters becomes files."""
    for name, kind in facts.kinds.items():
        artifact = facts.parameters.get(name)
        if artifact is None or not settings.datasets or contents.describe(artifact).is_nothing:
            continue
        form = find_form(artifact, contents.describe(artifact), settings)
        if kind != "IncludeFile" and form.shape != "include":
            continue
        folder = ExpectedFolder(
            "",
            parameters_of(facts.path),
            artifact,
            "include",
            ({_ANY_FILES: ExpectedFile(_size(contents.describe(artifact).json_value))},),
        )
        need = Need.REQUIRED if settings.max_artifact_size.dataset is None else Need.ALLOWED
        yield ExpectedArtifact(
            name, names.artifact_names(name, ("dataset",)), ("dataset",), (folder,), need
        )


def _size(descriptor: object) -> int | None:
    """Return the size of an included file, from Metaflow's descriptor of it."""
    match descriptor:
        case {"_descriptor": {"size": int(size)}}:
            return size
    return None
