"""The figures of a flow run, as plotly itself reads them."""

from __future__ import annotations

from typing import Any

from plotly import graph_objects, io

from mfwb.payload.overview_figures import draw_lineage, draw_timeline, figure_text
from mfwb.planning import (
    Overview,
    OverviewAttempt,
    OverviewEdge,
    OverviewStep,
    OverviewTask,
    WandbRunId,
)

_START = 1_700_000_000_000


def _step(name: str, tasks: int = 1, **facts: Any) -> OverviewStep:
    given = {"parents": (), "outputs": (), "state": "ok", **facts}
    return OverviewStep(
        name=name,
        type=None,
        tasks=tasks,
        started_at=_START,
        seconds=1.0,
        wandb_runs=(WandbRunId(name),),
        **given,
    )


def _task(step: str, number: int, start: float, seconds: float | None, state: str) -> OverviewTask:
    attempt = OverviewAttempt(0, state, round(_START + 1000 * start), seconds)
    return OverviewTask(f"F/1/{step}/{number}", step, str(number), state, (attempt,))


def _overview(number: int, at_once: int = 10) -> Overview:
    """Return a step of that many tasks, of which every hundredth failed."""
    tasks = [
        _task("work", n, n // at_once, 1.0, "failed" if n % 100 == 50 else "ok")
        for n in range(number)
    ]
    return Overview(
        (_step("start"), _step("work", number)), (_task("start", 0, -2, 1, "ok"), *tasks), ()
    )


def _read(figure: dict[str, Any]) -> graph_objects.Figure:
    return io.from_json(figure_text(figure))


def test_300_tasks() -> None:
    """Each has a bar; tasks of one time are below each other, in as few lanes as they need."""
    bars = {bar.name: bar for bar in _read(draw_timeline("F/1", _overview(300))).data}
    middles = {*bars["ok"].y, *bars["failed"].y}

    assert (len(bars["ok"].x), len(bars["failed"].x)) == (298, 3)
    assert len(middles) == 1 + 10
    assert bars["failed"].marker.color == "#d62728"
    assert bars["ok"].text == ""  # there is no room


def test_too_many_tasks() -> None:
    """Those that failed are all drawn, and the title says how many are not."""
    figure = _read(draw_timeline("F/1", _overview(12_000)))
    bars = {bar.name: bar for bar in figure.data}

    assert (len(bars["ok"].x), len(bars["failed"].x)) == (3_880, 120)
    assert "4,000 of 12,001 attempts" in figure.layout.title.text
    assert len(figure_text(draw_timeline("F/1", _overview(12_000)))) < 2_000_000


def test_times_that_are_not_known() -> None:
    """Without a start there is no bar; without an end it has no length."""
    tasks = (
        _task("work", 0, 0, None, "unfinished"),
        OverviewTask(
            "F/1/work/1", "work", "1", "failed", (OverviewAttempt(0, "failed", None, None),)
        ),
        OverviewTask("F/1/work/2", "work", "2", "unfinished", ()),
    )
    [bars] = _read(draw_timeline("F/1", Overview((_step("work", 3),), tasks, ()))).data

    assert (bars.name, list(bars.x)) == ("unfinished", [0.0])
    assert "end not known" in bars.hovertext[0]
    assert _read(draw_timeline("F/1", Overview((), (), ()))).data == ()


def test_labels_are_plain() -> None:
    """No name is read as HTML, and none breaks a line or is endless."""
    name = "<a href='x'>\n" + "y" * 600
    overview = Overview(
        (_step(name, outputs=("<b>", "c\x1b")),),
        (_task(name, 0, 0, 1, "ok"),),
        (),
        (OverviewEdge("Other/1/<i>", "d", name),),
    )
    for figure in (draw_timeline(name, overview), draw_lineage(name, overview)):
        text = figure_text(figure)
        assert not any(tag in text for tag in ("<a", "<b>", "<i>", "\\u001b", "y" * 401))
        _read(figure)


def test_the_lineage() -> None:
    """Artifacts that the same steps use are one point; others of other flow runs come first."""
    overview = Overview(
        (
            _step("start", outputs=("data", "words")),
            _step(
                "train",
                300,
                parents=("start",),
                outputs=tuple(f"m{n}" for n in range(9)),
                state="failed",
            ),
        ),
        (),
        (),
        (
            OverviewEdge("Other/7/fit", "base", "train"),
            OverviewEdge("start", "data", "train"),
        ),
    )
    figure = _read(draw_lineage("F/1", overview))
    traces = {trace.name: trace for trace in figure.data}

    assert list(figure.layout.yaxis2.ticktext) == [
        *("base of Other/7/fit", "data", "words"),
        "m0, m1, m2, m3, m4, m5 + 3 more",
    ]
    assert list(figure.layout.yaxis2.tickvals) == list(traces["artifact"].y)
    assert list(figure.layout.yaxis.ticktext) == ["start", "train \N{MULTIPLICATION SIGN} 300"]
    assert list(traces["step, failed"].y) == [figure.layout.yaxis.tickvals[1]]
    assert len(traces["used"].x) == 2 * 3
    assert "used by train" in traces["artifact"].hovertext[0]
    assert "m8" in traces["artifact"].hovertext[3]


def test_names_of_many_artifacts() -> None:
    """Where there is no room for a label of each, each step has one for all of its artifacts."""
    steps = tuple(_step(f"s{n}", outputs=("kept", "used")) for n in range(12))
    edges = tuple(OverviewEdge(f"s{n}", "used", f"s{n + 1}") for n in range(11))
    axis = _read(draw_lineage("F/1", Overview(steps, (), (), edges))).layout.yaxis2

    assert list(axis.ticktext) == ["used, kept"] * 11 + ["kept, used"]


def test_long_names() -> None:
    """A label has the beginning and the end of a name; the mouse shows all of it."""
    name = "train_a_model_on_all_the_data_of_last_year"
    overview = Overview((_step(name, outputs=(name,)),), (), (), ())
    figure = _read(draw_lineage("F/1", overview))

    assert figure.layout.yaxis.ticktext == ("train_a_mo…_last_year",)
    assert name in figure.data[-1].hovertext[0]
