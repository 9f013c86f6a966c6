"""A flow run in Metaflow and in W&B: what differs."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from tests.compared.candidates import differences_of_candidates
from tests.compared.choices import Choices, find_choices, nearest_choices
from tests.compared.curves import Charts, charts_of
from tests.compared.media import differences_of_panels, ending_of, is_image
from tests.compared.metaflow_facts import FlowRunFacts, Held, TaskFacts
from tests.compared.overview import (
    flat_foreach,
    of_foreach,
    of_panels,
    version_paths,
    without_choice,
)
from tests.compared.rules import differences_of_rules
from tests.compared.values import (
    is_caught,
    is_number,
    is_point,
    is_readable,
    is_same,
    is_statistic,
    is_value,
)
from tests.compared.wandb_facts import Project, WandbRunFacts
from tests.support.wandb_server import ArtifactVersion

__all__ = ["Difference", "differences_of", "is_in_summary", "is_picked"]

_MOST_OF_A_VALUE = 100_000  # bytes of pickle; what is larger is a file
_MOST_THAT_IS_SHOWN = 1_000_000  # bytes of pickle
_MOST_OF_A_LIST = 100_000  # characters of JSON; of what tasks have, what is longer is in the table
_EXACT = 2**53  # integers beyond it are rounded in charts
_TAKEN_IN_SUMMARY = {
    "metaflow",
    "mfwb",
    "tasks",
    "card",
    "_wandb",
    "_step",
    "_runtime",
    "_timestamp",
}
_TAKEN_IN_CONFIG = {"metaflow", "mfwb", "foreach", "_wandb"}
_OF_A_TABLE = ["index", "task", "state", "seconds"]
_CLOCK = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3})Z ")


@dataclass(frozen=True)
class Difference:
    """Something that W&B says otherwise than Metaflow, or not at all."""

    item: str
    metaflow: Any
    wandb: Any

    def __str__(self) -> str:
        return f"{self.item}: Metaflow {_short(self.metaflow)}, W&B {_short(self.wandb)}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}..."


def differences_of(facts: FlowRunFacts, project: Project, granularity: str) -> Iterator[Difference]:
    """Yield what differs between a flow run and what a project says of it."""
    runs = project.of_group(facts.pathspec)
    whole = runs.pop(facts.pathspec, None)
    picked = find_choices(facts)
    choices = picked if granularity == "step" else {}
    subjects = {subject.name: subject for subject in _subjects(facts, granularity)}
    yield from _unlike(f"{facts.pathspec} W&B runs", sorted(subjects), sorted(runs))
    for name in sorted(subjects.keys() & runs.keys()):
        yield from _of_run(facts, subjects[name], runs[name], choices)
    yield from _of_uses(facts, subjects, runs, choices)
    yield from _of_aliases(facts, project, runs)
    run_of = {
        task.pathspec: runs.get(name)
        for name, subject in subjects.items()
        for task in subject.tasks
    }
    for item, own, shown in (
        *differences_of_rules(facts, project),
        *differences_of_candidates(facts, picked, run_of, granularity),
    ):
        yield Difference(item, own, shown)
    if whole is None:
        yield Difference(f"{facts.pathspec} overview", "a W&B run", "nothing")
    else:
        yield from _of_overview(facts, whole, runs)


@dataclass(frozen=True)
class _Subject:
    """What there is one W&B run of: tasks of one step."""

    name: str
    tasks: Sequence[TaskFacts]
    merged: bool
    iterated: set[str]  # names of the artifacts that a foreach iterates over


def _subjects(facts: FlowRunFacts, granularity: str) -> Iterator[_Subject]:
    every = [task for tasks in facts.steps.values() for task in tasks]
    iterated = {task.iterates for task in every if task.iterates}
    for step, tasks in facts.steps.items():
        if granularity == "task":
            for task in tasks:
                yield _Subject(task.pathspec, [task], merged=False, iterated=iterated)
        else:
            several = len(tasks) > 1 or any(task.in_foreach for task in tasks)
            yield _Subject(f"{facts.pathspec}/{step}", tasks, several, iterated)


def _unlike(item: str, metaflow: Any, wandb: Any) -> Iterator[Difference]:
    if metaflow != wandb:
        yield Difference(item, metaflow, wandb)


# --- one W&B run ------------------------------------------------------------------------------


def _of_run(
    facts: FlowRunFacts, subject: _Subject, run: WandbRunFacts, choices: Choices
) -> Iterator[Difference]:
    at = subject.name
    step = subject.tasks[0].step
    failed = any(task.failed for task in subject.tasks)
    yield from _unlike(f"{at} job type", step, run.job_type)
    yield from _unlike(f"{at} state", "failed" if failed else "finished", run.state)
    yield from _unlike(f"{at} tags", facts.tags, run.tags)
    yield from _of_notes(facts, subject, run)
    yield from _of_config(facts, subject, run)
    yield from _of_values(subject, run)
    for key, own, shown in differences_of_panels(subject.tasks, run, merged=subject.merged):
        yield Difference(f"{at} panel {key}", own, shown)
    yield from _of_log(subject, run)
    yield from _of_cards(subject, run)
    yield from _of_artifacts(facts, subject, run, choices)


def _of_notes(facts: FlowRunFacts, subject: _Subject, run: WandbRunFacts) -> Iterator[Difference]:
    """The docstring is in the notes, and a line that opens what the W&B run stands for."""
    doc = facts.docs.get(subject.tasks[0].step, "").strip()
    kind = "Task" if subject.name.count("/") == 3 else "Step"
    for text in (doc, f'{kind.lower()} = {kind}("{subject.name}")'):
        if text not in run.notes:
            yield Difference(f"{subject.name} notes", text, run.notes)


def _of_config(facts: FlowRunFacts, subject: _Subject, run: WandbRunFacts) -> Iterator[Difference]:
    expected = {_key(name, _TAKEN_IN_CONFIG): value for name, value in facts.parameters.items()}
    for name, content in facts.included.items():
        sha1 = hashlib.sha1(content).hexdigest()  # noqa: S324 - it names content
        reported = run.config.get(name)
        described = (
            {"name": reported.get("name"), "size": len(content), "sha1": sha1} if reported else None
        )
        yield from _unlike(f"{subject.name} config.{name}", described, reported)
    for key, value in expected.items():
        if key not in run.config or not is_same(value, run.config[key]):
            yield Difference(f"{subject.name} config.{key}", value, run.config.get(key, "nothing"))
    more = run.config.keys() - expected.keys() - facts.included.keys() - _TAKEN_IN_CONFIG
    yield from _unlike(f"{subject.name} more in config", set(), more)
    shown = run.config.get("metaflow", {})
    yield from _unlike(f"{subject.name} user", facts.user, shown.get("user"))
    yield from _unlike(f"{subject.name} flow run", facts.pathspec, shown.get("flow_run"))
    if not subject.merged:
        for item, metaflow, wandb in of_foreach(subject.tasks[0], run.config):
            yield Difference(f"{subject.name} config, {item}", metaflow, wandb)
    tasks = sorted(task.pathspec for task in subject.tasks)
    yield from _unlike(f"{subject.name} tasks", tasks, sorted(shown.get("tasks", [])))
    constants = shown.get("constants", {})
    if not is_same(facts.constants, constants):
        yield Difference(f"{subject.name} constants", facts.constants, constants)


def _key(name: str, taken: set[str]) -> str:
    return f"{name}_" if name.rstrip("_") in taken else name


def is_in_summary(held: Held) -> bool:
    """Whether it stands in the summary rather than in a file."""
    is_file = isinstance(held.value, bytes) or ending_of(held.name, held.value) is not None
    return is_value(held.value) and len(held.stored) <= _MOST_OF_A_VALUE and not is_file


def _is_shown(held: Held) -> bool:
    """Whether it is a file, and the summary says beside that what can be read of it."""
    return (
        not is_in_summary(held)
        and not is_value(held.value)
        and is_readable(held.value)
        and len(held.stored) <= _MOST_THAT_IS_SHOWN
    )


_Values = dict[str, list[tuple[TaskFacts, Any]]]  # by name: what tasks wrote


def _by_name(subject: _Subject, chosen: Callable[[Held], bool]) -> _Values:
    """Return what the tasks wrote of a kind: for each name tasks and values."""
    result: _Values = {}
    for task in subject.tasks:
        for name, held in task.held.items():
            if chosen(held):
                result.setdefault(name, []).append((task, held.value))
    return result


def _of_values(subject: _Subject, run: WandbRunFacts) -> Iterator[Difference]:
    values = _by_name(subject, is_in_summary)
    shown = _by_name(subject, _is_shown)
    keys = {name: _key(name, _TAKEN_IN_SUMMARY) for name in {**values, **shown}}
    charts = _charts(subject, run)
    for name, last in charts.last.items():
        if not is_same(last, run.summary.get(name, "nothing")):
            yield Difference(f"{subject.name} summary.{name}", last, run.summary.get(name))
    for name, of_tasks in {**shown, **values}.items():
        if name in charts.replaced:
            if keys[name] in run.summary and name not in charts.last:
                yield Difference(f"{subject.name} summary.{name}", "charts", run.summary[name])
            continue
        reported = run.summary.get(keys[name], "nothing")
        each = [value for _, value in of_tasks]
        if not (_is_in_short(each, reported) if subject.merged else _is_alone(each[0], reported)):
            yield Difference(f"{subject.name} summary.{keys[name]}", each, reported)
    more = {
        key
        for key, value in run.summary.items()
        if key not in {*keys.values(), *_TAKEN_IN_SUMMARY, *charts.last, *_unshown(subject, run)}
        and not (isinstance(value, dict) and "_type" in value)
        and not key.startswith(("tasks/", "card"))
    }
    yield from _unlike(f"{subject.name} more in summary", set(), more)
    yield from _of_history(subject, run, values, charts)
    if subject.merged:
        yield from _of_table(subject, run, {**shown, **values}, [*sorted(values), *sorted(shown)])


def _unshown(subject: _Subject, run: WandbRunFacts) -> set[str]:
    """Return the keys of pictures that could not be shown, where the summary says why."""
    names = {name for task in subject.tasks for name in task.held}
    return {name for name in names if str(run.summary.get(name)).startswith("not shown: ")}


def _is_alone(value: Any, said: Any) -> bool:
    return said == "None" if value is None else is_same(value, said)


def _is_in_short(values: list[Any], said: Any) -> bool:
    if all(map(is_number, values)):
        return is_statistic(values, said)
    if all(repr(value) == repr(values[0]) for value in values):
        return _is_alone(values[0], said)
    if said == {"tasks": len(values), "see": "table tasks"}:
        return sum(len(repr(value)) for value in values) > _MOST_OF_A_LIST // 2
    return is_same(values, said) or all(is_same(value, said) for value in values)


def _of_history(
    subject: _Subject, run: WandbRunFacts, values: _Values, charts: Charts
) -> Iterator[Difference]:
    of_tasks = _rows(subject, values)
    expected = {**of_tasks, **charts.points}
    axes = {name: "tasks/index" for _, name in of_tasks if subject.merged} | charts.axes
    reported_axes = {name: axis for name, axis in run.axes.items() if name != "tasks/seconds"}
    axes.pop("tasks/index", None)
    yield from _unlike(f"{subject.name} x axes", axes, reported_axes)
    reported = {
        (step, key): point
        for step, row in run.history.items()
        for key, point in row.items()
        if key != "tasks/seconds" and not (isinstance(point, dict) and "_type" in point)
    }
    for (row, key), point in expected.items():
        if (row, key) not in reported or not is_point(point, reported[row, key]):
            yield Difference(
                f"{subject.name} history[{row}].{key}", point, reported.get((row, key))
            )
    for row, key in sorted(reported.keys() - expected.keys()):
        yield Difference(f"{subject.name} history[{row}].{key}", "nothing", reported[row, key])


def _rows(subject: _Subject, values: _Values) -> dict[tuple[int, str], Any]:
    """Return the numbers of tasks: a row for each task, or the first row if there is but one."""
    numeric = {
        name: of_tasks
        for name, of_tasks in values.items()
        if all(is_number(value) for _, value in of_tasks)
    }
    if not subject.merged:
        return {
            (0, _key(name, _TAKEN_IN_SUMMARY)): value
            for name, [(_, value)] in numeric.items()
            if abs(value) <= _EXACT  # neither NaN nor infinite
        }
    expected: dict[tuple[int, str], Any] = {}
    rows = {
        task.pathspec: task.place[0] if task.in_foreach and len(task.place) == 1 else location
        for location, task in enumerate(subject.tasks)
    }
    for row in rows.values():
        expected[row, "tasks/index"] = row
    for name, of_tasks in numeric.items():
        key = f"tasks/{name}_" if name in {"index", "seconds"} else f"tasks/{name}"
        for task, value in of_tasks:
            expected[rows[task.pathspec], key] = value
    return expected


def _charts(subject: _Subject, run: WandbRunFacts) -> Charts:
    return charts_of(
        subject.tasks,
        merged=subject.merged,
        iterated=subject.iterated,
        others={key for key in run.summary if key.split("/")[0] == "card"} | {"metaflow"},
    )


def _of_table(
    subject: _Subject, run: WandbRunFacts, values: _Values, names: list[str]
) -> Iterator[Difference]:
    if "tasks" not in run.summary:
        yield Difference(f"{subject.name} table", len(subject.tasks), "nothing")
        return
    columns, rows = run.table("tasks")
    own = [*_OF_A_TABLE, "exception"] if "exception" in columns[:5] else [*_OF_A_TABLE]
    own += flat_foreach(columns)
    expected = [f"{name}_" if name in own else name for name in names]
    yield from _unlike(f"{subject.name} table's columns", [*own, *expected], columns)
    tasks = [[task.label, task.pathspec] for task in subject.tasks]
    yield from _unlike(f"{subject.name} table's tasks", tasks, [row[:2] for row in rows])
    if columns != [*own, *expected]:
        return
    by_task = {row[1]: row[len(own) :] for row in rows}
    for column, name in enumerate(names):
        written = {task.pathspec: value for task, value in values[name]}
        for task in subject.tasks:
            cell = by_task.get(task.pathspec, [None] * len(names))[column]
            if not _is_cell(written.get(task.pathspec), cell):
                value = written.get(task.pathspec, "nothing")
                yield Difference(f"{subject.name} table.{name} of {task.label}", value, cell)


def _is_cell(value: Any, cell: Any) -> bool:
    if value is None:
        return cell is None
    if isinstance(cell, str) and not isinstance(value, str) and is_same(value, cell):
        return True
    if isinstance(cell, str) and cell[:1] in {"[", "{"} and not isinstance(value, str):
        return is_same(value, json.loads(cell))
    return is_same(value, cell)


def _of_log(subject: _Subject, run: WandbRunFacts) -> Iterator[Difference]:
    expected: Counter[str] = Counter()
    for task in subject.tasks:
        for line in task.log:
            clock = f"{line.time:%Y-%m-%d %H:%M:%S}.{line.time.microsecond // 1000:03d}Z "
            label = "[stderr] " if line.stream == "stderr" else ""
            number = f"[{task.label}] " if subject.merged else ""
            text = f"{number}{line.text}".expandtabs()
            expected[f"{clock}{label}{text}"] += 1
    reported = Counter(run.console)
    for text in sorted(expected - reported):
        yield Difference(f"{subject.name} log", text, "nothing")
    for text in sorted(reported - expected):
        yield Difference(f"{subject.name} log", "nothing", text)
    times = [result[1] for line in run.console if (result := _CLOCK.match(line))]
    if not subject.merged:
        yield from _unlike(f"{subject.name} order of the log", sorted(times), times)


def _of_cards(subject: _Subject, run: WandbRunFacts) -> Iterator[Difference]:
    expected = sorted(card for task in subject.tasks for card in task.cards)
    reported = sorted(
        run.files[value["path"]].decode()
        for key, value in run.summary.items()
        if isinstance(value, dict) and value.get("_type") == "html-file" and key.startswith("card")
    )
    nested = run.summary.get("card")
    if isinstance(nested, dict) and "_type" not in nested:
        reported = sorted(run.files[path].decode() for path in _html_paths(nested))
    yield from _unlike(f"{subject.name} cards", _digests(expected), _digests(reported))


def _html_paths(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if value.get("_type") == "html-file":
            yield value["path"]
        else:
            for item in value.values():
                yield from _html_paths(item)


def _digests(texts: list[str]) -> list[str]:
    return [f"{len(text)} {hashlib.sha256(text.encode()).hexdigest()[:8]}" for text in texts]


# --- the flow run as a whole ------------------------------------------------------------------


def _of_overview(
    facts: FlowRunFacts, run: WandbRunFacts, others: dict[str, WandbRunFacts]
) -> Iterator[Difference]:
    at = facts.pathspec
    tasks = [task.pathspec for of_step in facts.steps.values() for task in of_step]
    yield from _unlike(f"{at} overview, job type", "flow", run.job_type)
    yield from _unlike(f"{at} overview, tags", facts.tags, run.tags)
    for subject in _subjects(facts, "step"):
        for name, of_tasks in _by_name(subject, is_in_summary).items():
            key = f"{subject.tasks[0].step}/{_key(name, _TAKEN_IN_SUMMARY)}"
            each = [value for _, value in of_tasks]
            if any(map(is_caught, each)):
                yield from _unlike(f"{at} overview, summary.{key}", None, run.summary.get(key))
                continue  # the text of the exception is in the table of tasks
            reported = without_choice(run.summary.get(key, "nothing"), each)
            is_right = (
                _is_in_short(each, reported) if subject.merged else _is_alone(each[0], reported)
            )
            if not is_right:
                yield Difference(f"{at} overview, summary.{key}", each, reported)
    for item, metaflow, wandb in of_panels(run, tasks):
        yield Difference(f"{at} overview, {item}", metaflow, wandb)
    for name, held in facts.final.items():
        logged = {
            path for other in others.values() for path in version_paths(other.logged.get(name, []))
        }
        if is_in_summary(held) or not logged:
            continue
        own = run.logged.get(name, [])
        if len(own) != 1 or not version_paths(own) <= logged:
            yield Difference(f"{at} overview, {name}", sorted(logged), sorted(version_paths(own)))
        elif not _is_content(name, held, dict(own[0].files)):
            yield Difference(f"{at} overview, {name}", held.value, sorted(own[0].files))


# --- artifacts --------------------------------------------------------------------------------


def _of_artifacts(
    facts: FlowRunFacts, subject: _Subject, run: WandbRunFacts, choices: Choices
) -> Iterator[Difference]:
    expected: dict[str, dict[str, Held]] = {}  # by name, then by folder
    for task in subject.tasks:
        for name, held in task.held.items():
            is_file = is_caught(held.value) or not is_in_summary(held)
            if is_file and not _is_gone(held.value) and not is_picked(facts, task, name):
                folder = f"{task.label}/" if subject.merged else ""
                expected.setdefault(name, {})[folder] = held
        for name, held in choices.get(task.pathspec, {}).items():
            if is_caught(held.value) or not is_in_summary(held):
                folder = f"{task.label}/" if subject.merged else ""
                expected.setdefault(name, {})[folder] = held
    for name in expected.keys() & run.logged.keys():
        yield from _of_versions(f"{subject.name} {name}", expected[name], run.logged[name])
    first = facts.records[subject.tasks[0].pathspec] if facts.records else None
    included = set(facts.included) if first is not None and not first.parents else set()
    for name in included & run.logged.keys():
        [version] = run.logged[name]
        reported = list(version.files.values())
        yield from _unlike(f"{subject.name} {name}", [facts.included[name]], reported)
    has_code = facts.code is not None and subject.tasks[0].step == facts.start
    code = {f"{facts.pathspec.split('/')[0]}-code"} if has_code else set()
    for name in code & run.logged.keys():
        [version] = run.logged[name]
        yield from _unlike(f"{subject.name} {name} type", "code", version.type)
        yield from _unlike(f"{subject.name} {name}", facts.code, dict(version.files))
    yield from _unlike(
        f"{subject.name} artifacts", sorted({*expected, *included, *code}), sorted(run.logged)
    )


def is_picked(facts: FlowRunFacts, task: TaskFacts, name: str) -> bool:
    """Whether a task only hands on what a task of another step had written."""
    others = (item for step, tasks in facts.steps.items() if step != task.step for item in tasks)
    stored = task.held[name].stored
    return name in task.handed_on or any(
        name in other.held and _is_pickle(other.held[name].stored, stored)
        for other in others
        if other.pathspec in facts.ancestors(task.pathspec)
    )


def _is_gone(value: Any) -> bool:
    """Whether it is the path of a file that is not there, which mfwb counts as lost."""
    return isinstance(value, Path) and not value.exists()


def _of_versions(
    at: str, held: dict[str, Held], versions: list[ArtifactVersion]
) -> Iterator[Difference]:
    if len(versions) != 1:
        yield Difference(f"{at} versions", 1, [item.path for item in versions])
        return
    [version] = versions
    kinds = sorted({_kind(item.value) for item in held.values()})
    yield from _unlike(f"{at} type", kinds, [version.type])
    left = dict(version.files)
    name = at.rsplit(" ", 1)[1]
    for folder, item in held.items():
        existing = {path: data for path, data in left.items() if path.startswith(folder)}
        if not _is_content(name, item, {path[len(folder) :]: existing[path] for path in existing}):
            yield Difference(f"{at} {folder or 'content'}", item.value, sorted(existing))
        for path in existing:
            del left[path]
    yield from _unlike(f"{at} more files", [], sorted(left))


def _kind(value: Any) -> str:
    from sklearn.base import BaseEstimator  # noqa: PLC0415 - dear

    inside = list(value.values()) if isinstance(value, dict) else value
    several = inside if isinstance(inside, list | tuple) else [value]
    if any(isinstance(item, BaseEstimator) for item in several):
        return "model"
    tables = (pd.DataFrame, pd.Series, pd.Index, pl.DataFrame, pa.Table, PurePath)
    return "dataset" if any(isinstance(item, tables) for item in several) else "other"


def _is_content(name: str, held: Held, files: dict[str, bytes]) -> bool:  # noqa: PLR0911
    value = held.value
    if ending := ending_of(held.name, value):
        content = value.encode() if isinstance(value, str) else value
        return files == {f"{name}.{ending}": content}
    if is_image(value):
        return files.keys() == {f"{name}.pkl", f"{name}.png"}
    if _is_pickle(files.get(f"{name}.pkl"), held.stored):
        # For what has no better form, or beside it.
        return all(path == f"{name}.pkl" or path.endswith(".parquet") for path in files)
    if isinstance(value, pd.DataFrame):
        return [*files] == [f"{name}.parquet"] and _is_frame(value, files[f"{name}.parquet"])
    if isinstance(value, pl.DataFrame | pa.Table):
        own = value.to_arrow() if isinstance(value, pl.DataFrame) else value
        return [*files] == [f"{name}.parquet"] and own.to_pydict() == pq.read_table(
            io.BytesIO(files[f"{name}.parquet"])
        ).to_pydict()
    if isinstance(value, PurePath):
        return all(data == _bytes_of(value) for data in files.values()) and len(files) == 1
    if isinstance(value, np.ndarray):
        return [*files] == [f"{name}.npy"] and _is_array(value, files[f"{name}.npy"])
    if is_value(value):
        return [*files] == [f"{name}.json"] and is_same(value, json.loads(files[f"{name}.json"]))
    if isinstance(value, dict | list):
        parts = value.items() if isinstance(value, dict) else enumerate(value)
        expected = {f"{name}/{key}.parquet": part for key, part in parts}
        return files.keys() == expected.keys() and all(
            _is_frame(part, files[path]) for path, part in expected.items()
        )
    return False


def _is_pickle(data: bytes | None, stored: bytes) -> bool:
    """Whether it is the pickle that was stored; or, of what was passed on, its producer's."""
    if data is None or data == stored:
        return data == stored
    return pickle.dumps(pickle.loads(data)) == pickle.dumps(pickle.loads(stored))


