"""The figures of a flow run, as plotly draws them: its tasks over time, and its lineage. Pure.

The JSON is written without plotly. Names may hold any text, and plotly reads some HTML in texts, so
all texts are escaped.
"""

from __future__ import annotations

import html
import json
import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from mfwb.planning import Overview, OverviewAttempt, OverviewStep, OverviewTask
from mfwb.safe_text import one_line
from mfwb.timeline import STATE_COLORS, STATE_NAMES, pack_lanes, select_bars

__all__ = ["draw_lineage", "draw_timeline", "figure_text"]

Figure = dict[str, Any]

_BAR_LIMIT = 4000
"""Bars of a timeline: pages with more are slow, and a screen has no more pixels."""
_LABEL_LIMIT = 60
"""Bars with a text inside; with more there is no room."""
_FONT = {"family": "sans-serif", "size": 12, "color": "#2b2b2b"}


def figure_text(figure: Figure) -> str:
    """Return a figure as JSON, equal for equal figures."""
    return json.dumps(figure, sort_keys=True, separators=(",", ":"), allow_nan=False)


# --- the timeline -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Bar:
    task: OverviewTask
    attempt: OverviewAttempt
    start: int  # epoch ms
    length: float  # ms


@dataclass(frozen=True, slots=True)
class _DrawnBar:
    bar: _Bar
    y: float
    height: float


def draw_timeline(title: str, overview: Overview) -> Figure:
    """Return the attempts of all tasks over time, a band per step, a color per state."""
    every = [bar for task in overview.tasks for bar in _bars_of(task)]
    bars = select_bars(every, _BAR_LIMIT, lambda bar: bar.attempt.state == "ok")
    by_step: defaultdict[str, list[_Bar]] = defaultdict(list)
    for bar in bars:
        by_step[bar.task.step].append(bar)
    drawn: list[_DrawnBar] = []
    ticks: list[float] = []
    labels: list[str] = []
    y = 0.0
    for step in overview.steps:
        if step.name not in by_step:
            continue
        lanes = pack_lanes(by_step[step.name])
        height = 1 + math.log2(len(lanes))
        lane_height = height / len(lanes)
        for position, lane in enumerate(lanes):
            middle = y + (position + 0.5) * lane_height
            drawn += (_DrawnBar(bar, middle, lane_height * 0.86) for bar in lane)
        ticks.append(y + height / 2)
        labels.append(_short_name(step.name))
        y += height + 0.35
    text = "Tasks over time, in UTC"
    if len(bars) < len(every):
        text += f": {len(bars):,} of {len(every):,} attempts, all failed ones first"
    layout = {
        **_layout(text, title),
        "barmode": "overlay",
        "xaxis": {
            "type": "date",
            "gridcolor": "#e6e6e6",
            "tickangle": 0,
            "nticks": 5,
            "automargin": True,
        },
        "yaxis": {
            "tickvals": ticks,
            "ticktext": labels,
            "range": [max(y, 1.0), -0.35],
            "showgrid": False,
            "zeroline": False,
            "automargin": True,
            "tickfont": {"size": 12 if len(ticks) <= _ROWS_WITH_ROOM else 9},
        },
        "uniformtext": {"minsize": 9, "mode": "hide"},
    }
    return {"data": list(_traces(drawn)), "layout": layout}


def _bars_of(task: OverviewTask) -> Iterator[_Bar]:
    for attempt in task.attempts:
        if attempt.started_at is not None:
            length = max(0.0, (attempt.seconds or 0.0) * 1000)
            yield _Bar(task, attempt, attempt.started_at, length)


def _traces(drawn: Sequence[_DrawnBar]) -> Iterator[dict[str, Any]]:
    by_state: defaultdict[str, list[_DrawnBar]] = defaultdict(list)
    for item in drawn:
        by_state[item.bar.attempt.state].append(item)
    for state, color in STATE_COLORS.items():
        items = by_state.get(state, [])
        if not items:
            continue
        yield {
            "type": "bar",
            "orientation": "h",
            "name": STATE_NAMES.get(state, state),
            "base": [_date(item.bar.start) for item in items],
            "x": [item.bar.length for item in items],
            "y": [item.y for item in items],
            "width": [item.height for item in items],
            "marker": {"color": color, "line": {"color": color, "width": 1}},
            "text": [_label(item.bar.task.label, 12) for item in items]
            if len(drawn) <= _LABEL_LIMIT
            else "",
            "textposition": "inside",
            "insidetextanchor": "start",
            "textangle": 0,
            "hovertext": [_describe(item.bar) for item in items],
            "hoverinfo": "text",
            "showlegend": True,
        }


