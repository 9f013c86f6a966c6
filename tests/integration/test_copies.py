"""Copies of flow runs read like real ones, by Metaflow's own client and by mfwb."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.copies import copy_flow_run, copy_listing, copy_running_flow_run, tag_flow_run
from tests.support.sandbox import Sandbox

HOUR = 3_600_000


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return a folder with a flow run, and its pathspec."""
    root = tmp_path_factory.mktemp("copies")
    ran = Sandbox(root).flow("two_flow", "run", "--run-id-file", "id.txt")
    assert ran.code == 0, ran.err
    return root, f"TwoFlow/{(root / 'id.txt').read_text(encoding='utf-8')}"


def test_a_copy_is_a_flow_run(home: tuple[Path, str]) -> None:
    """All that the client says is the same, but for id, tags and times, which have moved."""
    root, pathspec = home
    started_at_ms = _started_at_ms(pathspec) - 3 * HOUR
    copy = copy_flow_run(root, pathspec, started_at_ms=started_at_ms, tags=["nightly"])
    another = copy_flow_run(root, pathspec, started_at_ms=started_at_ms)

    known = _asked(root, pathspec, copy, another)
    later = int(copy.split("/")[1]) - int(pathspec.split("/")[1])
    assert copy == f"TwoFlow/{started_at_ms * 1000}"
    assert another == f"TwoFlow/{started_at_ms * 1000 + 1}"
    assert known[copy]["tags"] == known[copy]["tasks"]["end/2"]["tags"] == ["nightly"]
    assert known[another]["tags"] == []
    assert (known[copy]["finished"], known[copy]["successful"]) == (True, True)
    assert known[copy]["tasks"]["end/2"]["artifacts"]["double"] == 40
    assert _said_alike(known[copy]) == _said_alike(known[pathspec])
    for moved, original in zip(_times(known[copy]), _times(known[pathspec]), strict=True):
        assert abs(moved - original - later / 1000) <= 1


def test_one_that_runs_and_is_finished_later(home: tuple[Path, str]) -> None:
    """Its last task has begun and no more, until it is finished."""
    root, pathspec = home
    started_at_ms = _started_at_ms(pathspec) + HOUR
    copy = copy_running_flow_run(root, pathspec, started_at_ms=started_at_ms)
    running = _asked(root, copy.pathspec)[copy.pathspec]
    copy.finish(ended_at_ms=started_at_ms + HOUR)
    known = _asked(root, pathspec, copy.pathspec)
    finished = known[copy.pathspec]

    assert (running["finished"], running["successful"], running["listed"]) == (False, False, True)
    assert running["tasks"]["start/1"]["finished"] is True
    end = running["tasks"]["end/2"]
    assert (end["finished"], end["artifacts"], end["log"]) == (False, {}, "")
    assert "attempt" in {name for name, _, _ in end["records"]}
    assert not {"attempt_ok", "attempt-done"} & {name for name, _, _ in end["records"]}
    assert _said_alike(finished) == _said_alike(known[pathspec])
    assert finished["tasks"]["end/2"]["times_ms"][-1] == started_at_ms + HOUR


def test_one_that_fails(home: tuple[Path, str]) -> None:
    """Its last task has the exception."""
    root, pathspec = home
    copy = copy_running_flow_run(root, pathspec, started_at_ms=_started_at_ms(pathspec) + 3 * HOUR)
    copy.fail("no such table")

    known = _asked(root, copy.pathspec)[copy.pathspec]
    end = known["tasks"]["end/2"]
    assert (known["finished"], known["successful"]) == (False, False)
    assert (end["finished"], end["successful"], end["exception"]) == (False, False, "no such table")
    assert ["attempt_ok", "internal_attempt_status", "False"] in end["records"]
    assert end["artifacts"]["number"] == 20


