"""Compares the bytes that W&B gives back: files of artifacts, tables of tasks, and cards."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from mfwb.errors import ItemLost
from mfwb.files.tempdirs import make_scratch, scratch
from mfwb.redaction import Masker, mask_card_file
from mfwb.snapshot import Card, Datastore
from mfwb.snapshot.pathspec import flow_of
from mfwb.source.cards import CardFolder, copy_card
from mfwb.units.subsets import Subset
from mfwb.verification.compare import Comparison
from mfwb.verification.compare_artifacts import LoggedFile
from mfwb.verification.compare_run import find_card
from mfwb.verification.expected import content_child
from mfwb.verification.expected.child_process import ChildEndedError, ChildProcess
from mfwb.verification.expected.contents import Contents
from mfwb.verification.expected.flow_run_reader import FlowRunReader
from mfwb.verification.expected.model import (
    ExpectedCard,
    ExpectedFlowRun,
    ExpectedPanel,
    ExpectedRun,
)
from mfwb.verification.expected.wording import matches
from mfwb.verification.findings import EDITED, Findings, why_missing
from mfwb.verification.received import ReceivedFile
from mfwb.verification.recorded import Recorded, RecordedRun

__all__ = ["ReadBack", "leave_lost_cards_open", "read_back"]

_MAX_MEMORY = 2_000_000_000  # bytes of the process that compares files with pickles
_MAX_COMPARED = 200_000_000  # bytes of a pickle, or of a file made of it
_MAX_DOCUMENT = 50_000_000  # bytes of a table of tasks, which is parsed here
_CHUNK = 1 << 20  # bytes
_DAMAGED = "the bytes were damaged or replaced on the way or in W&B's storage"
_NO_CARD = "Metaflow's card is not where cards are by default, nor below a --datastore-root"
_METADATA = "wandb-metadata.json"
_MILLISECONDS = 1.5
_CONVERTED = ("parquet", "tables", "npy", "json", "media")
_OF_CONTAINERS = {".json": "json", ".parquet": "tables"}


@dataclass(slots=True)
class ReadBack:
    """Where bytes come from, on both sides.

    Attributes:
        redaction: the rules by which secrets are masked.
        bytes_read: from W&B, so far.
    """

    recorded: Recorded
    reader: FlowRunReader
    contents: Contents
    expected: ExpectedFlowRun
    findings: Findings
    redaction: Mapping[str, Any]
    bytes_read: int = 0


def read_back(comparison: Comparison, source: ReadBack, subset: Subset) -> None:
    """Read a subset of all files back, and note what differs."""
    files = [file for file in comparison.files if subset.has(_key(file))]
    if subset.is_whole:
        unknown = source.findings.unknown
        unknown[:] = [entry for entry in unknown if not entry[0].startswith("started at, of ")]
    once = _without_repeats(files)
    source.recorded.announce([*{file.artifact.key: file.artifact for file in once}.values()])
    with ChildProcess(content_child.__name__, _MAX_MEMORY) as process, scratch() as folder:
        for file in once:
            _compare_file(file, source, process, folder)
    for expected, recorded in comparison.runs:
        if recorded.started_at is None and subset.has(f"{expected.name} start"):
            _compare_start(expected, recorded, source)
        _compare_table(expected, recorded, source, subset)
        for card in expected.cards:
            if subset.has(f"{expected.name} {card.key}"):
                _compare_card(card, expected, recorded, source)
        for panel in expected.panels:
            if subset.has(f"{expected.name} {panel.key}"):
                _compare_panel(panel, expected, recorded, source)


def leave_lost_cards_open(comparison: Comparison, source: ReadBack) -> None:
    """Leave open what neither W&B nor Metaflow has: cards that no sync can write any more."""
    differences = source.findings.differences
    for expected, recorded in comparison.runs:
        for card in expected.cards:
            if find_card(recorded, card.key) is None and _card(card, source) is None:
                item = f"{expected.name} summary.{card.key}"
                differences[:] = [
                    difference for difference in differences if difference.item != item
                ]
                source.findings.leave_open(item, _NO_CARD)


def _key(file: LoggedFile) -> str:
    return f"{file.artifact.name} {file.artifact.digest} {file.path}"


def _without_repeats(files: Iterable[LoggedFile]) -> Sequence[LoggedFile]:
    """Return each file once, though several W&B runs logged it."""
    return [*{(file.artifact.key, file.path): file for file in files}.values()]


def _compare_file(file: LoggedFile, source: ReadBack, process: ChildProcess, folder: Path) -> None:
    findings = source.findings
    item = f"{file.run} artifact {file.artifact.name}, bytes of {file.path}"
    findings.count("bytes")
    can_mend = file.artifact.version is None  # see `compare_artifacts`
    has_content = _has_content(file)
    copied = folder / "file"
    try:
        with copied.open("wb") if has_content else nullcontext() as copy:
            received = ReceivedFile(copy, _MAX_COMPARED)
            source.recorded.read_artifact_file(file.artifact, file.path, received)
    except ItemLost as lost:
        cause = f"W&B does not give them back: {lost}"
        findings.differ("bytes", item, file.run, file.path, None, cause, repairable=can_mend)
        return
    source.bytes_read += received.size
    wanted = file.expected.md5 or file.artifact.files[file.path].md5
    if wanted is not None and received.md5 != wanted:
        own, actual = {"md5": wanted}, {"md5": received.md5}
        findings.differ("bytes", item, file.run, own, actual, _DAMAGED, repairable=can_mend)
        return
    if not has_content:
        return
    verdict = _verdict(file, received, source, process, folder)
    if verdict == content_child.DIFFERENT:
        held = f"what {file.folder.task}/{file.folder.held.name} holds"
        findings.differ(
            "bytes", item, file.run, held, "another content", _DAMAGED, repairable=can_mend
        )
    elif verdict != content_child.SAME:
        findings.leave_open(item, verdict)


def _shape(file: LoggedFile) -> str:
    """Return the form of a file; that of a container that was not read by the file's name."""
    if file.folder.shape == "container":
        return _OF_CONTAINERS.get(Path(file.path).suffix, "pickle")
    return file.folder.shape


