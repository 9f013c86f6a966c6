"""Curves of tasks -> charts with an x axis of their own. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mfwb.conversion.curve_shapes import Columns, choose_axis, find_columns, is_exact
from mfwb.free_names import free_name
from mfwb.payload.values import Number, Value, Values
from mfwb.planning import PlannedRun
from mfwb.planning.artifact_keys import keys_of
from mfwb.planning.names import summary_key

__all__ = [
    "LABELLED_CURVES_LIMIT",
    "NO_CURVES",
    "Chart",
    "Curves",
    "Frames",
    "draw_curves",
    "to_history_number",
]

LABELLED_CURVES_LIMIT = 50
"""Tasks; curves of more can't be told apart in one chart."""

CHARTS_LIMIT = 1_000
"""Charts of one W&B run; pages with more are of no use."""

POINTS_LIMIT = 5_000_000
"""Points of one W&B run, as of fifty lists of the greatest length."""

SETTING_LENGTH = 20
"""Whole numbers; a list of no more may be a setting, as `layers = [64, 32]`."""

_TASKS = "tasks/"  # the charts over tasks

Frames = Mapping[str, Mapping[str, Columns]]
"""The columns of tables that are curves, by summary key and by pathspec of the task."""

NO_FRAMES: Frames = {}


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart over an x axis.

    Attributes:
        name: in W&B.
        axis: the name of its x axis.
        points: the row of the history, the position on the x axis and the number of each point.
        keeps_value: whether the summary has the list itself under this name.
        own_axis: whether the x axis is a column of the user's, which the summary has, too.
    """

    name: str
    axis: str
    points: tuple[tuple[int, Number, Number], ...]
    keeps_value: bool = False
    own_axis: bool = False


@dataclass(frozen=True, slots=True)
class Curves:
    """The charts of a W&B run, and the keys of values that the summary need not have."""

    charts: tuple[Chart, ...] = ()
    replaced: frozenset[str] = frozenset()

    def last_points(self) -> dict[str, Number]:
        """Return the last number of each chart, and of each x axis that is the user's own."""
        last: dict[str, Number] = {}
        for chart in self.charts:
            if chart.points and not chart.keeps_value:
                _, position, number = chart.points[-1]
                last[chart.name] = number
                if chart.own_axis:
                    last[chart.axis] = max(position, last.get(chart.axis, position))
        return last


NO_CURVES = Curves()


@dataclass(frozen=True, slots=True)
class _Family:
    """The columns of one artifact of one task, which share an x axis."""

    key: str
    label: str
    columns: Columns
    axis: str | None
    keeps_value: bool

    @property
    def points(self) -> int:
        return sum(map(len, self.columns.values()))


def draw_curves(run: PlannedRun, values: Values, frames: Frames = NO_FRAMES) -> Curves:
    """Return the charts of the curves among the values of a W&B run, and of its tables.

    Args:
        run: the planned W&B run.
        values: its values, those that are too large for the summary included.
        frames: the columns of its tables that are curves.
    """
    taken = _taken_keys(run) | values.keys()
    families = list(_within_limits(_families(run, values, frames)))
    names = _choose_names(families, taken)
    used = taken - {family.key for family in families}
    charts = [chart for family in families for chart in _charts_of(family, names, used)]
    drawn = Counter(family.key for family in families if not family.keeps_value)
    replaced = {key for key, of_tasks in values.items() if 0 < len(of_tasks) == drawn[key]}
    return Curves(tuple(charts), frozenset(replaced))


def to_history_number(number: Number) -> Number | None:
    """Return a number as W&B's history stores it, a float; None if no float is near it."""
    if is_exact(number):
        return number
    try:
        return float(number)
    except OverflowError:
        return None


def _taken_keys(run: PlannedRun) -> set[str]:
    return {*run.summary, *run.neighbours, *keys_of(run)}


def _families(run: PlannedRun, values: Values, frames: Frames) -> Iterator[_Family]:
    if run.merged and len(run.tasks) > LABELLED_CURVES_LIMIT:
        return
    for key in sorted({*values, *frames}):
        for task in run.tasks:
            label = f"/{task.label}" if run.merged else ""
            if (columns := _columns(values.get(key, {}).get(task.pathspec), key, run)) is not None:
                yield _Family(key, label, columns, choose_axis(columns), _keeps_value(columns))
            elif (columns := frames.get(key, {}).get(task.pathspec)) is not None:
                yield _Family(key, label, columns, choose_axis(columns), keeps_value=True)


def _columns(value: Value | None, key: str, run: PlannedRun) -> Columns | None:
    if value is None or key in run.no_curves or key in run.iterated:
        return None
    return find_columns(value.json) if value.is_curve or key in run.named_curves else None


def _keeps_value(columns: Columns) -> bool:
    """Whether the summary keeps a value: its chart is not exact, or it may be a setting."""
    numbers = [number for column in columns.values() for number in column if number is not None]
    if not all(map(is_exact, numbers)):
        return True
    is_list = columns.keys() == {""}
    return is_list and len(numbers) <= SETTING_LENGTH and all(type(n) is int for n in numbers)


def _within_limits(families: Iterator[_Family]) -> Iterator[_Family]:
    charts, points = 0, 0
    for family in families:
        if charts + len(family.columns) <= CHARTS_LIMIT and points + family.points <= POINTS_LIMIT:
            charts += len(family.columns)
            points += family.points
            yield family


def _choose_names(families: Sequence[_Family], keys: Collection[str]) -> dict[tuple[str, str], str]:
    """Return the name of each column of each artifact, the same for all tasks.

    A list has the name of its artifact. Any other column has its own name, unless another
    artifact has a value or a column of that name: then the artifact's name is in front.
    """
    columns = dict.fromkeys(
        (family.key, column) for family in families for column in family.columns if column
    )
    counts = Counter(summary_key(column) for _, column in columns)
    freed = {family.key for family in families if not family.keeps_value}
    names = {(family.key, ""): family.key for family in families if "" in family.columns}
    for key, column in columns:
        name = summary_key(column)
        is_free = counts[name] == 1 and not name.startswith(_TASKS)
        if not is_free or (name in keys and not (name == key and key in freed)):
            name = summary_key(f"{key}/{column}")
        names[key, column] = name
    return names


def _charts_of(
    family: _Family, names: Mapping[tuple[str, str], str], used: set[str]
) -> Iterator[Chart]:
    def name_of(column: str) -> str:
        name = free_name(f"{names[family.key, column]}{family.label}", used)
        used.add(name)
        return name

    if family.axis is None:
        axis, positions = f"{family.key}/index", None  # all tasks share it: it counts the rows
    else:
        axis, positions = name_of(family.axis), family.columns[family.axis]
    for column, numbers in family.columns.items():
        if column == family.axis:
            continue
        points = []
        for row, number in enumerate(numbers):
            point = None if number is None else to_history_number(number)
            position = row if positions is None else positions[row]
            if point is not None and position is not None:
                points.append((row, position, point))
        yield Chart(
            name_of(column),
            axis,
            tuple(points),
            keeps_value=family.keeps_value and not column and not family.label,
            own_axis=positions is not None,
        )