def _describe(bar: _Bar) -> str:
    seconds = "end not known" if bar.attempt.seconds is None else f"{bar.attempt.seconds:,.1f} s"
    lines = [
        _label(bar.task.pathspec, 100),
        f"index {_label(bar.task.label, 40)}, attempt {bar.attempt.number}",
        f"{STATE_NAMES.get(bar.attempt.state, bar.attempt.state)}, {seconds}",
        f"began {_date(bar.start)} UTC",
    ]
    return "<br>".join(lines)


def _date(epoch_ms: int) -> str:
    """Return a time as plotly reads it; the first time of all if the year is out of range."""
    try:
        moment = datetime.fromtimestamp(epoch_ms / 1000, tz=timezone.utc)
    except (ValueError, OverflowError, OSError):
        moment = datetime.fromtimestamp(0, tz=timezone.utc)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03d}"


# --- the lineage ------------------------------------------------------------------------------

_STEP_X = 0.15
_BRANCH_X = 0.05  # between steps of the same depth
_ARTIFACT_X = 1.0
_GROUPS = 6  # of artifacts of one step; the last one has all others
_GROUP_LABEL = 22  # characters; the rest is counted
_ROWS_WITH_ROOM = 16  # labels below each other in a panel of 300 pixels
_HOVER_NAMES = 30
_HOVER_LIMIT = 400  # characters


@dataclass(frozen=True, slots=True)
class _Group:
    """Artifacts of one producer that the same steps use."""

    producer: str
    names: tuple[str, ...]
    consumers: tuple[str, ...]
    y: float


def draw_lineage(title: str, overview: Overview) -> Figure:
    """Return the steps on the left, the artifacts that they logged on the right, and the uses."""
    steps = {step.name: step for step in overview.steps}
    groups, rows = _arrange(overview, steps)
    columns = _columns(overview.steps)
    traces = [
        _lines("next step", "#b5b5b5", "dot", _control_lines(overview.steps, rows, columns)),
        _lines("logged", "#4c78a8", "solid", _logged_lines(groups, rows, columns)),
        _lines("used", "#e08214", "solid", _used_lines(groups, rows, columns)),
        *_step_markers(overview.steps, rows, columns),
        _artifact_markers(groups),
    ]
    bottom = max([*rows.values(), *(group.y for group in groups), 0.0])
    labels = _group_labels(groups, steps)
    # The names are labels of axes, for which a panel of any width leaves enough room.
    axis = {
        "range": [bottom + 0.5, -0.5],
        "showgrid": False,
        "zeroline": False,
        "automargin": True,
        "tickfont": {"size": 11 if len(rows) <= _ROWS_WITH_ROOM else 9},
    }
    layout = {
        **_layout("Lineage", title, _KEY),
        "showlegend": False,  # a panel that is not wide has room for one or the other
        "xaxis": {"visible": False, "range": [-0.05, 1.05]},
        "yaxis": {
            **axis,
            "tickvals": [rows[step.name] for step in overview.steps],
            "ticktext": [_step_label(step) for step in overview.steps],
        },
        "yaxis2": {
            **axis,
            "overlaying": "y",
            "matches": "y",
            "side": "right",
            "tickvals": list(labels),
            "ticktext": list(labels.values()),
        },
        "hovermode": "closest",
    }
    return {"data": [trace for trace in traces if trace["x"]], "layout": layout}


