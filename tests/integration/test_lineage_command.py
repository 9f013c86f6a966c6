"""`mfwb lineage` on real flow runs: what it prints, how it ends, what it leaves alone."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from mfwb.safe_text import fit_encoding
from tests.conftest import Resumed
from tests.integration.results import metadata_of
from tests.support.sandbox import FLOWS, Finished, Sandbox
from tests.support.truth.shapes import SHAPES
from tests.support.truth.stage import Stage

FlowRuns = Callable[[str], str]
Lineage = Callable[..., Finished]

also = partial(pytest.param, marks=pytest.mark.exhaustive)

_SIZE = re.compile(r"  \d+(\.\d)? K?B( each)?")


@pytest.fixture
def lineage(sandbox: Sandbox, flows_root: Path) -> Lineage:
    """Return `mfwb lineage` of shared flow runs."""

    def lineage(*arguments: str) -> Finished:
        return sandbox.mfwb("lineage", *arguments, "--metadata", metadata_of(flows_root))

    return lineage


def _plain(done: Finished) -> str:
    """Return what was printed, in ASCII, and without sizes, which differ by version."""
    assert done.code == 0, done.err
    without = _SIZE.sub("", fit_encoding(done.out))
    return "\n".join(line.rstrip() for line in without.splitlines())


def _section(text: str, step: str) -> str:
    [result] = [block for block in text.split("\n\n") if block.split()[:1] == [step]]
    return result


def _assert_one_line(done: Finished, code: int, *words: str) -> None:
    assert done.code == code, done.err
    assert done.out == ""
    assert len(done.err.splitlines()) == 1, done.err
    for word in words:
        assert word in done.err


# --- what it prints -------------------------------------------------------------------------


def test_a_tree(lineage: Lineage, flow_run: FlowRuns) -> None:
    """A split, a foreach, and joins: who made and who used what, step by step."""
    pathspec = flow_run("fan_flow")
    text = _plain(lineage(pathspec))

    assert text.startswith(f"{pathspec}  finished\nparameter  factor = 10\n")
    assert [" ".join(line.split()) for line in _section(text, "each").splitlines()] == [
        "each x 3 tasks after many, for each of items",
        "used base <- start",
        "items <- many an item each",
        "factor <- parameters",
        "made curve list",
        "item str",
        "part DataFrame",
        "score int",
        "passed on base, items",
    ]


def test_json(lineage: Lineage, flow_run: FlowRuns) -> None:
    """The document is the contract's, and adds up: edges lead from tasks to their ancestors."""
    pathspec = flow_run("fan_flow")
    document = lineage("FanFlow/latest", "--format", "json").document
    tasks = {item["pathspec"]: item for item in document["tasks"]}

    assert (document["version"], document["flow_run"]) == (1, pathspec)
    assert len(tasks) == 9
    assert document["doubts"] == {}
    for edge in document["edges"]:
        assert edge["consumer"] in tasks
        assert edge["ground"] in {"read", "available", "foreach-input", "parameter"}
        if edge["ground"] != "parameter":
            assert edge["artifact"] in tasks[edge["producer"]]["writes"]
    read = {
        item["artifact"] for item in document["edges"] if item["consumer"].split("/")[2] == "gather"
    }
    assert read == {"part", "score"}
    [gather] = [task for task in tasks.values() if "/gather/" in task["pathspec"]]
    assert gather["reads"] == ["part", "score"]
    assert gather["writes"] == ["scores"]
    assert (gather["assigned_again"], gather["passed_on"]) == (["part"], ["base"])
    assert [item.split("/")[2] for item in gather["parents"]] == ["each"] * 3


def test_mermaid(lineage: Lineage, flow_run: FlowRuns) -> None:
    """The chart has a node per step and the artifacts between them."""
    done = lineage(flow_run("fan_flow"), "--format", "mermaid")
    lines = done.out.splitlines()

    assert lines[1] == "flowchart TD"
    assert '    step3[["each x 3"]]' in lines
    assert '    step2 -->|"items"| step3' in lines
    assert '    step3 -->|"part<br>score"| step4' in lines
    assert done.out.isascii()


