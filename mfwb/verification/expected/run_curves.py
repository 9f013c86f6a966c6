"""What the charts of a W&B run should show of lists, dicts of lists and rows of numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from mfwb.verification.expected import names
from mfwb.verification.expected.curve_columns import Column, find_axis, keeps_value
from mfwb.verification.expected.facts import TaskFacts
from mfwb.verification.expected.model import Need
from mfwb.verification.expected.written_value import WrittenValue

__all__ = ["CurveRules", "ExpectedCurves", "expect_curves"]

_MAX_TASKS = 50
_MAX_CHARTS = 1_000
_MAX_POINTS = 5_000_000
_TABLES = frozenset({"parquet"})


@dataclass(frozen=True, slots=True)
class CurveRules:
    """Which artifacts should become charts.

    Attributes:
        setting: of the step: all, none, or those of these patterns.
        iterated: names of the artifacts that a foreach of the flow run iterates over.
        keys: of cards.
    """

    setting: bool | tuple[str, ...] = True
    iterated: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()

    def allows(self, name: str) -> bool:
        """Whether an artifact may become charts."""
        if isinstance(self.setting, bool):
            return self.setting and name not in self.iterated
        return any(fnmatchcase(name, pattern) for pattern in self.setting)

    def names(self, name: str) -> bool:
        """Whether a pattern names an artifact, so that an array may become a chart, too."""
        return not isinstance(self.setting, bool) and self.allows(name)


@dataclass(slots=True)
class ExpectedCurves:
    """What the charts should show.

    Attributes:
        history: numbers by row and name.
        axes: the x axis of each chart.
        last: the last numbers, as the summary has them, by name.
        replaced: keys of values that the summary should not have.
        open_keys: names of charts that may exist.
        has_tables: whether tables of the W&B run may be further charts, which are not worked out.
        other_names: the names of charts if a table has a column of the same name.
    """

    history: dict[tuple[int, str], int | float] = field(default_factory=dict)
    axes: dict[str, str] = field(default_factory=dict)
    last: dict[str, int | float] = field(default_factory=dict)
    replaced: set[str] = field(default_factory=set)
    open_keys: set[str] = field(default_factory=set)
    has_tables: bool = False
    other_names: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Family:
    key: str
    label: str
    columns: Mapping[str, Column]
    keeps: bool
    is_open: bool


def expect_curves(
    tasks: Sequence[TaskFacts],
    written: Mapping[str, Sequence[WrittenValue]],
    rules: CurveRules,
    *,
    merged: bool,
) -> ExpectedCurves:
    """Return what the charts of a W&B run should show.

    Args:
        tasks: of the W&B run.
        written: what they wrote, by the name of the artifact.
        rules: which artifacts should become charts.
        merged: whether it stands for several tasks.
    """
    result = ExpectedCurves()
    if merged and len(tasks) > _MAX_TASKS:
        return result
    result.has_tables = any(
        item.form.shape in _TABLES and rules.allows(name)
        for name, items in written.items()
        for item in items
    )
    families = list(_limited(_families(written, rules, merged=merged)))
    taken = {*rules.keys, "metaflow", *(names.summary_key(name) for name in written)}
    columns = {(family.key, name) for family in families for name in family.columns if name}
    wanted = Counter(names.summary_key(name) for _, name in columns)
    for family in families:
        _add(result, family, taken, wanted)
    drawn = Counter(family.key for family in families if not family.keeps)
    for name, items in written.items():
        key = names.summary_key(name)
        if rules.names(name) and any(item.form.shape == "npy" for item in items):
            result.open_keys |= {key, *(f"{key}/{item.task.label}" for item in items)}
        spoken = [item for item in items if item.is_value]
        if spoken and len(spoken) == len(items) == drawn[key]:
            result.replaced.add(key)
    return result


def _families(
    written: Mapping[str, Sequence[WrittenValue]], rules: CurveRules, *, merged: bool
) -> Iterator[_Family]:
    for name, items in sorted(written.items(), key=lambda entry: names.summary_key(entry[0])):
        for item in items:
            columns = item.value.columns
            if columns is None or not rules.allows(name):
                continue
            if item.form.shape not in {"value", "json"}:
                continue
            yield _Family(
                names.summary_key(name),
                f"/{item.task.label}" if merged else "",
                columns,
                keeps_value(columns),
                item.need is not Need.REQUIRED,
            )


def _limited(families: Iterator[_Family]) -> Iterator[_Family]:
    charts = points = 0
    for family in families:
        more = sum(map(len, family.columns.values()))
        if charts + len(family.columns) <= _MAX_CHARTS and points + more <= _MAX_POINTS:
            charts += len(family.columns)
            points += more
            yield family


def _add(
    result: ExpectedCurves, family: _Family, taken: Collection[str], wanted: Mapping[str, int]
) -> None:
    axis_column = find_axis(family.columns)
    axis = f"{family.key}/index"
    by_column = {
        column: f"{_name(family, column, taken, wanted)}{family.label}" for column in family.columns
    }
    if axis_column is not None:
        axis = by_column[axis_column]
    behind = {
        column: f"{names.summary_key(f'{family.key}/{column}')}{family.label}"
        for column in family.columns
        if column
    }
    if family.is_open:
        own = (names.summary_key(column) for column in family.columns if column)
        every = {f"{name}{family.label}" for name in own}
        result.open_keys |= {axis, *by_column.values(), *every, *behind.values()}
        return
    if result.has_tables:
        result.other_names |= {by_column[column]: name for column, name in behind.items()}
    for column in family.columns:
        if column != axis_column:
            _add_chart(result, family, column, axis_column, (by_column[column], axis))


def _add_chart(
    result: ExpectedCurves,
    family: _Family,
    column: str,
    axis_column: str | None,
    names_of_both: tuple[str, str],
) -> None:
    name, axis = names_of_both
    for row, number in enumerate(family.columns[column]):
        point = _point(number)
        position = row if axis_column is None else family.columns[axis_column][row]
        if point is None or position is None:
            continue
        result.history[row, axis] = position
        result.history[row, name] = point
        if "*" not in name:
            result.axes[name] = axis
        if not (family.keeps and name == family.key):
            result.last[name] = point
        if axis_column is not None:
            result.last[axis] = max(position, result.last.get(axis, position))


def _name(family: _Family, column: str, taken: Collection[str], wanted: Mapping[str, int]) -> str:
    if not column:
        return family.key
    name = names.summary_key(column)
    is_own = name == family.key and not family.keeps
    if wanted[name] > 1 or name.startswith("tasks/") or (name in taken and not is_own):
        return names.summary_key(f"{family.key}/{column}")
    return name


def _point(number: float | None) -> int | float | None:
    """Return a number as a chart has it, a float; None if no float is near it."""
    try:
        return None if number is None else float(number)
    except OverflowError:
        return None
