"""The files of a W&B artifact, each with its form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from mfwb.planning import Form, PlannedFile
from mfwb.ports import ReadyArtifact, ReadyFile

__all__ = ["MadeFile", "altered", "files_of", "kept_because"]

_BESIDE_PICKLES = frozenset({Form.PARQUET, Form.FRAMES, Form.IMAGE})


class MadeFile(NamedTuple):
    """One file, the form in which it has the content of the artifact, and its task."""

    file: ReadyFile
    form: Form
    task: str


def files_of(artifact: ReadyArtifact) -> Iterator[MadeFile]:
    """Yield the files of a W&B artifact; a file that stayed a pickle has the form of a pickle."""
    kept = artifact.metadata.get("kept_as_pickle", {})
    for file in artifact.files:
        planned = _planned(file, artifact.planned.files)
        is_kept = isinstance(kept, str) or file.path in kept
        if planned.form in _BESIDE_PICKLES and file.path == f"{planned.stem}.pkl":
            is_kept = True  # it is logged beside a table or an image that has less information
        yield MadeFile(file, Form.PICKLE if is_kept else planned.form, planned.content.task)


def altered(artifact: ReadyArtifact) -> list[str]:
    """Return how files differ from the pickles beside them, each difference once."""
    return list(dict.fromkeys(artifact.metadata.get("altered", {}).values()))


def kept_because(artifact: ReadyArtifact) -> list[str]:
    """Return why files stayed pickles, if any did, each reason once."""
    kept = artifact.metadata.get("kept_as_pickle", {})
    return [kept] if isinstance(kept, str) else list(dict.fromkeys(kept.values()))


def _planned(file: ReadyFile, planned: tuple[PlannedFile, ...]) -> PlannedFile:
    """Return the planned file of a file: the path begins with the stem of the plan.

    A file that a path of the flow run points at, and one that was renamed, is found by its folder,
    which is that of its task.
    """
    fitting = [candidate for candidate in planned if file.path.startswith(candidate.stem)]
    if not fitting:
        folders = [(candidate, candidate.stem.rpartition("/")[0]) for candidate in planned]
        fitting = [reading for reading, folder in folders if file.path.startswith(f"{folder}/")]
    return max(fitting or planned, key=lambda candidate: len(candidate.stem))
