"""The tree for people, as a whole."""

from __future__ import annotations

import json
import re
from dataclasses import replace

from mfwb.lineage import Edge
from mfwb.lineage.static_analysis import ExternalRead, read_flow_code
from mfwb.snapshot import FlowRunState, SourceCode
from tests.support.flow_runs import at, flow_run, ref, task
from tests.unit.report.lineage.samples import (
    BROKEN,
    KNOWN,
    NESTED,
    ROUNDS,
    UNKNOWN,
    WINES,
    shown,
    traced,
)

NAMES = [step.name for step in NESTED.steps]


def section(text: str, step: str) -> str:
    """Return what is said of one step, its headline first."""
    blocks = text.split("\n\n")
    [result] = [block for block in blocks if block.split()[0] == step]
    return result


def test_a_flow_run() -> None:
    """Steps in the order of the graph, each with what it used, from whom, made and passed on."""
    assert (
        shown(KNOWN)
        == """
DemoFlow/7  finished
parameter  seed = 7

    start
    made       wines         DataFrame  21.0 KB

    split  after start
    used       wines         ← start
               seed          ← parameters
    made       rates         list  43 B
               train_set     DataFrame  8.0 KB
    passed on  wines

        train x 3 tasks  after split, for each of rates
        used       rates         ← split  an item each
                   train_set     ← split
        made       model         LogisticRegression  100 to 120 KB
                   score         float  21 B each
        passed on  rates, train_set

    choose  joins train x 3
    used       model, score  ← train x 3 tasks
    made       best          dict  61 B
    assigned   model         equal to the value it got

    end  after choose
    used       model         ← train/4
               best          ← choose
    made       best          dict  60 B  changed
    passed on  model

5 steps, 7 tasks, 11 artifacts made; 16 edges: 12 read, 3 foreach-input, 1 parameter
"""
    )


def test_guides_and_colours_on_a_terminal() -> None:
    """A terminal sees guides and colours; no line is wider than it."""
    text = shown(KNOWN, width=70, colour=True)

    assert "├── \x1b[0m\x1b[1mstart" in text
    assert "└── \x1b[0m\x1b[1mtrain\x1b[0m\x1b[36m x 3 tasks" in text
    assert "└── \x1b[0m\x1b[1mend" in text
    assert "\x1b[32mwines" in text


def test_a_narrow_terminal_wraps() -> None:
    """Where there is little room, lines wrap between words; what is too long loses its middle."""
    text = shown(KNOWN, width=44)

    assert max(map(len, text.splitlines())) <= 44
    assert "Logis…ssion" in text
    assert set(re.findall(r"\S*…\S*", text)) == {"Logis…ssion"}


def test_what_is_not_known_is_said() -> None:
    """Without code, what was at hand is told as available, and why at the end."""
    text = shown(UNKNOWN)

    assert "used       rates, train_set  ← split            available\n" in text
    assert text.endswith(
        "27 edges: 17 available, 3 foreach-input, 7 parameter\n"
        "the reads of 5 steps are not certain; all artifacts at hand are shown as available\n"
        "  start, split, train, choose and end: there is no code package\n"
    )


def test_doubts_are_told_by_reason() -> None:
    """Steps with the same doubts share a line; those without have none."""
    doubts = {
        "train": ("line 41: self is handed on", "line 43: setattr"),
        "end": ("line 60: eval",),
    }
    text = shown(traced(WINES, {}, doubts=doubts))

    assert text.endswith(
        "the reads of 2 steps are not certain; all artifacts at hand are shown as available\n"
        "  train: line 41: self is handed on; line 43: setattr\n"
        "  end: line 60: eval\n"
    )


def test_no_doubts_no_words() -> None:
    """If all is known, the totals come last."""
    assert shown(KNOWN).splitlines()[-1].startswith("5 steps, 7 tasks, ")


def test_states_and_clones() -> None:
    """Failed, caught, unfinished and cloned tasks are marked, with what they raised."""
    text = shown(traced(BROKEN, {}))

    assert (
        section(text, "train")
        == """\
        train x 3 tasks  1 failed  1 unfinished  1 caught  after split, for each of rates
        failed     train/3: ValueError: no luck
        caught     train/4: KeyError: 'x'
        cloned     1 of 3 tasks from DemoFlow/5
        used       rates      ← split  an item each
        made       model      LogisticRegression  100 to 120 KB
                   score      float  21 B each
        passed on  rates, train_set"""
    )
    assert "    cloned     from DemoFlow/5\n" in section(text, "split")