def _arrange(
    overview: Overview, steps: Mapping[str, OverviewStep]
) -> tuple[list[_Group], dict[str, float]]:
    """Return the groups of artifacts, and the row of each step, from top to bottom."""
    used: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for edge in overview.edges:
        used[edge.producer, edge.artifact].append(edge.consumer)
    artifacts: defaultdict[str, list[str]] = defaultdict(list)
    for producer, name in used:
        if producer not in steps:
            artifacts[producer].append(name)
    for step in overview.steps:
        artifacts[step.name] += step.outputs
    groups: list[_Group] = []
    rows: dict[str, float] = {}
    y = 0.0
    for producer in [*sorted(artifacts.keys() - steps.keys()), *steps]:
        rows[producer] = y
        own = _group(
            artifacts[producer], {name: used[producer, name] for name in artifacts[producer]}
        )
        for position, (names, consumers) in enumerate(own):
            groups.append(_Group(producer, names, consumers, y + position * 0.55))
        y += max(1.0, len(own) * 0.55 + 0.3)
    return groups, {name: row for name, row in rows.items() if name in steps}


def _group(
    names: Iterable[str], used: Mapping[str, Sequence[str]]
) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Return artifacts with the same users together, those that are used first."""
    by_users: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    for name in sorted(set(names)):
        by_users[tuple(used[name])].append(name)
    groups = sorted(by_users.items(), key=lambda item: (not item[0], item[1]))
    shown = [(tuple(own), users) for users, own in groups[:_GROUPS]]
    rest = groups[_GROUPS:]
    if rest:
        others = tuple(name for _, own in rest for name in own)
        users = tuple(sorted({user for users, _ in rest for user in users}))
        shown.append((others, users))
    return shown


def _columns(steps: Sequence[OverviewStep]) -> dict[str, float]:
    """Return the horizontal position of each step; steps beside each other are shifted."""
    depths: dict[str, int] = {}
    beside: defaultdict[int, int] = defaultdict(int)
    columns: dict[str, float] = {}
    for step in steps:
        depth = 1 + max((depths.get(parent, -1) for parent in step.parents), default=-1)
        depths[step.name] = depth
        columns[step.name] = _STEP_X - _BRANCH_X * min(beside[depth], 3)
        beside[depth] += 1
    return columns


Line = tuple[float, float, float, float]


def _control_lines(
    steps: Iterable[OverviewStep], rows: Mapping[str, float], columns: Mapping[str, float]
) -> Iterator[Line]:
    for step in steps:
        for parent in step.parents:
            if parent in rows:
                yield columns[parent], rows[parent], columns[step.name], rows[step.name]


def _logged_lines(
    groups: Iterable[_Group], rows: Mapping[str, float], columns: Mapping[str, float]
) -> Iterator[Line]:
    for group in groups:
        if group.producer in rows:
            yield columns[group.producer], rows[group.producer], _ARTIFACT_X, group.y


def _used_lines(
    groups: Iterable[_Group], rows: Mapping[str, float], columns: Mapping[str, float]
) -> Iterator[Line]:
    for group in groups:
        for consumer in dict.fromkeys(group.consumers):
            if consumer in rows:
                yield _ARTIFACT_X, group.y, columns[consumer], rows[consumer]


def _lines(name: str, color: str, dash: str, lines: Iterable[Line]) -> dict[str, Any]:
    x: list[float | None] = []
    y: list[float | None] = []
    for x0, y0, x1, y1 in lines:
        x += [x0, x1, None]
        y += [y0, y1, None]
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": x,
        "y": y,
        "line": {"color": color, "width": 1.5, "dash": dash},
        "hoverinfo": "skip",
    }


def _step_markers(
    steps: Sequence[OverviewStep], rows: Mapping[str, float], columns: Mapping[str, float]
) -> Iterator[dict[str, Any]]:
    for state, color in STATE_COLORS.items():
        own = [step for step in steps if step.state == state]
        name = "step" if state == "ok" else f"step, {STATE_NAMES.get(state, state)}"
        yield {
            "type": "scatter",
            "mode": "markers",
            "name": name,
            "x": [columns[step.name] for step in own],
            "y": [rows[step.name] for step in own],
            "hovertext": [
                f"{_label(step.name, 100)}<br>tasks: {step.tasks:,}, state: {step.state}"
                for step in own
            ],
            "hoverinfo": "text",
            "marker": {"symbol": "square", "size": 13, "color": color},
        }


def _step_label(step: OverviewStep) -> str:
    name = _short_name(step.name)
    return f"{name} \N{MULTIPLICATION SIGN} {step.tasks:,}" if step.tasks > 1 else name


def _group_labels(groups: Sequence[_Group], steps: Collection[str]) -> dict[float, str]:
    """Return labels by height: of each group, or of all artifacts of a step if there is no room."""
    if len(groups) <= _ROWS_WITH_ROOM:
        return {group.y: _group_label(group.names, group.producer, steps) for group in groups}
    names: defaultdict[str, list[str]] = defaultdict(list)
    heights: dict[str, float] = {}
    for group in groups:
        names[group.producer] += group.names
        heights.setdefault(group.producer, group.y)
    return {y: _group_label(names[producer], producer, steps) for producer, y in heights.items()}


def _group_label(names: Sequence[str], producer: str, steps: Collection[str]) -> str:
    """Return the first names that fit, and the number of the others."""
    shown = 1
    while shown < len(names) and len(", ".join(names[: shown + 1])) <= _GROUP_LABEL:
        shown += 1
    text = _short_name(", ".join(names[:shown]))
    if len(names) > shown:
        text += f" + {len(names) - shown:,} more"
    return text if producer in steps else f"{text} of {_label(producer, 16)}"


def _artifact_markers(groups: Sequence[_Group]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "artifact",
        "x": [_ARTIFACT_X for _ in groups],
        "y": [group.y for group in groups],
        "yaxis": "y2",
        "cliponaxis": False,
        "hovertext": [_describe_group(group) for group in groups],
        "hoverinfo": "text",
        "marker": {"symbol": "circle", "size": 9, "color": "#54a24b"},
    }


def _describe_group(group: _Group) -> str:
    users = _names(group.consumers, _HOVER_NAMES, _HOVER_LIMIT) if group.consumers else "no step"
    lines = [
        _names(group.names, _HOVER_NAMES, _HOVER_LIMIT),
        f"logged by {_label(group.producer, 100)}",
        f"used by {users}",
    ]
    return "<br>".join(lines)


def _names(names: Sequence[str], number: int, longest: int) -> str:
    rest = f" and {len(names) - number:,} more" if len(names) > number else ""
    return _label(", ".join(names[:number]), longest) + rest


# --- both -------------------------------------------------------------------------------------


_KEY = (
    f'<span style="color:{STATE_COLORS["ok"]}">\N{BLACK SQUARE} step</span>  '
    f'<span style="color:{STATE_COLORS["caught"]}">\N{BLACK SQUARE} caught</span>  '
    f'<span style="color:{STATE_COLORS["failed"]}">\N{BLACK SQUARE} failed</span>  '
    '<span style="color:#54a24b">\N{BLACK CIRCLE} artifact</span>  '
    '<span style="color:#4c78a8">\N{EM DASH} logged</span>  '
    '<span style="color:#e08214">\N{EM DASH} used</span>  '
    '<span style="color:#8c8c8c">\N{MIDDLE DOT}\N{MIDDLE DOT}\N{MIDDLE DOT} next</span>'
)
"""What the colors of a lineage mean."""


def _layout(what: str, title: str, key: str = "") -> dict[str, Any]:
    """Return the layout of both figures; the legend is above, where no label of an axis is."""
    lines = [_label(title, 120), key] if key else [_label(title, 120)]
    below = "".join(f'<br><span style="font-size:11px">{line}</span>' for line in lines)
    return {
        "title": {
            "text": _label(what, 120) + below,
            "font": {"size": 14},
            "x": 0.01,
            "y": 1,
            "yref": "container",
            "yanchor": "top",
            "pad": {"t": 18},
        },
        "font": _FONT,
        "paper_bgcolor": "#ffffff",
        "plot_bgcolor": "#ffffff",
        "margin": {"l": 20, "r": 20, "t": 76, "b": 20},
        "legend": {"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0, "font": {"size": 11}},
        "autosize": True,
    }


_NAME_LIMIT = 22  # characters of a step's name; a panel may have 400 pixels


def _short_name(text: str) -> str:
    """Return a name without its middle if it is long: ends tell names apart, as beginnings do."""
    line = one_line(text)
    if len(line) > _NAME_LIMIT:
        half = (_NAME_LIMIT - 1) // 2
        line = f"{line[:half]}…{line[-half:]}"
    return html.escape(line, quote=False)


def _label(text: str, longest: int) -> str:
    line = one_line(text)
    return html.escape(line if len(line) <= longest else f"{line[: longest - 1]}…", quote=False)
