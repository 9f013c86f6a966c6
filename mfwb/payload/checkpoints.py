"""Files of a checkpoint or model -> files of a W&B artifact; and its metadata for the summary."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePosixPath

from mfwb.errors import ItemLost
from mfwb.payload.model import ArtifactFiles
from mfwb.payload.values import Value, Values
from mfwb.planning import Form, PlannedCheckpoint, PlannedFile, PlannedRun
from mfwb.ports import Contents, Readable, ReadyFile

__all__ = ["KeepFile", "checkpoint_values", "copy_checkpoint", "refer_to_checkpoint"]

KeepFile = Callable[[Readable, str, int | None], ReadyFile]
"""Copies a stream and returns it under its name; or ItemLost, if it has more bytes than given."""

_REASONS_LIMIT = 100
"""Missing files that are each reported with a reason; further ones are only counted."""


def copy_checkpoint(
    planned: PlannedFile, checkpoint: PlannedCheckpoint, contents: Contents, keep: KeepFile
) -> ArtifactFiles:
    """Return the files of a checkpoint, as they lay in the folder that was saved.

    Args:
        planned: the artifact that refers to it; its stem says in which folder the files go.
        checkpoint: what it refers to, and how many bytes it may have.
        contents: source of the files.
        keep: copies a file.

    Raises:
        ItemLost: it is gone, damaged, not as it was recorded, or too large.
    """
    folder = PurePosixPath(planned.stem).parent
    result = ArtifactFiles(Form.CHECKPOINT, [])
    room, more = checkpoint.limit, 0
    for file in contents.checkpoint_files(planned.content.task, checkpoint.reference):
        if file.stream is not None:
            ready = keep(file.stream, (folder / file.name).as_posix(), room)
            room = None if room is None else room - ready.size
            result.files.append(ready)
        elif len(result.missing) < _REASONS_LIMIT:
            result.missing[file.name] = file.missing
        else:
            more += 1
    if more:
        result.missing["..."] = f"{more:,} more"
    if not result.files and not result.missing:
        raise ItemLost("there is no file in it")
    return result


def refer_to_checkpoint(
    planned: PlannedFile, checkpoint: PlannedCheckpoint, contents: Contents
) -> ArtifactFiles | None:
    """Return references to the files of a checkpoint, or to its tar; None if that is impossible."""
    located = contents.locate_checkpoint(planned.content.task, checkpoint.reference)
    if located is None:
        return None
    folder = PurePosixPath(planned.stem).parent
    files = [
        ReadyFile(
            (folder / name).as_posix() if name else f"{planned.stem}.tar",
            location.size,
            uri=location.uri,
            etag=location.etag,
            version=location.version,
        )
        for name, location in located
    ]
    return ArtifactFiles(Form.CHECKPOINT, files)


def checkpoint_values(run: PlannedRun) -> Values:
    """Return the metadata that the user gave to the checkpoints, as values of their artifacts."""
    values: Values = {}
    for checkpoint in run.checkpoints:
        if checkpoint.key and checkpoint.reference.metadata:
            of_tasks = values.setdefault(checkpoint.key, {})
            of_tasks[checkpoint.content.task] = Value(checkpoint.reference.metadata)
    return values