def test_a_failed_task_without_a_word() -> None:
    """A task that left no exception is failed all the same; of many, the first are told."""
    broken = replace(BROKEN.steps[2].tasks[0], failure=None)
    many = [
        replace(broken, pathspec=f"DemoFlow/7/train/{number}", foreach=at(f"train:rates:{number}"))
        for number in range(3, 12)
    ]
    start = task("start/1", to="train", over="rates", has="rates=1")

    notified = section(shown(traced(flow_run(start, *many), {})), "train")

    assert "train x 9 tasks  9 failed  after start" in notified
    assert "failed  train/3: no reason was recorded\n" in notified
    assert notified.count("no reason was recorded") == 3
    assert "and 6 more\n" in notified


def test_a_flow_run_that_goes_on() -> None:
    """What is still running is shown, and said so."""
    text = shown(traced(replace(WINES, state=FlowRunState.RUNNING), {}))

    assert text.splitlines()[1] == "DemoFlow/7  running  there is more to come"


def test_switches_and_rounds() -> None:
    """A switch tells what it took, the other branch is not there; recursion counts rounds."""
    text = shown(traced(ROUNDS, {"loop": "mean", "end": "mean"}))

    assert "    start  switches on kind to loop\n" in text
    assert "other" not in text
    assert (
        section(text, "loop")
        == """\
    loop x 3 rounds  after start  switches on mean to loop and end
    used       mean  ← start                   by loop/2
               mean  ← loop, an earlier round  by 2 of 3 tasks
    made       mean  int  5 B each  changed
    passed on  kind"""
    )


def test_nested_foreach() -> None:
    """Steps inside a foreach stand inside the step that fanned out, however deep."""
    lines = shown(traced(NESTED, {"inner": "name table"})).splitlines()
    headlines = [line for line in lines if line.split()[:1] and line.split()[0] in NAMES]

    assert [line.rstrip() for line in headlines] == [
        "    start",
        "        outer x 2 tasks  after start, for each of xs",
        "            inner x 4 tasks  after outer x 2, for each of ys",
        "        gather x 2 tasks  joins inner x 4",
        "    total  joins gather x 2",
    ]
    assert any("name   ← outer, each from its own" in line for line in lines)


def test_differences_between_tasks() -> None:
    """What only some tasks use, make or pass on says so; same content is told."""
    start = task("start/1", to="work", over="xs", has="xs=1 base=2")
    tasks = [
        task(
            f"work/{2 + index}",
            foreach=at(f"work:xs:{index}"),
            has=[
                ref("same", "9"),
                ref("own", f"{index}", ("int", "str")[index % 2], 5 + index),
                *([ref("base", "2")] if index else []),
                *([ref("first", "8")] if not index else []),
                *([ref("some", f"7{index}")] if index else []),
            ],
        )
        for index in range(3)
    ]
    of = traced(flow_run(start, *tasks), {"work": "base"})
    edges = of.lineage.edges

    def told(*edges: Edge) -> str:
        return section(shown(replace(of, lineage=replace(of.lineage, edges=edges))), "work")

    assert (
        told(*edges)
        == """\
        work x 3 tasks  after start, for each of xs
        used       base   ← start
                   xs     ← start  an item each
        made       first  int  5 B  by work/2
                   own    int or str  5 to 7 B
                   same   int  5 B each  the same content
                   some   int  5 B each  by 2 of 3 tasks
        passed on  base (2 of 3 tasks)"""
    )
    assert "base   ← start  by 2 of 3 tasks\n" in told(*edges[:-2])
    assert "base   ← start  by work/2\n" in told(*edges[:2])


def test_static_branches() -> None:
    """A join of branches names them."""
    run = flow_run(
        task("start/1", to="a b", has="x=1"),
        task("a/2", to="join", has="x=1 y=2"),
        task("b/3", to="join", has="x=1 z=3"),
        task("join/4", has="x=1"),
    )

    assert section(shown(traced(run, {"join": "y z"})), "join") == (
        "    join  joins a and b\n    used       y  ← a\n               z  ← b\n    passed on  x"
    )


