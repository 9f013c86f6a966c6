"""Files of a checkpoint become files of a W&B artifact; its metadata a value of the summary."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mfwb.payload.builder import PayloadBuilder
from mfwb.planning import Form, PlannedCheckpoint
from mfwb.ports import ReadyRun
from mfwb.snapshot.checkpoints import parse_reference
from tests.unit.payload.memory import MemoryContents, output, planned_file, planned_run
from tests.unit.snapshot.test_checkpoints import CHECKPOINT

FILES: dict[str, bytes | None] = {"weights.bin": b"w" * 10, "sub/state": b"s", "link": None}


def _prepare(
    folder: Path, files: dict[str, bytes | None] | None, limit: int | None = None
) -> ReadyRun:
    """Return the payload of a W&B run with one artifact that refers to a checkpoint."""
    contents = MemoryContents()
    content = contents.add(CHECKPOINT)
    reference = parse_reference(CHECKPOINT, "F")
    assert reference is not None
    if files is not None:
        contents.checkpoints[reference.key] = files
    run = replace(
        planned_run(outputs=[output(planned_file(content, Form.CHECKPOINT))]),
        checkpoints=(PlannedCheckpoint(content, "x", reference, limit),),
    )
    builder = PayloadBuilder(folder, keep=True)
    try:
        return builder.prepare(run, contents)
    finally:
        builder.close()


def test_files_and_values(tmp_path: Path) -> None:
    """The files lie as in the saved folder; what can't be read is a loss; metadata is a value."""
    ready = _prepare(tmp_path, FILES)

    [artifact] = ready.artifacts
    read = {file.path: file.local.read_bytes() for file in artifact.files if file.local}
    assert read == {"weights.bin": b"w" * 10, "sub/state": b"s"}
    assert all(file.md5 for file in artifact.files)
    assert "artifact.download()" in artifact.description
    assert [loss.reason for loss in ready.losses if loss.item.endswith("/x/link")] == [
        "it is a link"
    ]
    assert ready.summary["x"] == {"loss": 0.5}


def test_one_that_is_gone(tmp_path: Path) -> None:
    """The files are a loss; the metadata stays."""
    ready = _prepare(tmp_path, None)

    assert ready.artifacts == ()
    assert "gone" in ready.losses[0].reason
    assert ready.summary["x"] == {"loss": 0.5}


def test_one_that_is_too_large(tmp_path: Path) -> None:
    """All its files count together, whatever size was recorded."""
    ready = _prepare(tmp_path, FILES, limit=10)

    assert ready.artifacts == ()
    assert "max_artifact_size allows for models" in ready.losses[0].reason


def test_an_empty_one(tmp_path: Path) -> None:
    """W&B has no artifacts without files."""
    ready = _prepare(tmp_path, {})

    assert ready.artifacts == ()
    assert ready.losses[0].reason == "there is no file in it"