def test_the_life_of_an_artifact(lineage: Lineage, flow_run: FlowRuns) -> None:
    """Three tasks made it, a join chose one and handed it on, the end read it."""
    pathspec = flow_run("fan_flow")
    done = lineage(pathspec, "--artifact", "part")
    document = lineage(pathspec, "--artifact", "part", "--format", "json").document

    text = " ".join(_plain(done).split())
    assert f"part an artifact of {pathspec} finished each x 3 tasks made it wrote each/" in text
    assert "assigned by gather only each/" in text
    assert "passed on by meet and end only each/" in text
    assert "3 versions, used by 2 tasks, at last by end/" in text
    chosen = document["versions"][1]
    assert [item["used_by"] != [] for item in document["versions"]] == [False, True, False]
    assert chosen["type"].endswith(".DataFrame")
    assert [item.split("/")[2] for item in chosen["assigned_again"]] == ["gather"]
    assert [item.split("/")[2] for item in chosen["passed_on"]] == ["meet", "end"]


def test_the_life_of_a_parameter(lineage: Lineage, flow_run: FlowRuns) -> None:
    """A parameter is set at first and read by those who read it."""
    text = " ".join(_plain(lineage(flow_run("fan_flow"), "--artifact", "factor")).split())

    assert re.search("parameters set it value 10 [0-9a-f]{8} int", text)
    assert "used by each x 3 tasks parameter" in text


def test_explained(lineage: Lineage, flow_run: FlowRuns) -> None:
    """Each use says its ground, with the line of the source."""
    source = (FLOWS / "fan_flow.py").read_text().splitlines()
    [line] = [n for n, text in enumerate(source, 1) if "one.score for one" in text]

    text = lineage(flow_run("fan_flow"), "--explain").out

    assert f"read, line {line} of fan_flow.py\n" in text
    assert "foreach-input, an item each\n" in text


def test_failures(lineage: Lineage, flow_run: FlowRuns) -> None:
    """What failed and what was caught is marked, and what was made before is there."""
    text = _plain(lineage(flow_run("failing_flow")))

    assert text.splitlines()[0].endswith("  failed")
    assert "    caught  caught  after start\n    caught     KeyError: " in text
    end = _section(text, "end")
    assert "    end  failed  after join\n    failed     RuntimeError: this is the end\n" in end
    assert "made       evidence" in end


def test_a_nested_foreach_a_switch_and_a_recursion(sandbox: Sandbox, flows_root: Path) -> None:
    """Steps stand inside their foreach; a branch not taken is not there; rounds are counted."""

    def shown(shape: str) -> str:
        [flow_run] = stage.play(shape, SHAPES[shape]).flow_runs
        return _plain(sandbox.mfwb("lineage", flow_run, "--metadata", metadata_of(stage.root)))

    with Stage.open(flows_root / "shapes") as stage:
        nested, switch, recursion = map(shown, ("nested foreach", "switch", "recursion"))

    depths = {len(line) - len(line.lstrip()) for line in nested.splitlines() if " tasks  " in line}
    assert depths == {8, 12}
    assert "    start  switches on mode to fast\n" in switch
    assert "slow" not in switch
    assert "    loop x 3 rounds  after start  switches on again to loop and end\n" in recursion
    assert re.search("<- loop, an earlier round +by 2 of 3 tasks\n", recursion)


def test_a_resumed_flow_run(sandbox: Sandbox, resumed: Resumed) -> None:
    """Clones say whose they are."""
    where = ("--metadata", metadata_of(resumed.root))

    text = _plain(sandbox.mfwb("lineage", resumed.pathspec, *where))

    assert f"    start\n    cloned     from {resumed.origin}\n" in text
    assert "cloned" not in _section(text, "end")


