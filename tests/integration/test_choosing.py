"""Which flow runs a call is about: by time, by tag, of all flows; from the shell, from Python."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.sandbox import Sandbox

_DAY = 86_400_000_000  # µs, as the ids of local flow runs are

_PROGRAM = """
import json, sys
from datetime import datetime, timedelta, timezone
import mfwb

day = timedelta(days=1)
newest = datetime.fromtimestamp(int(sys.argv[1]) / 1e6, timezone.utc)
answers = [
    mfwb.plan(since=newest - 7 * day),
    mfwb.plan("TwoFlow", since=int((newest - 40 * day).timestamp() * 1000), until=newest - day),
    mfwb.plan(every=True, tags=["prod"]),
    mfwb.plan("TwoFlow", last=1, until="2d"),
]
print(json.dumps([[one.pathspec for one in answer.flow_runs] for answer in answers]))
"""


@dataclass(frozen=True)
class Three:
    """A folder with three runs of one flow; the oldest is tagged `prod`."""

    sandbox: Sandbox
    runs: tuple[str, str, str]  # pathspecs, the oldest first


def _copied(flow: Path, run_id: str, to: str, *tags: str) -> None:
    """Put the same flow run beside itself under another id, as if it had begun then."""
    shutil.copytree(flow / run_id, flow / to)
    for path in (flow / to).rglob("*.json"):
        path.write_text(path.read_text(encoding="utf-8").replace(run_id, to), encoding="utf-8")
    about = flow / to / "_meta" / "_self.json"
    about.write_text(json.dumps({**json.loads(about.read_bytes()), "tags": tags}), encoding="utf-8")


@pytest.fixture
def three(sandbox: Sandbox, flow_run: Callable[[str], str], flows_root: Path) -> Three:
    """Return flow runs of now, three days ago, and thirty days ago."""
    name, _, run_id = flow_run("two_flow").partition("/")
    existing, here = flows_root / ".metaflow" / name, sandbox.root / ".metaflow" / name
    for part in ("_meta", run_id, "data"):
        shutil.copytree(existing / part, here / part)
    week, month = str(int(run_id) - 3 * _DAY), str(int(run_id) - 30 * _DAY)
    _copied(here, run_id, week)
    _copied(here, run_id, month, "prod")
    return Three(sandbox, (f"{name}/{month}", f"{name}/{week}", f"{name}/{run_id}"))


def test_from_the_shell(three: Three) -> None:
    """What is new of all flows; a flow that is not there fails, and the others go on."""
    done = three.sandbox.mfwb("plan", "NoSuch", "TwoFlow", "--since", "7d", "--json")
    none = three.sandbox.mfwb("plan", "--since", "7d", "--tag", "prod", "--json")

    shown = [(item["pathspec"], item["status"]) for item in done.document["flow_runs"]]
    assert done.code == 1
    assert shown == [("NoSuch", "failed"), *((run, "planned") for run in three.runs[1:])]
    assert (none.code, none.document["flow_runs"]) == (0, [])


def test_from_python(three: Three) -> None:
    """Moments are datetimes, epoch ms or what the shell takes."""
    oldest, middle, newest = three.runs

    done = three.sandbox.python(_PROGRAM, newest.split("/")[1])

    assert done.code == 0, done.err
    assert json.loads(done.out) == [[middle, newest], [oldest, middle], [oldest], [middle]]
