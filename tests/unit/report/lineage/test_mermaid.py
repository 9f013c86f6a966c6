"""The chart."""

from __future__ import annotations

from dataclasses import replace

from mfwb.snapshot import Step, TaskState
from tests.support.flow_runs import flow_run, ref, task
from tests.unit.report.lineage.samples import BROKEN, KNOWN, ROUNDS, UNKNOWN, WINES, shown, traced


def test_a_chart() -> None:
    """A node for each step, artifacts on the arrows; a foreach is one node, with its tasks."""
    assert (
        shown(KNOWN, "mermaid")
        == """
%% DemoFlow/7
flowchart TD
    parameters[/"parameters"/]
    step1["start"]
    step2["split"]
    step3[["train x 3"]]
    step4["choose"]
    step5["end"]
    step1 -->|"wines"| step2
    parameters -->|"seed"| step2
    step1 -.-> step2
    step2 -->|"rates<br>train_set"| step3
    step2 -.-> step3
    step3 -->|"model<br>score"| step4
    step3 -.-> step4
    step3 -->|"model"| step5
    step4 -->|"best"| step5
    step4 -.-> step5
    step5 --- unread1(["best"])
    classDef unread stroke-dasharray:4 3,fill-opacity:0
    class unread1 unread
"""
    )


def test_dotted_if_not_known() -> None:
    """What was merely available is dotted, beside what is known."""
    text = shown(UNKNOWN, "mermaid")

    assert '    step2 -->|"rates"| step3\n' in text
    assert '    step2 -.->|"train_set"| step3\n' in text
    assert '    parameters -->|"seed"| step5\n' in text


def test_one_artifact() -> None:
    """With a name there are the arrows of that one, and the order of the steps."""
    text = shown(KNOWN, "mermaid", artifact="best")

    assert [line for line in text.splitlines() if "|" in line] == ['    step4 -->|"best"| step5']
    assert "    step1 -.-> step2\n" in text
    assert "parameters" not in text


def test_rounds() -> None:
    """Recursion is an arrow from a step to itself."""
    text = shown(traced(ROUNDS, {"loop": "mean"}), "mermaid")

    assert '    step2["loop x 3 rounds"]\n' in text
    assert '    step2 -->|"mean"| step2\n' in text


def test_artifacts_without_a_reader() -> None:
    """They hang on the step that made them, dashed; of many, some are counted."""
    start = task("start/1", to="end", has="x=1 " + " ".join(f"y{number}=2" for number in range(9)))
    end = task("end/2", has="x=1 z=3")
    text = shown(traced(flow_run(start, end), {"end": "x"}), "mermaid")

    names = "<br>".join(f"y{number}" for number in range(7))
    assert f'    step1 --- unread1(["{names}<br>and 2 more"])\n' in text
    assert '    step2 --- unread2(["z"])\n' in text
    assert "    class unread1,unread2 unread\n" in text


def test_failed_steps_stand_out() -> None:
    """Steps with a failed task are a class of their own, and say it."""
    assert "<br>1 failed" in shown(traced(BROKEN, {}), "mermaid")
    assert "    class step3 failed\n" in shown(traced(BROKEN, {}), "mermaid")
    assert "failed" not in shown(KNOWN, "mermaid")


def test_nothing_breaks_the_chart() -> None:
    """Names can't end a label, whatever is in them, and ids are none of Mermaid's words."""
    names = ['a"] --> b', "x#1;", "<b>", "`y`"]
    start = task("start/1", to="end", has=[ref(name) for name in names])
    end = task("end/2", state=TaskState.OK)
    of = traced(flow_run(start, end), {"end": ""})
    edges = traced(flow_run(start, end)).lineage.edges
    [line] = [
        line
        for line in shown(
            replace(of, lineage=replace(of.lineage, edges=edges)), "mermaid"
        ).splitlines()
        if "step1 -.->|" in line
    ]

    assert line == (
        '    step1 -.->|"#60;b#62;<br>#96;y#96;<br>a#34;#93; --#62; b<br>x#35;1#59;"| step2'
    )


def test_many_artifacts_are_counted() -> None:
    """An arrow names eight artifacts at most."""
    start = task("start/1", to="end", has=" ".join(f"a{n}={n}" for n in range(9)))
    names = " ".join(f"a{n}" for n in range(9))

    assert 'a5<br>a6<br>and 2 more"|' in shown(
        traced(flow_run(start, task("end/2")), {"end": names}), "mermaid"
    )


def test_steps_that_never_ran_are_not_there() -> None:
    """A step without tasks has no node."""
    run = replace(WINES, steps=(*WINES.steps, Step("never", ())))

    assert "never" not in shown(traced(run, {}), "mermaid")