def test_other_flow_runs() -> None:
    """Reads from other flow runs are among what was used."""
    externals = {
        "DemoFlow/7/start/1": (
            ExternalRead("trigger", "", "model"),
            ExternalRead("run", "Other/3", "scores"),
            ExternalRead("flow", "Other"),
            ExternalRead("artifact", "Other/3/end/9/best"),
        )
    }
    notified = section(shown(traced(WINES, {}, externals=externals)), "start")

    assert "model      ← the flow run that triggered this one  another flow run" in notified
    assert "scores     ← Other/3  another flow run" in notified
    assert "something  ← Other  another flow run" in notified
    assert "best       ← Other/3/end/9  another flow run" in notified


def test_another_flow_run_that_is_gone() -> None:
    """What can't be read there is not said to be used: no edge leads to it."""
    reported = ExternalRead("run", "Other/3", "scores")
    result = traced(WINES, {}, externals={"DemoFlow/7/start/1": (reported,)})
    lineage = replace(result.lineage, unread={reported: "there is no Other/3 in local@/data"})
    result = replace(result, lineage=lineage)
    document = json.loads(shown(result, "json"))["externals"]["start"]

    notified = section(shown(result), "start")
    assert "    lost       scores     ← Other/3  there is no Other/3 in local@/data" in notified
    assert "used" not in notified
    assert [item["unread"] for item in document] == ["there is no Other/3 in local@/data"]


def test_explained() -> None:
    """With --explain each use says its ground, with its line where that is known."""
    source = """from metaflow import FlowSpec, step
class DemoFlow(FlowSpec):
    @step
    def split(self):
        self.rates = [self.seed]
        print(self.wines)

    @step
    def choose(self, inputs):
        self.best = max(one.score for one in inputs)

    @step
    def end(self):
        self.best |= {}
        getattr(self, "model")
"""
    code = SourceCode("flows/demo.py", {"flows/demo.py": source}, "package")
    steps = read_flow_code(code, "DemoFlow").steps.values()
    positions = {(step.name, name): at for step in steps for name, at in step.positions.items()}
    result = traced(replace(WINES, code=code), READS_WITH_SEED)
    result = replace(result, lineage=replace(result.lineage, positions=positions))
    text = shown(result, explain=True)

    def told(step: str) -> list[str]:
        lines = section(text, step).splitlines()
        return [" ".join(line.split()) for line in lines if "←" in line]

    assert told("split") == [
        "used wines ← start read, line 6 of demo.py",
        "seed ← parameters parameter, line 5 of demo.py",
    ]
    assert told("train") == [
        "used rates ← split foreach-input, an item each",
        "train_set ← split read by its code",
    ]
    assert told("choose") == ["used score ← train x 3 tasks read, line 10 of demo.py"]
    assert told("end") == [
        "used model ← train/4 read, line 15 of demo.py",
        "best ← choose read, line 14 of demo.py",
    ]


READS_WITH_SEED = {
    "split": "wines seed",
    "train": "train_set",
    "choose": "score",
    "end": "model best",
}


def test_explained_doubts() -> None:
    """What is merely available says why no more is known, once for each step."""
    notified = section(shown(UNKNOWN, explain=True), "end")

    assert notified.count("available\n") == 2
    assert "available  whether it was read is not known: there is no code package\n" in notified


def test_nothing_steers_the_terminal() -> None:
    """Names, values and messages of the flow can't colour or clear the screen."""
    evil = flow_run(task("start/1", has=[ref("x\x1b[2J", type_="a.\x1bB")]), id="7\x1b[31m")

    assert "\x1b" not in shown(traced(replace(evil, id="7"), {}))


def test_a_flow_run_without_tasks() -> None:
    """There may be nothing to show."""
    assert shown(traced(flow_run(), {})) == (
        "\nDemoFlow/7  finished\n\n0 steps, 0 tasks, 0 artifacts made; 0 edges\n"
    )


def test_long_values_of_parameters_are_shortened() -> None:
    """A parameter is told on one line."""
    [parameter] = WINES.parameters
    text = shown(traced(replace(WINES, parameters=(replace(parameter, value="x" * 99),)), {}))

    assert f"parameter  seed = '{'x' * 38}…\n" in text
