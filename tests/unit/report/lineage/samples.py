"""Traced flow runs, and how they look."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rich.console import Console

from mfwb.lineage import Evidence, rebuild_lineage
from mfwb.pipeline.reading import TracedFlowRun
from mfwb.report.lineage import show_lineage
from mfwb.report.lineage.phrases import TIMES
from mfwb.snapshot import Failure, FlowRun, GraphStep, Task, TaskState
from tests.support.flow_runs import at, data_frame, flow_run, model, parameter, ref, task


def traced(run: FlowRun, reads: Mapping[str, str] | None = None, **lineage: Any) -> TracedFlowRun:
    """Return a flow run with its lineage.

    Args:
        run: the flow run.
        reads: names by step, as its code would say; None: there is no code.
        **lineage: other fields of Lineage.
    """
    result = rebuild_lineage(run)
    if reads is not None:
        known = {step: set(names.split()) for step, names in reads.items()}
        edges = [
            replace(edge, evidence=Evidence.READ) if edge.evidence is Evidence.AVAILABLE else edge
            for edge in result.edges
            if edge.evidence is Evidence.FOREACH_INPUT
            or edge.artifact in known.get(edge.consumer.split("/")[2], ())
        ]
        result = replace(
            result,
            edges=tuple(sorted(edges)),
            reads={item.pathspec: tuple(sorted(known.get(item.step, ()))) for item in run.tasks},
            doubts={},
        )
    return TracedFlowRun(run, replace(result, **lineage))


def shown(
    of: TracedFlowRun, form: str = "text", *, width: int = 100, colour: bool = False, **how: Any
) -> str:
    """Return what is printed, with an empty line in front as the expectations have it.

    An x stands for the sign that is printed: linters take that for a slip.
    """
    console = Console(
        file=io.StringIO(), width=width, force_terminal=colour, highlight=False, markup=False
    )
    text, _ = show_lineage(of, form, console=console, **how)
    return "\n" + text.replace(TIMES, "x")


def _train(number: int, index: int, **facts: Any) -> Task:
    has = [
        data_frame("train_set", "t", 8_000),
        ref("rates", "r", "list", 43),
        model("model", f"m{index}", 100_000 + 10_000 * index),
        ref("score", f"s{index}", "float", 21),
    ]
    facts = {"to": "choose", "has": has, "foreach": at(f"train:rates:{index}"), **facts}
    return task(f"train/{number}", **facts)


START = task("start/1", to="split", has=[data_frame("wines", "w", 21_000)])
SPLIT = task(
    "split/2",
    to="train",
    over="rates",
    has=[
        data_frame("wines", "w", 21_000),
        data_frame("train_set", "t", 8_000),
        ref("rates", "r", "list", 43),
    ],
)
TRAINED = [_train(number, number - 3) for number in (3, 4, 5)]
CHOOSE = task(
    "choose/6",
    to="end",
    has=[model("model", "m1", 110_000), ref("best", "b", "dict", 61)],
)
END = task("end/7", has=[model("model", "m1", 110_000), ref("best", "b2", "dict", 60)])

READS = {
    "split": "wines seed",
    "train": "train_set",
    "choose": "score model",
    "end": "model best",
}

WINES = flow_run(START, SPLIT, *TRAINED, CHOOSE, END, parameters=(parameter("seed", 7),))
KNOWN = traced(WINES, READS)
UNKNOWN = traced(replace(WINES, code_missing="there is no code package"), doubts={})

BROKEN = flow_run(
    START,
    replace(SPLIT, origin="DemoFlow/5/split/2"),
    replace(
        TRAINED[0],
        state=TaskState.FAILED,
        transition=None,
        failure=Failure("builtins.ValueError", "no\nluck"),
    ),
    replace(TRAINED[1], state=TaskState.CAUGHT, failure=Failure("KeyError", "'x'")),
    replace(TRAINED[2], state=TaskState.UNFINISHED, transition=None, origin="DemoFlow/5/train/9"),
)

ROUNDS = flow_run(
    task("start/1", to="loop", has="kind=a mean=1"),
    task("loop/2", to="loop", has="kind=a mean=2", rounds=(0,)),
    task("loop/3", to="loop", has="kind=a mean=3", rounds=(1,)),
    task("loop/4", to="end", has="kind=a mean=4", rounds=(2,)),
    task("end/5", has="kind=a mean=4"),
    graph=(
        GraphStep("start", "split-switch", next=("loop", "other"), condition="kind"),
        GraphStep("loop", "split-switch", next=("loop", "end"), condition="mean"),
        GraphStep("other", "linear", next=("end",)),
        GraphStep("end", "end"),
    ),
)

NESTED = flow_run(
    task("start/1", to="outer", over="xs", has="xs=1 table=2"),
    *(
        task(
            f"outer/{2 + i}",
            to="inner",
            over="ys",
            has=f"ys=3{i} name=4{i}",
            foreach=at(f"outer:xs:{i}"),
        )
        for i in range(2)
    ),
    *(
        task(
            f"inner/{4 + 2 * i + j}",
            to="gather",
            has=f"size=5{i}{j}",
            foreach=at(f"outer:xs:{i}", f"inner:ys:{j}"),
        )
        for i in range(2)
        for j in range(2)
    ),
    *(
        task(f"gather/{8 + i}", to="total", has=f"sum=6{i}", foreach=at(f"outer:xs:{i}"))
        for i in range(2)
    ),
    task("total/10", has="all=7"),
)
