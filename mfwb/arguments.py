"""The forms in which Python code gives arguments to mfwb: settings, pathspecs and folders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeAlias, TypedDict, cast

from mfwb.config import Granularity, KindName, Mode, OnDeleted, Unpickle
from mfwb.errors import UsageError
from mfwb.snapshot.pathspec import flow_of, flow_run_of
from mfwb.units.subsets import EVERYTHING, NOTHING, Subset, parse_subset

__all__ = [
    "Folder",
    "HasPathspec",
    "PathspecLike",
    "PathspecsLike",
    "SettingsArguments",
    "flow_names",
    "flow_run_pathspecs",
    "folder_path",
    "pathspec_text",
    "read_subset",
]


class HasPathspec(Protocol):
    """An object of Metaflow's client: a `Flow`, `Run`, `Step`, `Task` or `DataArtifact`."""

    @property
    def pathspec(self) -> str:
        """As in `Flow/123/train/4`."""
        ...


PathspecLike: TypeAlias = str | HasPathspec
PathspecsLike: TypeAlias = PathspecLike | Iterable[PathspecLike]
Folder: TypeAlias = str | Path


class SizeArguments(TypedDict, total=False):
    """How large an artifact may be, by the type of W&B artifact."""

    dataset: int | str | None
    model: int | str | None
    other: int | str | None


class RedactionArguments(TypedDict, total=False):
    """What is masked in W&B."""

    enabled: bool
    patterns: Sequence[str]
    names: Sequence[str]
    exempt: Sequence[str]


class ArtifactRulesArguments(TypedDict, total=False):
    """What a flow's artifact of one name gets in W&B."""

    aliases: Sequence[str]
    when: str | None
    metadata: Sequence[str]
    link: str | None


class StepArguments(TypedDict, total=False):
    """The settings that one step can have. `mfwb.config` checks them and has their defaults."""

    datasets: bool | None
    models: bool | None
    others: bool | None
    max_artifact_size: int | str | SizeArguments | None
    curves: bool | str | Sequence[str] | None
    settings: Mapping[str, Any] | None


class FlowArguments(StepArguments, total=False):
    """The settings that one flow can have."""

    entity: str | None
    project: str | None
    granularity: Granularity | None
    overview: bool | None
    code: bool | None
    kinds: Mapping[str, KindName] | None
    artifact: Mapping[str, ArtifactRulesArguments]
    step: Mapping[str, StepArguments]


class SettingsArguments(StepArguments, total=False):
    """The settings of one call; None is the same as a setting that is not given."""

    overview_report: bool | None
    entity: str | None
    project: str | None
    granularity: Granularity | None
    overview: bool | None
    code: bool | None
    kinds: Mapping[str, KindName] | None
    redact: RedactionArguments | None
    mode: Mode | None
    dir: Folder | None
    metadata: str | None
    namespace: str | None
    datastore_roots: str | Sequence[str] | None
    unpickle: Unpickle | None
    max_memory: int | str | None
    references: bool | None
    file_references: bool | None
    path_roots: str | Sequence[Folder] | None
    workers: int | None
    max_requests_per_minute: int | None
    timeout: float | str | None
    wait: float | str | None
    on_deleted: OnDeleted | None
    abandoned_after: float | str | None
    force: bool | None
    overwrite_edits: bool | None
    strict: bool | None
    flow: Mapping[str, FlowArguments] | None


def folder_path(folder: Folder | None) -> Path | None:
    """Return a folder or a file as a path; None: none was given."""
    return None if folder is None else Path(folder)


def pathspec_text(given: PathspecLike) -> str:
    """Return the pathspec that was given as text or by an object of Metaflow; UsageError."""
    pathspec = given if isinstance(given, str) else getattr(given, "pathspec", None)
    if not isinstance(pathspec, str):
        raise UsageError(
            f"{given!r} is not a pathspec; give a text as in 'Flow/123', or an object of "
            "Metaflow's client, as in Run('Flow/123')"
        )
    return pathspec


def flow_run_pathspecs(given: Iterable[PathspecsLike]) -> list[str]:
    """Return the pathspecs of flows and flow runs; UsageError.

    A text stays as it is. A step, a task or an artifact of Metaflow's client becomes the flow run
    that it belongs to, since mfwb works on whole flow runs.
    """
    return [
        single if isinstance(single, str) else flow_run_of(pathspec_text(single))
        for single in _singles(given)
    ]


def flow_names(given: Iterable[PathspecsLike]) -> list[str]:
    """Return the names of flows; UsageError.

    A text stays as it is. Any object of Metaflow's client becomes the flow that it belongs to.
    """
    return [
        single if isinstance(single, str) else flow_of(pathspec_text(single))
        for single in _singles(given)
    ]


def read_subset(read_data: bool | str) -> Subset:  # noqa: FBT001 - as users give it
    """Return the files whose bytes are read: True, False, "5%", "1/20"; UsageError."""
    if isinstance(read_data, bool):
        return EVERYTHING if read_data else NOTHING
    try:
        return parse_subset(read_data)
    except ValueError as error:
        raise UsageError(f"read_data: {error}, not {read_data!r}") from None


def _singles(given: Iterable[PathspecsLike]) -> Iterator[PathspecLike]:
    """Yield the pathspecs of what are single ones and lists of them."""
    for argument in given:
        # Objects of Metaflow's client are iterable, too: they yield what is below them.
        if isinstance(argument, Iterable) and not _is_single(argument):
            yield from argument
        else:
            yield cast("PathspecLike", argument)  # or something else, which its reader refuses


def _is_single(argument: object) -> bool:
    return isinstance(argument, str) or hasattr(argument, "pathspec")
