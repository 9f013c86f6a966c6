"""Flow runs that Metaflow 2.9 and each minor version after it wrote are read by this one.

`make old-flow-runs` has recorded them, all of `tests/flows/recorded_flow.py`.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mfwb.sink.offline.wandb_file import read_records
from tests.integration.results import losses_of, metadata_of
from tests.support.sandbox import Finished, Sandbox
from tools.record_flow_runs import ARCHIVE, CARD, PYTHONS

_ALSO = pytest.mark.exhaustive

VALUES: dict[str, dict[str, Any]] = {
    "start": {
        "numbers": [0, 1, 2],
        "facts": {"rate": 0.25, "large": str(2**60), "nothing": None, "flags": [True, False]},
        "moment": "2023-05-06T07:08:09",
        "words": ["a", "b"],
        "passed_on": "from start",
    },
    "collect": {"total": 6},
    "left": {"side": "left"},
    "right": {"side": "right", "html": "<p>from start, total 6</p>"},
    "end_of_branches": {"sides": ["left", "right"]},  # the others are equal to what it was given
    "end": {"last": "from start to the end, 6"},
}
"""What each step wrote, as W&B has it: a number that JSON does not keep exactly is text."""

EDGES = {
    *(("collect/5", "doubled", f"double/{task}") for task in (2, 3, 4)),
    *((f"double/{task}", "numbers", "start/1") for task in (2, 3, 4)),
    ("right/8", "passed_on", "start/1"),
    ("right/8", "total", "collect/5"),
    ("end_of_branches/9", "side", "left/7"),
    ("end_of_branches/9", "side", "right/8"),
    ("end_of_branches/9", "passed_on", "start/1"),
    ("end_of_branches/9", "total", "collect/5"),
    ("end/10", "passed_on", "start/1"),
    ("end/10", "total", "collect/5"),
}
"""What each task read: its name, the artifact, and the task that made it."""

RECORDED_CARDS = ("2.16.0", "2.17.0", "2.18.0", "2.19.0")

PROBE = """
import json, sys
from metaflow import Flow, namespace

namespace(None)
told = {}
for run in Flow("RecordedFlow"):
    told[run.id] = {
        step.id: {
            artifact.id: sorted(artifact.data) if artifact.id == "words" else artifact.data
            for artifact in step.task
            if artifact.id in json.loads(sys.argv[1]).get(step.id, ())
        }
        for step in run
    }
print(json.dumps(told, default=lambda value: value.isoformat()))
"""
"""Prints what Metaflow's client says of the same values."""


@dataclass(frozen=True)
class OldFlowRuns:
    """All flow runs of the archive, synced."""

    sandbox: Sandbox
    done: Finished
    ids: dict[str, str]
    """By the version of Metaflow that wrote it."""

    def records(self, version: str, step: str) -> list[Any]:
        """Return the records of a W&B run."""
        [run] = [run for run in self.wandb_runs(version) if run["job_type"] == step]
        [path] = Path(run["dir"]).glob("*.wandb")
        return list(read_records(path))

    def wandb_runs(self, version: str) -> list[dict[str, Any]]:
        """Return the W&B runs of a flow run, as `--json` says them."""
        runs: list[dict[str, Any]] = self.flow_run(version)["wandb_runs"]
        return runs

    def flow_run(self, version: str) -> dict[str, Any]:
        """Return a flow run, as `--json` says it."""
        pathspec = f"RecordedFlow/{self.ids[version]}"
        [result] = [
            item for item in self.done.document["flow_runs"] if item["pathspec"] == pathspec
        ]
        return dict(result)


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> OldFlowRuns:
    """Return the flow runs, extracted into one datastore and synced into a bundle."""
    root = tmp_path_factory.mktemp("old")
    ids = dict(_extracted(root))
    sandbox = Sandbox(root)
    to = ("--mode", "offline", "--dir", str(root / "bundle"), "--entity", "acme", "--json")
    done = sandbox.mfwb("sync", "RecordedFlow", "--all", *to, "--metadata", metadata_of(root))
    return OldFlowRuns(sandbox, done, ids)


def _extracted(root: Path) -> Iterator[tuple[str, str]]:
    """Write the datastores of all versions into one, and yield the version of each run's id."""
    with tarfile.open(ARCHIVE) as archive:
        for entry in archive:
            version, _, rest = entry.name.partition("/")
            content = archive.extractfile(entry) or io.BytesIO()
            path = root / rest
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.read().replace(b"@ROOT@", str(root).encode()))
            if path.match(".metaflow/RecordedFlow/*/_meta/_self.json"):
                yield version, path.parts[-3]


