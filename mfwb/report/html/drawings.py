"""The timeline, the charts and the histograms of a page. Pure."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from mfwb.planning import PlannedRun
from mfwb.ports import ReadyRun
from mfwb.report.html.model import (
    Chart,
    Histogram,
    Series,
    Tick,
    Timeline,
    TimelineBand,
    TimelineBar,
)
from mfwb.report.html.texts import duration, moment, name_text, number_text
from mfwb.snapshot import Task
from mfwb.snapshot.pathspec import below_flow_run, owner_and_name
from mfwb.timeline import STATE_NAMES, pack_lanes, select_bars

__all__ = [
    "CHARTS_LIMIT",
    "AttemptBar",
    "attempts_of",
    "draw_charts",
    "draw_histogram",
    "draw_timeline",
]

_WIDTH, _LEFT, _RIGHT = 1160.0, 150.0, 14.0
_BAR_LIMIT = 1_500
_TOP, _BOTTOM = 6.0, 24.0
_LANE, _LOWEST, _BAND, _GAP = 16.0, 22.0, 120.0, 6.0
_TICKS = 6

CHARTS_LIMIT = 60
"""Charts of a page."""

_POINTS = 240
_SERIES = 12
_CHART_WIDTH, _CHART_HEIGHT = 300.0, 110.0


@dataclass(frozen=True, slots=True)
class AttemptBar:
    """An attempt, as a bar of a timeline.

    Attributes:
        step: the step of its task.
        task: the name of its task, printable.
        number: of the attempt.
        state: how it ended.
        start: epoch ms.
        length: in ms.
        is_known: whether its end is known.
    """

    step: str
    task: str
    number: int
    state: str
    start: int
    length: float
    is_known: bool


def draw_timeline(every: Sequence[AttemptBar], steps: Iterable[str]) -> Timeline | None:
    """Return the attempts of all tasks over time; None if no start of any is known.

    Args:
        every: the attempts.
        steps: names of the steps, in the order of the graph.
    """
    if not every:
        return None
    shown = select_bars(every, _BAR_LIMIT, lambda attempt: attempt.state == "ok")
    begin = min(attempt.start for attempt in shown)
    end = max(attempt.start + attempt.length for attempt in shown)
    scale = (_WIDTH - _LEFT - _RIGHT) / max(end - begin, 1.0)
    by_step: defaultdict[str, list[AttemptBar]] = defaultdict(list)
    for attempt in shown:
        by_step[attempt.step].append(attempt)
    bands: list[TimelineBand] = []
    bars: list[TimelineBar] = []
    y = _TOP
    for step in steps:
        if step not in by_step:
            continue
        lanes = pack_lanes(by_step[step])
        height = min(max(len(lanes) * _LANE, _LOWEST), max(_BAND, _LOWEST))
        bands.append(TimelineBand(name_text(step, 20), y, height))
        lane = height / len(lanes)
        for number, members in enumerate(lanes):
            for attempt in members:
                x = _LEFT + (attempt.start - begin) * scale
                width = max(attempt.length * scale, 2.0)
                bar_height = max(lane * 0.8, 0.6)
                bars.append(
                    TimelineBar(
                        round(x, 1),
                        round(y + number * lane + (lane - bar_height) / 2, 1),
                        round(width, 1),
                        round(bar_height, 1),
                        attempt.state,
                        _title(attempt),
                    )
                )
        y += height + _GAP
    ticks = tuple(
        Tick(round(_LEFT + offset * scale, 1), _offset_text(offset / 1000))
        for offset in _tick_offsets(end - begin)
    )
    return Timeline(
        _WIDTH, y + _BOTTOM, _LEFT, tuple(bands), tuple(bars), ticks, len(every) - len(shown)
    )


def attempts_of(task: Task) -> Iterator[AttemptBar]:
    """Yield the attempts of a task that have a start; the last one ended as the task did."""
    for attempt in task.attempts:
        if attempt.started_at is None:
            continue
        ended = attempt.finished_at
        yield AttemptBar(
            task.step,
            name_text(below_flow_run(task.pathspec)),
            attempt.number,
            task.state.value if attempt is task.attempts[-1] else "failed",
            attempt.started_at,
            max(0.0, float((ended or attempt.started_at) - attempt.started_at)),
            ended is not None,
        )


def _title(attempt: AttemptBar) -> str:
    took = duration(attempt.length / 1000) if attempt.is_known else "end not known"
    state = STATE_NAMES.get(attempt.state, attempt.state)
    began = moment(attempt.start)
    return f"{attempt.task}, attempt {attempt.number}: {state}, {took}, began {began} UTC"


_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200)
_DAY = 86_400


def _tick_offsets(length: float) -> list[float]:
    """Return offsets in ms from the begin, at most so many, at whole units."""
    seconds = length / 1000
    if seconds < 1:
        return [0.0]
    step = next((unit for unit in _STEPS if seconds / unit <= _TICKS), None)
    if step is None:
        step = _DAY * max(1, math.ceil(seconds / _DAY / _TICKS))
    return [number * step * 1000.0 for number in range(int(seconds // step) + 1)]


def _offset_text(seconds: float) -> str:
    return "0" if seconds == 0 else f"+{duration(seconds).replace('.0 s', ' s')}"


# --- charts ----------------------------------------------------------------------------------

_Line = tuple[str, list[tuple[float, float]]]
"""The label of a line, and its points."""


def draw_charts(run: PlannedRun, values: ReadyRun, step: str) -> list[Chart]:
    """Return the charts of a step: one for each curve, and one for each number over its tasks."""
    lines: defaultdict[tuple[str, str], list[_Line]] = defaultdict(list)
    labels = {f"/{task.label}" for task in run.tasks} if run.merged else set()
    for axis in values.axes:
        points = [
            (float(row[axis.axis]), float(row[axis.chart]))
            for _, row in values.history
            if _is_number(row.get(axis.axis)) and _is_number(row.get(axis.chart))
        ]
        if len(points) < 2:  # noqa: PLR2004 - a point is no curve
            continue
        base, label = _split_label(axis.chart, labels)
        axis_base, _ = _split_label(axis.axis, labels)
        lines[base, axis_base].append((label, points))
    charts = [_chart(step, base, axis, members) for (base, axis), members in lines.items()]
    return sorted(charts, key=lambda chart: chart.is_dots)


def _is_number(value: object) -> bool:
    return (
        isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e300  # noqa: PLR2004 - what a drawing can have
    )


def _split_label(name: str, labels: Iterable[str]) -> tuple[str, str]:
    for label in labels:
        if name.endswith(label):
            return name[: -len(label)], label[1:]
    return name, ""


def _chart(step: str, name: str, axis: str, lines: Sequence[_Line]) -> Chart:
    shown = lines[:_SERIES]
    every = [point for _, points in shown for point in points if math.isfinite(point[1])]
    xs = [x for x, _ in every] or [0.0]
    ys = [y for _, y in every] or [0.0]
    low, high, first, last = min(ys), max(ys), min(xs), max(xs)
    is_over_tasks = axis.startswith("tasks/")
    series = tuple(
        Series(
            name_text(label, 40),
            tuple(_scale(point, (first, last), (low, high)) for point in _thin(points)),
            number_text(points[-1][1]),
            number % 8,
        )
        for number, (label, points) in enumerate(shown)
    )
    return Chart(
        step=name_text(step),
        name=name_text(name.removeprefix("tasks/") if is_over_tasks else name, 80),
        axis="task" if is_over_tasks else name_text(owner_and_name(axis)[1] or axis, 40),
        low=number_text(low),
        high=number_text(high),
        first=number_text(first),
        last=number_text(last),
        series=series,
        is_dots=is_over_tasks,
        left_out=len(lines) - len(shown),
    )


def _thin(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return at most so many points; of each part the lowest and the highest, in their order."""
    points = [point for point in points if math.isfinite(point[1])]
    if len(points) <= _POINTS:
        return points
    parts = _POINTS // 2
    thin: list[tuple[float, float]] = []
    for number in range(parts):
        part = points[number * len(points) // parts : (number + 1) * len(points) // parts]
        ends = sorted({part.index(min(part, key=_y)), part.index(max(part, key=_y))})
        thin += [part[position] for position in ends]
    return thin


def _y(point: tuple[float, float]) -> float:
    return point[1]


def _scale(
    point: tuple[float, float], xs: tuple[float, float], ys: tuple[float, float]
) -> tuple[float, float]:
    x = (point[0] - xs[0]) / (xs[1] - xs[0]) if xs[1] > xs[0] else 0.5
    y = (point[1] - ys[0]) / (ys[1] - ys[0]) if ys[1] > ys[0] else 0.5
    return round(4 + x * (_CHART_WIDTH - 8), 1), round(
        _CHART_HEIGHT - 4 - y * (_CHART_HEIGHT - 8), 1
    )


# --- histograms ------------------------------------------------------------------------------


def draw_histogram(histogram: tuple[Sequence[float], Sequence[float]]) -> Histogram | None:
    """Return the bars of a histogram of W&B's; None if it has none."""
    values, edges = histogram
    if not values or len(edges) != len(values) + 1 or not edges[-1] > edges[0]:
        return None
    highest = max(*values, 1e-12)
    width = edges[-1] - edges[0]
    bars = tuple(
        (
            round((edges[number] - edges[0]) / width * 100, 2),
            round((edges[number + 1] - edges[number]) / width * 100, 2),
            round(value / highest * 30, 2),
        )
        for number, value in enumerate(values)
    )
    return Histogram(bars, number_text(edges[0]), number_text(edges[-1]))
