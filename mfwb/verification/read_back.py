"""Compares the bytes that W&B gives back: files of artifacts, tables of tasks, and cards."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from mfwb.errors import ItemLost
from mfwb.files.tempdirs import make_scratch
from mfwb.snapshot import Card, Datastore
from mfwb.snapshot.pathspec import flow_of
from mfwb.source.cards import CardFolder, copy_card
from mfwb.verification.compare import Comparison
from mfwb.verification.compare_artifacts import LoggedFile
from mfwb.verification.compare_run import find_card
from mfwb.verification.expected import content_child
from mfwb.verification.expected.child_process import ChildEndedError, ChildProcess
from mfwb.verification.expected.contents import Contents
from mfwb.verification.expected.flow_run_reader import FlowRunReader
from mfwb.verification.expected.model import ExpectedCard, ExpectedFlowRun, ExpectedRun
from mfwb.verification.expected.wording import matches
from mfwb.verification.findings import EDITED, Findings
from mfwb.verification.recorded import Recorded, RecordedRun

__all__ = ["ReadBack", "is_selected", "read_back"]

_MAX_MEMORY = 2_000_000_000  # bytes of the process that compares files with pickles
_MAX_COMPARED = 200_000_000  # bytes of a pickle, or of a file made of it
_DAMAGED = "the bytes were damaged or replaced on the way or in W&B's storage"
_METADATA = "wandb-metadata.json"
_MILLISECONDS = 1.5
_CONVERTED = ("parquet", "tables", "npy", "json")


def is_selected(key: str, share: float) -> bool:
    """Return whether a file is among the share of files to read: the same ones each time."""
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64


@dataclass(slots=True)
class ReadBack:
    """Where bytes come from, on both sides.

    Attributes:
        bytes_read: from W&B, so far.
    """

    recorded: Recorded
    reader: FlowRunReader
    contents: Contents
    expected: ExpectedFlowRun
    findings: Findings
    bytes_read: int = 0


def read_back(comparison: Comparison, source: ReadBack, share: float) -> None:
    """Read a share of all files back, and note what differs."""
    files = [file for file in comparison.files if is_selected(_key(file), share)]
    if share >= 1:
        unknown = source.findings.unknown
        unknown[:] = [entry for entry in unknown if not entry[0].startswith("started at, of ")]
    with ChildProcess(content_child.__name__, _MAX_MEMORY) as process:
        for file in _without_repeats(files):
            _compare_file(file, source, process)
    for expected, recorded in comparison.runs:
        if recorded.started_at is None and is_selected(f"{expected.name} start", share):
            _compare_start(expected, recorded, source)
        _compare_table(expected, recorded, source, share)
        for card in expected.cards:
            if is_selected(f"{expected.name} {card.key}", share):
                _compare_card(card, expected, recorded, source)


def _key(file: LoggedFile) -> str:
    return f"{file.artifact.name} {file.artifact.digest} {file.path}"


def _without_repeats(files: Iterable[LoggedFile]) -> Sequence[LoggedFile]:
    """Return each file once, though several W&B runs logged it."""
    return [*{(file.artifact.key, file.path): file for file in files}.values()]


def _compare_file(file: LoggedFile, source: ReadBack, process: ChildProcess) -> None:
    findings = source.findings
    item = f"{file.run} artifact {file.artifact.name}, bytes of {file.path}"
    findings.count("bytes")
    can_mend = file.artifact.version is None  # see `compare_artifacts`
    try:
        data = source.recorded.artifact_bytes(file.artifact, file.path)
    except ItemLost as lost:
        cause = f"W&B does not give them back: {lost}"
        findings.differ("bytes", item, file.run, file.path, None, cause, repairable=can_mend)
        return
    source.bytes_read += len(data)
    md5 = base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
    recorded = file.artifact.files[file.path].md5
    wanted = file.expected.md5 or recorded
    if wanted is not None and md5 != wanted:
        own, actual = {"md5": wanted}, {"md5": md5}
        findings.differ("bytes", item, file.run, own, actual, _DAMAGED, repairable=can_mend)
        return
    if file.expected.md5 is not None or file.folder.shape not in _CONVERTED:
        return
    if any(path.endswith(".pkl") for option in (file.artifact.files,) for path in option):
        return  # the pickle beside it has what the file can't express
    verdict = _verdict(file, data, source, process)
    if verdict == content_child.DIFFERENT:
        held = f"what {file.folder.task}/{file.folder.held.name} holds"
        findings.differ(
            "bytes", item, file.run, held, "another content", _DAMAGED, repairable=can_mend
        )
    elif verdict != content_child.SAME:
        findings.leave_open(item, verdict)


def _verdict(file: LoggedFile, data: bytes, source: ReadBack, process: ChildProcess) -> str:
    held = file.folder.held
    if max(held.size, len(data)) > _MAX_COMPARED:
        return f"it is larger than the {_MAX_COMPARED:,} bytes up to which contents are compared"
    folder = Path(make_scratch())
    try:
        source.contents.copy(held, folder / "pickle")
        pickled = (folder / "pickle").read_bytes()
    except ItemLost as lost:
        return str(lost)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    question = {"shape": file.folder.shape, "key": Path(file.path).stem}
    try:
        return str(process.ask(question, [pickled, data]))
    except ChildEndedError as error:
        return str(error)


def _compare_start(expected: ExpectedRun, recorded: RecordedRun, source: ReadBack) -> None:
    """Compare the start that W&B's own metadata of a W&B run names."""
    if expected.started_at is None or _METADATA not in recorded.files:
        return
    item = f"{expected.name} started at"
    document = _panel_bytes(item, expected, recorded, _METADATA, source)
    if document is None:
        return
    try:
        actual = str(json.loads(document)["startedAt"])
        moment = datetime.fromisoformat(actual.replace("Z", "+00:00"))
        is_same = abs(moment.timestamp() * 1000 - expected.started_at) <= _MILLISECONDS
    except (ValueError, KeyError, TypeError):
        actual, is_same = "no time", False
    if not is_same:
        own = expected.started_at / 1000
        source.findings.differ("time", item, expected.name, own, actual, EDITED)