def _bytes_of(path: PurePath) -> bytes:
    with open(path, "rb") as file:  # noqa: PTH123 - it may be a pure path
        return file.read()


def _is_array(value: np.ndarray[Any, Any], data: bytes) -> bool:
    read = np.load(io.BytesIO(data), allow_pickle=False)
    return bool(read.dtype == value.dtype and np.array_equal(read, value, equal_nan=False)) or (
        read.dtype == value.dtype and read.tobytes() == value.tobytes()
    )


def _is_frame(frame: Any, data: bytes) -> bool:
    if not isinstance(frame, pd.DataFrame):
        return False
    try:
        pd.testing.assert_frame_equal(frame, pd.read_parquet(io.BytesIO(data)))
    except AssertionError:
        return False
    return all(
        [type(item) for item in frame[column]] == [type(item) for item in read]
        and [repr(item) for item in frame[column]] == [repr(item) for item in read]
        for column, read in pd.read_parquet(io.BytesIO(data)).items()
        if frame[column].dtype == object
    )


def _of_uses(
    facts: FlowRunFacts,
    subjects: dict[str, _Subject],
    runs: dict[str, WandbRunFacts],
    choices: Choices,
) -> Iterator[Difference]:
    run_of = {
        task.pathspec: runs.get(name)
        for name, subject in subjects.items()
        for task in subject.tasks
    }
    names_of = {task.pathspec: name for name, subject in subjects.items() for task in subject.tasks}
    held = {task.pathspec: task.held for tasks in facts.steps.values() for task in tasks}
    for use in facts.truth.uses:
        makers = [producer for producer in use.producers if use.artifact in held.get(producer, {})]
        of_files = [maker for maker in makers if not is_in_summary(held[maker][use.artifact])]
        consumer = run_of.get(use.consumer)
        if not of_files or consumer is None or names_of[use.consumer] in map(names_of.get, makers):
            continue
        of_files = [
            file
            for maker in of_files
            for file in nearest_choices(
                facts, choices, use.consumer, use.artifact, held[maker][use.artifact]
            )
            or [maker]
        ]
        wanted = {
            version.path
            for file in of_files
            if (made := run_of[file]) is not None
            for version in made.logged.get(use.artifact, [])
        }
        reported = {version.path for version in consumer.used.get(use.artifact, [])}
        if wanted and not wanted & reported:
            yield Difference(
                f"{use.consumer} uses {use.artifact}", sorted(wanted), sorted(reported)
            )
    yield from _of_strange_uses(facts, subjects, runs, run_of, choices)