def test_each_version_is_there(old: OldFlowRuns) -> None:
    """The archive has what the verb makes, and small: it is part of the repository."""
    assert old.ids.keys() == PYTHONS.keys()
    assert ARCHIVE.stat().st_size < 200_000


def test_all_are_synced_without_losses(old: OldFlowRuns) -> None:
    """No version wrote anything that this one can't read; before 2.16, none recorded its cards."""
    assert old.done.code == 0, old.done.err
    assert {item["status"] for item in old.done.document["flow_runs"]} == {"synced"}
    assert losses_of(old.done.document) == []
    for version in PYTHONS:
        lost = [loss["item"] for loss in old.flow_run(version)["losses"]]
        card = f"RecordedFlow/{old.ids[version]}/right/8 card"
        assert lost == ([] if version in RECORDED_CARDS else [card]), version


@pytest.mark.parametrize("version", PYTHONS)
def test_values(version: str, old: OldFlowRuns) -> None:
    """W&B gets what each step wrote, and the parameters."""
    for step, values in VALUES.items():
        summary = _summary(old.records(version, step))
        assert {name: _sorted(name, summary.get(name)) for name in values} == values, step
    config = _config(old.records(version, "end"))
    assert {name: config[name] for name in ("count", "title", "options")} == {
        "count": 3,
        "title": "recorded",
        "options": {"deep": [1, {"a": None}]},
    }
    assert config["metaflow"]["metaflow_version"] == version


def _sorted(name: str, value: Any) -> Any:
    """Return a value; the branches of a join come in the order in which they ended."""
    return sorted(value) if name == "sides" else value


def _summary(records: list[Any]) -> dict[str, Any]:
    return {
        update.key or update.nested_key[0]: json.loads(update.value_json)
        for record in records
        if record.WhichOneof("record_type") == "summary"
        for update in record.summary.update
    }


def _config(records: list[Any]) -> dict[str, Any]:
    return {item.key: json.loads(item.value_json) for item in _only(records, "run").config.update}


def test_the_client_says_the_same(old: OldFlowRuns) -> None:
    """What is expected here is what Metaflow reads of them."""
    names = json.dumps({step: list(values) for step, values in VALUES.items()})
    shown = old.sandbox.python(PROBE, names).document

    assert shown.keys() == set(old.ids.values())
    for of_steps in shown.values():
        of_steps["end_of_branches"]["sides"].sort()
        of_steps["start"]["facts"]["large"] = str(of_steps["start"]["facts"]["large"])
        assert {step: of_steps[step] for step in VALUES} == VALUES


@pytest.mark.parametrize("version", PYTHONS)
def test_what_is_beside_values(version: str, old: OldFlowRuns) -> None:
    """Tags, the first attempt, the log, the caught exception and the card."""
    start, double, left, right = (
        old.records(version, step) for step in ("start", "double", "left", "right")
    )

    assert _only(start, "run").tags == ["recorded"]
    assert "started äöü" in _log(start)
    assert "the first attempt fails" in json.dumps(_config(double)["metaflow"])
    assert "ZeroDivisionError" in json.dumps([_summary(left), _config(left)])
    assert _cards(old, version) == ([CARD] if version in RECORDED_CARDS else [])
    assert _only(right, "exit").exit_code == 0


def _cards(old: OldFlowRuns, version: str) -> list[bytes]:
    [run] = [run for run in old.wandb_runs(version) if run["job_type"] == "right"]
    return [path.read_bytes() for path in Path(run["dir"]).rglob("*.html")]


def _only(records: list[Any], kind: str) -> Any:
    [record] = [record for record in records if record.WhichOneof("record_type") == kind]
    return getattr(record, kind)


def _log(records: list[Any]) -> str:
    return "".join(
        record.output_logger.line
        for record in records
        if record.WhichOneof("record_type") == "output_logger"
    )


@pytest.mark.parametrize(
    "version",
    [
        version if version in {"2.9.0", "2.19.0"} else pytest.param(version, marks=_ALSO)
        for version in PYTHONS
    ],
)
def test_lineage(version: str, old: OldFlowRuns) -> None:
    """Each task is seen to have read what it did; without the source, it may have read more."""
    pathspec = f"RecordedFlow/{old.ids[version]}"
    where = ("--metadata", metadata_of(old.sandbox.root))
    document = old.sandbox.mfwb("lineage", pathspec, "--format", "json", *where).document
    edges = {
        (_task(edge["consumer"]), edge["artifact"], _task(edge["producer"]))
        for edge in document["edges"]
    }

    assert edges >= EDGES


def _task(pathspec: str) -> str:
    return pathspec.split("/", 2)[2]