def _has_content(file: LoggedFile) -> bool:
    """Return whether the content of a file is compared, since its checksum is not known."""
    if file.expected.md5 is not None or _shape(file) not in _CONVERTED:
        return False
    # A pickle beside it has what the file can't express.
    return not any(path.endswith(".pkl") for path in file.artifact.files)


def _verdict(
    file: LoggedFile, received: ReceivedFile, source: ReadBack, process: ChildProcess, folder: Path
) -> str:
    held = file.folder.held
    if held.size > _MAX_COMPARED or not received.is_copied:
        return f"it is larger than the {_MAX_COMPARED:,} bytes up to which contents are compared"
    pickled = folder / "pickle"
    question: dict[str, Any] = {"shape": _shape(file), "key": Path(file.path).stem}
    question |= {"name": held.name, "redaction": dict(source.redaction)}
    try:
        source.contents.copy(held, pickled)
        return str(process.ask(question, [pickled, folder / "file"]))
    except (ItemLost, ChildEndedError) as error:
        return str(error)


def _compare_start(expected: ExpectedRun, recorded: RecordedRun, source: ReadBack) -> None:
    """Compare the start that W&B's own metadata of a W&B run names."""
    if expected.started_at is None:
        return
    item = f"{expected.name} started at"
    if _METADATA not in recorded.files:
        cause = why_missing(recorded, "somebody deleted it from its config")
        own = expected.started_at / 1000
        source.findings.differ("time", item, expected.name, own, None, cause)
        return
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
    expected: ExpectedRun, recorded: RecordedRun, source: ReadBack, subset: Subset
) -> None:
    panel = recorded.summary.get("tasks")
    path = panel.get("path") if isinstance(panel, dict) else None
    if expected.table is None or not isinstance(path, str) or path not in recorded.files:
        return  # its absence was noted before
    if not subset.has(f"{expected.name} tasks"):
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
        source.findings.leave_open(item, _NO_CARD)
        return
    actual = ReceivedFile()
    if _read_panel(item, expected, recorded, path, source, actual) and actual.sha256 != own:
        source.findings.differ("panel", item, expected.name, own, actual.sha256, _DAMAGED)