def _of_strange_uses(
    facts: FlowRunFacts,
    subjects: dict[str, _Subject],
    runs: dict[str, WandbRunFacts],
    run_of: dict[str, WandbRunFacts | None],
    choices: Choices,
) -> Iterator[Difference]:
    """Whatever a W&B run uses comes from one who could have offered it to one of its tasks."""
    for name, subject in subjects.items():
        if name not in runs:
            continue
        for artifact, versions in runs[name].used.items():
            offering = {
                item
                for task in subject.tasks
                for item in facts.truth.offered.get(task.pathspec, {}).get(artifact, ())
            }
            offering |= {
                item
                for task in subject.tasks
                for item in facts.ancestors(task.pathspec)
                if artifact in choices.get(item, {})
            }
            logged = {
                version.path
                for item in offering
                if (made := run_of.get(item)) is not None
                for version in made.logged.get(artifact, [])
            }
            logged |= {
                version.path
                for run in runs.values()
                if artifact in facts.included or not logged
                for version in run.logged.get(artifact, [])
            }
            for version in versions:
                if version.path not in logged:
                    yield Difference(f"{name} uses", sorted(logged), version.path)


def _of_aliases(
    facts: FlowRunFacts, project: Project, runs: dict[str, WandbRunFacts]
) -> Iterator[Difference]:
    alias = f"run-{facts.pathspec.split('/')[1]}"
    for name in sorted({name for run in runs.values() for name in run.logged}):
        marked = project.with_alias(name, alias)
        yield from _unlike(f"{facts.pathspec} {name}:{alias}", 1, len(marked))
        held = facts.final.get(name)
        is_file = held is not None and not is_in_summary(held)
        if len(marked) != 1 or held is None or not is_file:
            continue
        if not _is_content(name, held, dict(marked[0].files)):
            paths = sorted(marked[0].files)
            yield Difference(f"{facts.pathspec} {name}:{alias}", held.value, paths)
