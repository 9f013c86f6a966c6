"""Compares one W&B run with what it should say: all but artifacts and uses."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mfwb.verification.expected.model import (
    ExpectedPanel,
    ExpectedRun,
    ExpectedValue,
    Need,
    Statistics,
)
from mfwb.verification.expected.wording import matches
from mfwb.verification.findings import EDITED, Findings, why_missing
from mfwb.verification.recorded import RecordedRun

__all__ = ["check_panel", "compare_run", "find_card", "matches_option", "shown_value"]

_CLOCK = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z ")
_CHARTS = "tasks/"
_TAGS_CHANGED = (
    "somebody removed or changed them in W&B, or they changed in Metaflow after the sync"
)
_GALLERY = "images/separated"
_NOT_SHOWN = "not shown: "
_MILLISECONDS = 0.0015  # seconds
_MAX_NAMED = 5  # charts in a message
_NOTHING = object()


def compare_run(
    expected: ExpectedRun, recorded: RecordedRun, names: frozenset[str], findings: Findings
) -> None:
    """Note how a W&B run differs.

    Args:
        expected: what it should say.
        recorded: what it says.
        names: keys of all values of the flow run; others are people's own.
        findings: where to note it.
    """
    _Comparison(expected, recorded, names, findings).compare()


class _Comparison:
    def __init__(
        self,
        expected: ExpectedRun,
        recorded: RecordedRun,
        names: frozenset[str],
        findings: Findings,
    ) -> None:
        self._expected = _with_names_of_tables(expected, recorded)
        self._recorded = recorded
        self._names = names
        self._findings = findings

    def compare(self) -> None:
        for item, reason in self._expected.unknown:
            self._findings.leave_open(f"{self._expected.name} {item}", reason)
        self._compare_identity()
        self._compare_notes()
        self._compare_times()
        self._compare_values("config", self._expected.config, self._recorded.config)
        facts = self._recorded.config.get("metaflow")
        self._compare_values("config", self._expected.facts, facts, "metaflow.")
        self._note_untrue("config", self._expected.untrue_facts, facts)
        self._compare_summary()
        self._compare_history()
        self._compare_log()
        self._compare_panels()

    def _differ(  # noqa: PLR0913 - the fields of a difference
        self, kind: str, item: str, metaflow: Any, wandb: Any, cause: str, *, mends: bool = True
    ) -> None:
        self._findings.differ(
            kind,
            f"{self._expected.name} {item}",
            self._expected.name,
            metaflow,
            wandb,
            cause,
            repairable=mends,
        )

    def _compare_identity(self) -> None:
        expected, recorded = self._expected, self._recorded
        for kind, own, actual in (
            ("name", expected.name, recorded.name),
            ("group", expected.group, recorded.group),
            ("job_type", expected.job_type, recorded.job_type),
        ):
            self._findings.count(kind)
            if own != actual:
                self._differ(kind, kind, own, actual, EDITED)
        self._findings.count("state")
        if expected.state != recorded.state:
            cause = why_missing(recorded, EDITED)
            self._differ("state", "state", expected.state, recorded.state, cause)
        self._findings.count("tags", len(expected.tags))
        if missing := expected.tags - recorded.tags:
            self._differ("tags", "tags", sorted(missing), sorted(recorded.tags), _TAGS_CHANGED)

    def _compare_notes(self) -> None:
        expected, actual = self._expected.notes, self._recorded.notes
        self._findings.count("notes", len(expected))
        missing = [text for text in expected if text not in actual]
        if not missing:
            return
        if actual.strip() and len(missing) == len(expected):
            item = f"{self._expected.name} notes"
            self._findings.leave_open(item, "somebody wrote other notes in W&B, and they stay")
            return
        cause = why_missing(self._recorded, "somebody removed it in W&B")
        self._differ("notes", "notes", missing[0], actual or None, cause)

    def _compare_times(self) -> None:
        expected, recorded = self._expected, self._recorded
        if expected.started_at is not None:
            self._findings.count("time")
            actual = recorded.started_at
            own = expected.started_at / 1000
            if actual is not None and abs(actual - own) > _MILLISECONDS:
                self._differ("time", "started at", own, actual, why_missing(recorded, EDITED))
        if expected.runtime is not None:
            self._findings.count("time")
            actual = recorded.runtime
            if actual is None or abs(actual - expected.runtime) > 1:
                self._differ("time", "runtime", expected.runtime, actual, EDITED)

    def _compare_values(
        self, kind: str, expected: Mapping[str, ExpectedValue], actual: Any, prefix: str = ""
    ) -> None:
        values = actual if isinstance(actual, dict) else {}
        for key, value in expected.items():
            self._findings.count(kind)
            item = f"{kind}.{prefix}{key}"
            if key not in values:
                if value.need is Need.REQUIRED:
                    own = shown_value(value)
                    cause = why_missing(self._recorded, "somebody removed it in W&B")
                    self._differ(kind, item, own, None, cause)
            elif not value.options:
                self._findings.leave_open(f"{self._expected.name} {item}", value.reason or "open")
            elif not any(matches_option(option, values[key]) for option in value.options):
                cause = _TAGS_CHANGED if item == "config.metaflow.tags" else EDITED
                self._differ(kind, item, shown_value(value), values[key], cause)

    def _note_untrue(self, kind: str, untrue: frozenset[str], actual: Any) -> None:
        values = actual if isinstance(actual, dict) else {}
        for key in sorted(untrue & values.keys()):
            cause = "mfwb wrote it from an earlier state of the flow run, or somebody added it"
            mends = kind == "summary"  # a sync removes no key of config
            self._differ(kind, f"{kind}.metaflow.{key}", None, values[key], cause, mends=mends)

    def _compare_summary(self) -> None:
        expected, actual = self._expected, self._recorded.summary
        self._compare_values("summary", expected.summary, actual)
        self._compare_values("summary", expected.outcome, actual.get("metaflow"), "metaflow.")
        self._note_untrue("summary", expected.untrue_outcome, actual.get("metaflow"))
        panels = {panel.key for panel in expected.panels}
        settled = {*expected.summary, *expected.open_keys, *expected.previews, *panels}
        if expected.has_open_charts:  # of tables
            settled |= {*self._recorded.axes, *self._recorded.axes.values()}
        for key in sorted((actual.keys() & self._names) - settled):
            if _is_panel(actual[key]):
                continue  # a picture, a figure or a table of what was stored
            cause = "mfwb wrote it with other settings or earlier, or somebody else wrote it"
            self._differ("summary", f"summary.{key}", None, actual[key], cause, mends=False)

    def _compare_history(self) -> None:
        expected = self._expected.history
        open_keys = self._expected.open_keys
        wrong: dict[str, list[tuple[int, Any, Any]]] = defaultdict(list)
        for (row, key), number in expected.items():
            actual = self._recorded.history.get(row, {}).get(key, _NOTHING)
            if actual is _NOTHING and self._is_without_point(row, key):
                continue  # the missing point itself is noted
            if actual is _NOTHING or not _is_point(number, actual):
                wrong[key].append((row, number, None if actual is _NOTHING else actual))
        self._findings.count("history", len(expected))
        charts = {key for _, key in expected}
        own = self._names | charts
        axes = self._recorded.axes
        of_tables = {*axes, *axes.values()} - charts
        self._compare_axes()
        for row, points in self._recorded.history.items():
            for key, actual in points.items():
                is_ours = key.startswith(_CHARTS) or key in own
                is_open = any(
                    key in {open_key, f"tasks/{open_key}", f"{open_key}/index"}
                    for open_key in open_keys
                ) or (self._expected.has_open_charts and key in of_tables)
                if is_ours and (row, key) not in expected and not is_open and not _is_panel(actual):
                    wrong[key].append((row, None, actual))
        if repeated := [step for step in self._recorded.repeated_steps if self._is_row(step)]:
            cause = "it was written twice; W&B takes no row back"
            self._differ("history", "history, rows twice", 1, repeated, cause, mends=False)
        for key, points_of_key in sorted(wrong.items()):
            rows = [row for row, _, _ in points_of_key]
            item = f"history.{key} in {len(rows)} rows, as in row {rows[0]}"
            _, number, actual = points_of_key[0]
            if actual is None:
                cause = why_missing(self._recorded, "the upload was cut, or the rows were lost")
            else:
                cause = "it was written twice, or by another sync; W&B takes no row back"
            self._differ("history", item, number, actual, cause, mends=actual is None)

    def _is_without_point(self, row: int, axis: str) -> bool:
        """Whether a row has none of the points that an x axis is for."""
        charts = [chart for chart, of_chart in self._expected.axes.items() if of_chart == axis]
        points = self._recorded.history.get(row, {})
        return bool(charts) and axis != "tasks/index" and not any(map(points.__contains__, charts))

    def _compare_axes(self) -> None:
        """Note the charts that have another x axis: W&B draws them over its own steps then."""
        self._findings.count("history", len(self._expected.axes))
        others = sorted(self._recorded.axes.keys() - self._expected.axes.keys())
        if self._expected.has_open_charts and others:
            reason = f"charts of tables are not compared: {', '.join(others[:_MAX_NAMED])}"
            self._findings.leave_open(f"{self._expected.name} charts", reason)
        for chart, axis in self._expected.axes.items():
            actual = self._recorded.axes.get(chart)
            if actual != axis:
                cause = why_missing(self._recorded, "somebody or another sync wrote its config")
                self._differ("history", f"x axis of {chart}", axis, actual, cause)

    def _is_row(self, step: int) -> bool:
        return any(row == step for row, _ in self._expected.history)

    def _compare_log(self) -> None:
        expected, actual = self._expected.log, self._recorded.log
        name = self._expected.name
        if actual is None:
            self._findings.leave_open(f"{name} log", "W&B does not give the log back")
            return
        if expected is None:
            reason = "its log is larger than what W&B gets of it"
            self._findings.leave_open(f"{name} log", reason)
            return
        self._findings.count("log", len(expected))
        own = [line.clock + line.text for line in expected]
        missing = Counter(own) - Counter(actual)
        unexpected = Counter(actual) - Counter(own)
        if missing:
            first = next(line for line in own if line in missing)
            item = f"log, {sum(missing.values()):,} lines that W&B does not have"
            cause = why_missing(self._recorded, "the upload was cut, or the log was damaged")
            self._differ("log", item, first, None, cause)
        if unexpected:
            first = next(line for line in actual if line in unexpected)
            item = f"log, {sum(unexpected.values()):,} lines that Metaflow does not have"
            cause = "it was damaged, or somebody else wrote it"
            mends = len(actual) <= len(own)  # a sync writes lines over, and removes none
            self._differ("log", item, None, first, cause, mends=mends)
        if not missing and not unexpected and self._expected.is_log_sorted:
            clocks = [match[0] for line in actual if (match := _CLOCK.match(line))]
            if clocks != sorted(clocks):
                self._differ(
                    "log", "log, order of its lines", sorted(clocks)[:3], clocks[:3], EDITED
                )

    def _compare_panels(self) -> None:
        expected, recorded = self._expected, self._recorded
        for card in expected.cards:
            self._findings.count("panel")
            panel = find_card(recorded, card.key)
            self._check_panel(f"summary.{card.key}", panel, "html-file")
            self._compare_drawn(card.key, panel)
        if expected.table is not None:
            self._findings.count("panel")
            panel = recorded.summary.get("tasks")
            self._check_panel("summary.tasks", panel, "table-file")
            if isinstance(panel, dict) and panel.get("nrows") != len(expected.table.rows):
                rows = len(expected.table.rows)
                self._differ("panel", "rows of the table tasks", rows, panel.get("nrows"), EDITED)
        for key, artifact in expected.previews.items():
            is_table = any(
                path.endswith(".parquet")
                for version in recorded.logged
                if version.name == artifact
                for path in version.files
            )
            if is_table and key not in expected.open_keys:
                self._findings.count("panel")
                self._check_panel(f"summary.{key}", recorded.summary.get(key), "table-file")

        for media in expected.panels:
            self._compare_media(media)
            self._compare_drawn(media.key, find_card(self._recorded, media.key))

    def _compare_drawn(self, key: str, shown: Any) -> None:
        """Note a panel of the summary that the first row lacks: W&B draws only what is there."""
        if not _is_panel(shown) or (0, key) in self._expected.history:
            return
        self._findings.count("history")
        drawn = self._recorded.history.get(0, {}).get(key)
        if not isinstance(drawn, dict) or drawn.get("_type") != shown["_type"]:
            cause = why_missing(self._recorded, "the upload was cut, or the rows were lost")
            item = f"history.{key} in row 0"
            self._differ("history", item, shown["_type"], drawn, cause, mends=drawn is None)

    def _compare_media(self, media: ExpectedPanel) -> None:
        shown = find_card(self._recorded, media.key)
        self._findings.count("panel")
        item = f"summary.{media.key}"
        if media.may_be_text and isinstance(shown, str) and shown.startswith(_NOT_SHOWN):
            return
        if not isinstance(shown, dict) or shown.get("_type") not in media.types:
            if media.is_required or shown is not None:
                cause = why_missing(self._recorded, "somebody removed it in W&B")
                self._differ("panel", item, sorted(media.types), shown, cause)
        elif shown["_type"] == _GALLERY:
            self._check_gallery(item, shown)
        elif "path" in shown:
            self._check_panel(item, shown, shown["_type"])

    def _check_gallery(self, item: str, shown: Mapping[str, Any]) -> None:
        paths = shown.get("filenames")
        if not isinstance(paths, list) or len(paths) != shown.get("count"):
            self._differ("panel", f"{item}, its images", shown.get("count"), paths, EDITED)
            return
        for path in paths:
            file = self._recorded.files.get(path)
            if file is None or file.size == 0:
                cause = "the upload was cut, or somebody deleted the file"
                self._differ("panel", f"{item}, its file", path, None, cause)

    def _check_panel(self, item: str, panel: Any, kind: str) -> None:
        check_panel(self._expected, self._recorded, item, panel, kind, self._findings)


def check_panel(  # noqa: PLR0913, PLR0917 - what it is of, and where to note it
    expected: ExpectedRun,
    recorded: RecordedRun,
    item: str,
    panel: Any,
    kind: str,
    findings: Findings,
) -> None:
    """Note how a panel of a W&B run differs, or its file."""

    def differ(item: str, metaflow: Any, wandb: Any, cause: str) -> None:
        item = f"{expected.name} {item}"
        findings.differ("panel", item, expected.name, metaflow, wandb, cause)

    if not isinstance(panel, dict) or panel.get("_type") != kind:
        differ(item, kind, panel, why_missing(recorded, "somebody removed it in W&B"))
        return
    path = panel.get("path")
    file = recorded.files.get(path) if isinstance(path, str) else None
    if file is None or file.size == 0:
        cause = "the upload was cut, or somebody deleted the file"
        differ(f"{item}, its file", path, None, cause)
    elif file.size is not None and file.size != panel.get("size", file.size):
        differ(f"{item}, size of its file", panel["size"], file.size, EDITED)


def _with_names_of_tables(expected: ExpectedRun, recorded: RecordedRun) -> ExpectedRun:
    """Return what is expected, with other names of charts where a table has the first ones."""
    own = recorded.axes.keys() | {*recorded.axes.values()}
    renamed = {name: other for name, other in expected.other_names.items() if other in own}
    if not renamed:
        return expected

    def name_of(name: str) -> str:
        return renamed.get(name, name)

    return replace(
        expected,
        history={(row, name_of(name)): number for (row, name), number in expected.history.items()},
        axes={name_of(chart): name_of(axis) for chart, axis in expected.axes.items()},
        summary={name_of(key): value for key, value in expected.summary.items()},
    )


def find_card(recorded: RecordedRun, key: str) -> Any:
    """Return what the summary has under a key of several parts, which W&B may nest."""
    if key in recorded.summary:
        return recorded.summary[key]
    value: Any = recorded.summary
    for part in key.split("/"):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _is_panel(value: Any) -> bool:
    return isinstance(value, dict) and value.get("_type") not in {None, "bytes"}


def shown_value(value: ExpectedValue) -> Any:
    """Return an expected value for a report: the first of those that are right."""
    if not value.options:
        return value.reason
    option = value.options[0]
    if isinstance(option, Statistics):
        chosen = {"chosen": option.chosen[0]} if option.chosen else {}
        return {"min": option.minimum, "max": option.maximum, "mean": option.mean, **chosen}
    return option


def matches_option(option: Any, actual: Any) -> bool:
    """Whether W&B has an expected value, which may be that of several tasks."""
    if not isinstance(option, Statistics):
        return matches(option, actual)
    return (
        isinstance(actual, dict)
        and actual.keys() == {"min", "max", "mean", *(("chosen",) if option.chosen else ())}
        and all(matches(chosen, actual["chosen"]) for chosen in option.chosen)
        and matches(option.minimum, actual["min"])
        and matches(option.maximum, actual["max"])
        and _is_mean(option.mean, actual["mean"])
    )


def _is_mean(mean: float, actual: Any) -> bool:
    if isinstance(actual, str):
        return actual in {str(mean), _name(mean)}
    if isinstance(actual, bool) or not isinstance(actual, (int, float)):
        return False
    return actual == mean or math.isclose(actual, mean, rel_tol=1e-12)


def _is_point(number: float, actual: Any) -> bool:
    if isinstance(actual, str):
        return actual == _name(number)
    if isinstance(actual, bool) or not isinstance(actual, (int, float)):
        return False
    if math.isnan(number):
        return math.isnan(actual)
    return actual == number or actual == float(number)


def _name(number: float) -> str:
    if isinstance(number, int) or math.isfinite(number):
        return str(number)
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"