def _compare_table(
    expected: ExpectedRun, recorded: RecordedRun, source: ReadBack, share: float
) -> None:
    panel = recorded.summary.get("tasks")
    path = panel.get("path") if isinstance(panel, dict) else None
    if expected.table is None or not isinstance(path, str) or path not in recorded.files:
        return  # its absence was noted before
    if not is_selected(f"{expected.name} tasks", share):
        return
    document = _panel_bytes(f"{expected.name} table tasks", expected, recorded, path, source)
    if document is None:
        return
    findings = source.findings
    try:
        table = json.loads(document)
        columns, rows = list(map(str, table["columns"])), list(table["data"])
        by_task = {row[1]: dict(zip(columns, row, strict=True)) for row in rows}
    except (ValueError, KeyError, TypeError, IndexError):
        item = f"{expected.name} table tasks"
        findings.differ("panel", item, expected.name, "a table", "no table", _DAMAGED)
        return
    for label, task, state, seconds in expected.table.rows:
        actual = by_task.get(task, {})
        own = {"index": label, "task": task, "state": state, "seconds": seconds}
        wanted = {column: values.get(task) for column, values in expected.table.columns.items()}
        settled = {key: cell for key, cell in wanted.items() if expected.table.columns[key]}
        for column, cell in {**own, **settled}.items():
            findings.count("panel")
            if column not in actual or not _is_cell(cell, actual[column]):
                findings.differ(
                    "panel",
                    f"{expected.name} table tasks, {column} of {label}",
                    expected.name,
                    cell,
                    actual.get(column),
                    _DAMAGED,
                )


def _is_cell(cell: Any, actual: Any) -> bool:
    """Whether a cell of a table says what is expected; lists and dicts are JSON in it."""
    if isinstance(cell, (dict, list)) and isinstance(actual, str):
        try:
            return matches(cell, json.loads(actual)) or matches(cell, actual)
        except ValueError:
            return matches(cell, actual)
    return matches(cell, actual)


def _compare_card(
    card: ExpectedCard, expected: ExpectedRun, recorded: RecordedRun, source: ReadBack
) -> None:
    panel = find_card(recorded, card.key)
    path = panel.get("path") if isinstance(panel, dict) else None
    if not isinstance(path, str) or path not in recorded.files:
        return
    item = f"{expected.name} summary.{card.key}, its bytes"
    own = _card(card, source)
    if own is None:
        source.findings.leave_open(item, "Metaflow's card is not in the default folder of cards")
        return
    actual = _panel_bytes(item, expected, recorded, path, source)
    if actual is not None and actual != own:
        own_sha256, actual_sha256 = (hashlib.sha256(data).hexdigest() for data in (own, actual))
        source.findings.differ("panel", item, expected.name, own_sha256, actual_sha256, _DAMAGED)


def _card(card: ExpectedCard, source: ReadBack) -> bytes | None:
    """Return the HTML of a card as Metaflow has it; None if the folders of cards do not have it."""
    datastore: Datastore | None = source.expected.datastores.get(card.task)
    if datastore is None:
        return None
    flow = flow_of(source.expected.pathspec)
    store = source.reader.store(flow, datastore)
    folders = [CardFolder(store, prefix) for prefix in ("mf.cards/", "")]
    tasks = [card.task, *filter(None, [source.expected.origins.get(card.task)])]
    folder = Path(make_scratch())
    try:
        recorded = Card(type=card.card.type, id=card.card.id, uuid=card.card.hash)
        copy_card(folders, tasks, recorded, folder / "card")
        return (folder / "card").read_bytes()
    except ItemLost:
        return None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _panel_bytes(
    item: str, expected: ExpectedRun, recorded: RecordedRun, path: str, source: ReadBack
) -> bytes | None:
    source.findings.count("bytes")
    try:
        data = source.recorded.run_bytes(recorded, path)
    except ItemLost as lost:
        cause = f"W&B does not give them back: {lost}"
        source.findings.differ("bytes", item, expected.name, path, None, cause)
        return None
    source.bytes_read += len(data)
    return data
