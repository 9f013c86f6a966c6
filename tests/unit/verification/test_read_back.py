"""Bytes that W&B gives back, against what they should be."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from mfwb.errors import ItemLost
from mfwb.units.subsets import EVERYTHING, NOTHING, Subset
from mfwb.verification.compare import Comparison
from mfwb.verification.compare_artifacts import LoggedFile
from mfwb.verification.expected.contents import Contents
from mfwb.verification.expected.facts import CardFacts
from mfwb.verification.expected.model import (
    ExpectedCard,
    ExpectedFile,
    ExpectedFlowRun,
    ExpectedFolder,
    ExpectedRun,
    ExpectedTable,
)
from mfwb.verification.expected.value_reader import ValueReader, new_value_process
from mfwb.verification.findings import Findings
from mfwb.verification.read_back import ReadBack, leave_lost_cards_open, read_back
from mfwb.verification.recorded import (
    Receiver,
    RecordedArtifact,
    RecordedFile,
    RecordedFlowRun,
    RecordedRun,
)
from tests.unit.verification.expected.facts_of_tasks import flow_run, held
from tests.unit.verification.recorded_runs import recorded_run

_COLUMNS = ["index", "task", "state", "seconds", "x"]
_TABLE = {
    "columns": _COLUMNS,
    "data": [["0", "F/1/fit/0", "ok", 2.0, 7]],
}
_METADATA = json.dumps({"startedAt": "1970-01-01T00:00:01Z"}).encode()


class Project:
    """A W&B project that has these bytes by path."""

    requests = 0

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files

    def flow_run(
        self,
        group: str,
        aliases: Collection[str] = (),  # noqa: ARG002
        *,
        with_links: bool = False,  # noqa: ARG002
    ) -> RecordedFlowRun:
        """Return nothing: it was read before."""
        return RecordedFlowRun(group, [], {})

    def announce(self, artifacts: Sequence[RecordedArtifact]) -> None:
        """Do nothing."""

    def read_artifact_file(self, artifact: RecordedArtifact, path: str, receiver: Receiver) -> None:
        """Send the bytes of a file."""
        self._send(f"{artifact.name}/{path}", receiver)

    def read_run_file(self, run: RecordedRun, path: str, receiver: Receiver) -> None:
        """Send the bytes of a file."""
        self._send(f"{run.id}/{path}", receiver)

    def _send(self, path: str, receiver: Receiver) -> None:
        if path not in self._files:
            raise ItemLost(f"there is no {path}")
        receiver.begin()
        receiver.write(self._files[path])


def _expected(**fields: Any) -> ExpectedRun:
    values: dict[str, Any] = {
        "name": "F/1/fit",
        "group": "F/1",
        "job_type": "fit",
        "tags": frozenset(),
        "state": "finished",
        **{key: {} for key in ("config", "facts", "summary", "outcome", "history")},
        **dict.fromkeys(("cards", "log", "artifacts", "uses"), ()),
        "table": None,
        **fields,
    }
    return ExpectedRun(**values)


def _read_back(
    files: Mapping[str, bytes],
    *,
    run: ExpectedRun | None = None,
    recorded: RecordedRun | None = None,
    logged: LoggedFile | None = None,
    subset: Subset = EVERYTHING,
) -> ReadBack:
    findings = Findings()
    contents = Contents(
        flow_run(),
        ValueReader(new_value_process()),
        lambda _datastore: pytest.fail("nothing is stored"),
    )
    expected = ExpectedFlowRun("F/1", "finished", 1000, "run-1", [], {}, frozenset(), {})
    reader: Any = None  # only cards are read with it
    source = ReadBack(Project(files), reader, contents, expected, findings, {})
    runs = [] if run is None or recorded is None else [(run, recorded)]
    read_back(Comparison(findings, [] if logged is None else [logged], runs), source, subset)
    return source


def _items(source: ReadBack) -> list[str]:
    return [difference.item for difference in source.findings.differences]


def test_files_of_artifacts() -> None:
    """Equal bytes are counted; other bytes, and none at all, are differences."""
    data = b"pickled"
    md5 = base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
    artifact = RecordedArtifact(
        "net:v0",
        "net",
        "model",
        "v0",
        "d",
        frozenset(),
        {"net.pkl": RecordedFile("net.pkl", len(data), md5)},
    )
    file = ExpectedFile(len(data), md5)
    folder = ExpectedFolder("", "F/1/fit/0", held("net"), "pickle", ({"net.pkl": file},))
    logged = LoggedFile("F/1/fit", artifact, "net.pkl", folder, file)

    same = _read_back({"net/net.pkl": data}, logged=logged)
    assert (_items(same), same.bytes_read) == ([], len(data))
    assert same.findings.compared["bytes"] == 1

    item = "F/1/fit artifact net, bytes of net.pkl"
    damaged = _read_back({"net/net.pkl": b"damaged"}, logged=logged)
    assert _items(damaged) == _items(_read_back({}, logged=logged)) == [item]
    assert not damaged.findings.differences[0].repairable

    nothing = _read_back({}, logged=logged, subset=NOTHING)
    assert (_items(nothing), nothing.findings.compared["bytes"]) == ([], 0)


@pytest.mark.parametrize(
    ("change", "items"),
    [
        ({}, []),
        ({"data": [["0", "F/1/fit/0", "ok", 2.0, 8]]}, ["x of 0"]),
        ({"columns": ["index", "task", "state", "seconds", "y"]}, ["x of 0"]),
        ({"data": []}, [f"{column} of 0" for column in _COLUMNS]),
        ({"data": None}, [""]),
    ],
)
def test_the_table_of_tasks(change: dict[str, Any], items: list[str]) -> None:
    """Each cell is compared; what is no table is one difference."""
    table = ExpectedTable(
        ("index", "task", "state", "seconds"),
        (("0", "F/1/fit/0", "ok", 2.0),),
        {"x": {"F/1/fit/0": 7}},
    )
    recorded = recorded_run(
        summary={"tasks": {"path": "t.json"}},
        files={"t.json": RecordedFile("t.json", 1, None)},
        started_at=1.0,
    )
    document = json.dumps({**_TABLE, **change}).encode()
    source = _read_back({"i/t.json": document}, run=_expected(table=table), recorded=recorded)

    names = [f"F/1/fit table tasks, {item}" if item else "F/1/fit table tasks" for item in items]
    assert _items(source) == names


def test_the_start() -> None:
    """It is read from W&B's own metadata if the W&B run names none; a millisecond counts."""
    path = "wandb-metadata.json"
    recorded = recorded_run(files={path: RecordedFile(path, 1, None)})
    run = _expected(started_at=1000)
    files = {f"i/{path}": _METADATA}

    assert _items(_read_back(files, run=run, recorded=recorded)) == []
    delayed = replace(run, started_at=1003)
    assert _items(_read_back(files, run=delayed, recorded=recorded)) == ["F/1/fit started at"]
    damaged = {f"i/{path}": b"{}"}
    assert _items(_read_back(damaged, run=run, recorded=recorded)) == ["F/1/fit started at"]
    assert _items(_read_back({}, run=run, recorded=recorded_run())) == ["F/1/fit started at"]


def test_cards_that_metaflow_lost_are_left_open() -> None:
    """No sync can write them: neither is it a difference that W&B has none."""
    card = ExpectedCard("card/blank", "F/1/fit/0", CardFacts("blank", None, "h"))
    run, recorded = _expected(cards=(card,)), recorded_run()
    source = _read_back({})
    for item in ("card/blank", "card/other"):
        source.findings.differ("panel", f"{run.name} summary.{item}", run.name, "html", None, "?")

    leave_lost_cards_open(Comparison(source.findings, [], [(run, recorded)]), source)

    assert _items(source) == ["F/1/fit summary.card/other"]
    assert [item for item, _ in source.findings.unknown] == ["F/1/fit summary.card/blank"]