def test_one_that_is_only_listed(home: tuple[Path, str]) -> None:
    """It is among the flow runs of its flow, and empty."""
    root, pathspec = home
    started_at_ms = _started_at_ms(pathspec) - HOUR
    copy = copy_listing(root, pathspec, started_at_ms=started_at_ms, tags=["old"])

    known = _asked(root, pathspec, copy)
    assert (known[copy]["listed"], known[copy]["tasks"]) == (True, {})
    assert known[copy]["tags"] == ["old"]
    assert known[copy]["system_tags"] == known[pathspec]["system_tags"]
    assert abs(known[copy]["created_ms"] - started_at_ms) < 100


def test_tags_that_come_later_are_as_metaflow_writes_them(home: tuple[Path, str]) -> None:
    """The record is the same but for the moment."""
    root, pathspec = home
    started_at_ms = _started_at_ms(pathspec) + 5 * HOUR
    ours, theirs = (
        copy_flow_run(root, pathspec, started_at_ms=started_at_ms, tags=["one"]) for _ in range(2)
    )
    tag_flow_run(root, ours, "two", at_ms=started_at_ms + HOUR)
    _asked(root, "--tag", "two", theirs)

    written, expected = (_record(root, item) for item in (ours, theirs))
    moment = written.pop("ts_epoch")
    assert moment == started_at_ms + HOUR
    assert expected.pop("ts_epoch") != moment
    assert written == {**expected, "run_number": ours.split("/")[1]}


def test_mfwb_reads_them(home: tuple[Path, str], tmp_path: Path) -> None:
    """Plans are those of the origin but for ids; who still runs is left for later."""
    root, pathspec = home
    started_at_ms = _started_at_ms(pathspec) + 7 * HOUR
    done = copy_flow_run(root, pathspec, started_at_ms=started_at_ms)
    running = copy_running_flow_run(root, pathspec, started_at_ms=started_at_ms).pathspec
    failed = copy_running_flow_run(root, pathspec, started_at_ms=started_at_ms)
    failed.fail("no such table")

    requested = ("plan", pathspec, done, running, failed.pathspec, "--json", "--project", "p")
    reported = (
        Sandbox(tmp_path).mfwb(*requested, "--metadata", f"local@{root}").document["flow_runs"]
    )
    names = [[item["name"].rpartition("/")[2] for item in each["wandb_runs"]] for each in reported]
    assert names == [["start", "end"], ["start", "end"], [], ["start", "end"]]
    assert reported[2]["status"] == "skipped"
    assert [item["state"] for item in reported[3]["wandb_runs"]] == ["finished", "failed"]
    outputs = [[item["outputs"] for item in each["wandb_runs"]] for each in reported[:2]]
    assert outputs[0] == outputs[1]


def _asked(root: Path, *arguments: str) -> dict[str, Any]:
    probe = str(Path(__file__).with_name("flow_runs_probe.py"))
    done = Sandbox(root).run(sys.executable, probe, str(root), *arguments, METAFLOW_USER="tester")
    assert done.code == 0, done.err
    result: dict[str, Any] = json.loads(done.out)
    return result


def _record(root: Path, pathspec: str) -> dict[str, Any]:
    path = root / ".metaflow" / pathspec / "_meta" / "_self.json"
    result: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return {**result, "tags": sorted(result["tags"]), "system_tags": sorted(result["system_tags"])}


def _started_at_ms(pathspec: str) -> int:
    return int(pathspec.split("/")[1]) // 1000


def _said_alike(known: dict[str, Any]) -> dict[str, Any]:
    """Return what has nothing to do with id, tags and times."""
    moving = ("pathspec", "created_ms", "tags", "times_ms", "log_ms")
    alike = {name: value for name, value in known.items() if name not in moving}
    tasks = {
        name: {key: value for key, value in task.items() if key not in moving}
        for name, task in known["tasks"].items()
    }
    assert all(
        task["pathspec"] == f"{known['pathspec']}/{name}" for name, task in known["tasks"].items()
    )
    return {**alike, "tasks": tasks}


def _times(known: dict[str, Any]) -> list[int]:
    tasks = [known["tasks"][name] for name in sorted(known["tasks"])]
    log = [time for task in tasks for time in task["log_ms"]]
    return [known["created_ms"], *(time for task in tasks for time in task["times_ms"]), *log]