def test_a_flow_run_that_still_goes_on(sandbox: Sandbox) -> None:
    """A running flow run is shown, and said so."""
    flow = subprocess.Popen(
        [sys.executable, str(FLOWS / "sleeping_flow.py"), "--quiet", "run"],
        cwd=sandbox.root,
        env=sandbox.environment,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        begun = sandbox.root / ".metaflow" / "SleepingFlow"
        while not list(begun.glob("*/start/1/_meta/sysmeta_attempt_*")):
            assert flow.poll() is None
            time.sleep(0.1)

        done = sandbox.mfwb("lineage", "SleepingFlow/latest")
    finally:
        os.killpg(flow.pid, signal.SIGKILL)
        flow.wait()

    assert done.code == 0, done.err
    assert done.out.splitlines()[0].endswith("  running  there is more to come")
    assert "    start  unfinished\n" in done.out


# --- how it ends ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        also(["no pathspec"], 2, ["not a pathspec"]),
        (["LinearFlow"], 2, ["LinearFlow/123", "LinearFlow/latest"]),
        also(["LinearFlow/1/start"], 2, ["give 'LinearFlow/1'"]),
        (["LinearFlow/999"], 1, ["there is no LinearFlow/999"]),
        also(["NoSuchFlow/1"], 1, ["there is no NoSuchFlow/1"]),
        also(["NoSuchFlow/latest"], 1, ["there is no NoSuchFlow"]),
        (["LinearFlow/latest", "--artifact", "nosuch"], 1, ["no artifact 'nosuch'"]),
        (["LinearFlow/latest", "--namespace", "user:nobody"], 1, ["namespace"]),
    ],
)
def test_bad_input(
    lineage: Lineage, flow_run: FlowRuns, arguments: list[str], code: int, words: list[str]
) -> None:
    """What can't be shown is one line that says so, and nothing on stdout."""
    flow_run("linear_flow")

    _assert_one_line(lineage(*arguments), code, *words)


def test_near_names(lineage: Lineage, flow_run: FlowRuns) -> None:
    """A slip of the pen is told what there is."""
    done = lineage(flow_run("fan_flow"), "--artifact", "score_s")

    _assert_one_line(done, 1, "did you mean scores or score")


def test_an_unreachable_service(sandbox: Sandbox) -> None:
    """A metadata service that does not answer is an end that can't be reached."""
    done = sandbox.mfwb(
        "lineage",
        "LinearFlow/1",
        "--metadata",
        "service@http://127.0.0.1:9",
        METAFLOW_SERVICE_RETRY_COUNT="1",
    )

    _assert_one_line(done, 4, "127.0.0.1:9")


# --- what it leaves alone -------------------------------------------------------------------

_WITHOUT_WANDB = """
import sys
sys.modules["wandb"] = None  # importing it fails
from mfwb.cli import main
main(sys.argv[1:])
"""

_PROGRAM = """
import json
import sys
import metaflow
from mfwb import api

metaflow.namespace("user:somebody")
traced = api.lineage(sys.argv[1], metadata=sys.argv[2])
print(json.dumps({
    "flow_run": traced.flow_run.pathspec,
    "writes": {task.split("/")[2]: names for task, names in traced.lineage.writes.items()},
    "parameters": {one.name: one.value for one in traced.flow_run.parameters},
    "namespace": metaflow.get_namespace(),
    "wandb": "wandb" in sys.modules,
}))
"""


def test_w_and_b_has_no_part_in_it(sandbox: Sandbox, flow_run: FlowRuns, flows_root: Path) -> None:
    """The command works where there is no wandb, and leaves no file behind."""
    pathspec = flow_run("linear_flow")
    command = ("lineage", pathspec, "--metadata", metadata_of(flows_root))
    sandbox.run(sys.executable, "-c", "")  # makes the home, which is to stay as it is
    before = set(sandbox.root.rglob("*"))

    done = sandbox.run(sys.executable, "-c", _WITHOUT_WANDB, *command)

    assert done.code == 0, done.err
    assert done.out.startswith(pathspec)
    assert done.err == ""
    assert set(sandbox.root.rglob("*")) == before


def test_from_python(sandbox: Sandbox, flow_run: FlowRuns, flows_root: Path) -> None:
    """`mfwb.api.lineage` returns facts and lineage, and puts Metaflow's settings back."""
    pathspec = flow_run("fan_flow")

    done = sandbox.run(sys.executable, "-c", _PROGRAM, pathspec, metadata_of(flows_root))

    reported: dict[str, Any] = json.loads(done.out) if done.code == 0 else {}
    assert reported, done.err
    assert reported["flow_run"] == pathspec
    assert reported["writes"]["gather"] == ["scores"]
    assert reported["parameters"] == {"factor": 10}
    assert reported["namespace"] == "user:somebody"
    assert not reported["wandb"]