def _compare_panel(
    panel: ExpectedPanel, expected: ExpectedRun, recorded: RecordedRun, source: ReadBack
) -> None:
    """Compare the files of a panel with the checksums that the summary has of them."""
    shown = find_card(recorded, panel.key)
    if not isinstance(shown, dict):
        return
    item = f"{expected.name} summary.{panel.key}, its bytes"
    for path, own in _checksums(shown):
        if path not in recorded.files:
            continue  # its absence was noted before
        actual = ReceivedFile()
        is_read = _read_panel(item, expected, recorded, path, source, actual)
        if is_read and not actual.sha256.startswith(own):
            source.findings.differ("panel", item, expected.name, own, actual.sha256, _DAMAGED)
            return


def _checksums(shown: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the files of a panel with their sha256; of a gallery, its start is in the path."""
    paths = shown.get("filenames")
    if isinstance(paths, list):
        for path in dict.fromkeys(map(str, paths)):
            yield path, path.rpartition("_")[2].partition(".")[0]
    elif isinstance(shown.get("path"), str):
        yield shown["path"], str(shown.get("sha256"))


def _card(card: ExpectedCard, source: ReadBack) -> str | None:
    """Return the sha256 of a card as W&B should have it; None if the folders of cards lack it."""
    datastore: Datastore | None = source.expected.datastores.get(card.task)
    if datastore is None:
        return None
    folders = _card_folders(datastore, source)
    tasks = [card.task, *filter(None, [source.expected.origins.get(card.task)])]
    folder = Path(make_scratch())
    try:
        recorded = Card(type=card.card.type, id=card.card.id, uuid=card.card.hash)
        copy_card(folders, tasks, recorded, folder / "card")
        mask_card_file(folder / "card", Masker(**source.redaction))
        own = ReceivedFile()
        with (folder / "card").open("rb") as file:
            while chunk := file.read(_CHUNK):
                own.write(chunk)
    except ItemLost:
        return None
    else:
        return own.sha256
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _card_folders(datastore: Datastore, source: ReadBack) -> list[CardFolder]:
    """Return the datastore's own folders of cards, the configured one, and those of own roots."""
    flow, roots = flow_of(source.expected.pathspec), source.reader.roots
    folders = [(datastore.root, "mf.cards/"), (datastore.root, "")]
    if root := roots.cards.get(datastore.type):
        folders.append((root, ""))
    if datastore.type == "local":
        for folder in roots.folders:
            folders += [(str(folder), "mf.cards/"), (str(folder), ".metaflow/mf.cards/")]
        folders = [(root, prefix) for root, prefix in folders if (Path(root) / prefix).is_dir()]
    return [
        CardFolder(source.reader.store(flow, Datastore(datastore.type, root)), prefix)
        for root, prefix in folders
    ]


def _panel_bytes(
    item: str, expected: ExpectedRun, recorded: RecordedRun, path: str, source: ReadBack
) -> bytes | None:
    """Return the bytes of a small document; None if there is none, or it is too large."""
    copy = io.BytesIO()
    received = ReceivedFile(copy, _MAX_DOCUMENT)
    if not _read_panel(item, expected, recorded, path, source, received):
        return None
    if not received.is_copied:
        reason = f"it is larger than the {_MAX_DOCUMENT:,} bytes up to which documents are read"
        source.findings.leave_open(item, reason)
        return None
    return copy.getvalue()


def _read_panel(  # noqa: PLR0913, PLR0917 - what it is of, and where to note it
    item: str,
    expected: ExpectedRun,
    recorded: RecordedRun,
    path: str,
    source: ReadBack,
    received: ReceivedFile,
) -> bool:
    """Return whether W&B sends a file of a W&B run."""
    source.findings.count("bytes")
    try:
        source.recorded.read_run_file(recorded, path, received)
    except ItemLost as lost:
        cause = f"W&B does not give them back: {lost}"
        source.findings.differ("bytes", item, expected.name, path, None, cause)
        return False
    source.bytes_read += received.size
    return True
