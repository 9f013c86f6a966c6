"""Reads a flow run through Metaflow's client: tasks, metadata, tags and internal artifacts.

Private interfaces of Metaflow 2.19.39 used here: `Task._object` and `Run._object` (the client's
own times are naive), `DataArtifact._object` (type and root of the datastore), and, for a clone
whose origin was deleted, for which the client fails, `Task._metaflow.metadata.get_object`.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from metaflow import Run
from metaflow.exception import MetaflowNotFound

from mfwb.config import Settings
from mfwb.errors import ItemLost, NotFound, SourceError
from mfwb.snapshot import Datastore, FlowRunState
from mfwb.snapshot.pathspec import PARAMETERS, step_of
from mfwb.source.client_errors import client_errors
from mfwb.source.code_package import CodePackage, PackageError, read_source
from mfwb.source.datastore import internal_artifacts
from mfwb.source.datastore.flow_store import AttemptKey, FlowStore, open_store
from mfwb.source.datastore.roots import DatastoreRoots
from mfwb.source.json_records import AttemptRecord
from mfwb.source.process_exits import ProcessExit
from mfwb.source.reader import read_flow_run
from mfwb.source.session import open_provider, own_datastore_roots
from mfwb.source.typed_values import DamagedError
from mfwb.verification.expected.checkpoint_reference import find_saved
from mfwb.verification.expected.facts import (
    AttemptFacts,
    CardFacts,
    FlowRunFacts,
    HeldArtifact,
    TaskFacts,
    TaskOutcome,
)

__all__ = ["FlowRunReader", "read_attempts", "sort_into_steps"]

_OUTCOME = ("_success", "_exception", "_catch_exception")
_POSITION = ("_transition", "_foreach_stack", "_iteration_stack")
_SAVED = ("_task_checkpoints", "_task_stored_models")
_MAX_INTERNALS = 4_000_000  # bytes of one internal artifact


class _Task:
    """A task, half read."""

    def __init__(self, task: Any, rows: Sequence[Any], datastore: Datastore | None) -> None:
        self.task = task
        self.parts: list[str] = task.path_components
        self.path = "/".join(self.parts)
        self.rows = sorted(rows, key=lambda row: row[2])
        self.datastore = datastore
        self.metadata = {name: value for name, value, _, _ in self.rows}
        self.record = AttemptRecord()
        self.earlier: dict[int, AttemptRecord] = {}

    def stored(self) -> list[int]:
        """Return the attempts that stored artifacts, oldest first."""
        numbers = {value for name, value, _, _ in self.rows if name == "attempt-done"}
        return sorted(int(number) for number in numbers if number.isdecimal())


class FlowRunReader:
    """Reads flow runs and the bytes of their artifacts while a source is open."""

    def __init__(self, settings: Settings) -> None:
        self._provider = open_provider()
        self._roots: DatastoreRoots = own_datastore_roots()
        self._abandoned_after = settings.abandoned_after

    def read(self, pathspec: str) -> FlowRunFacts:
        """Return the facts of a flow run; NotFound, SourceError, Unreachable."""
        began = time.time() * 1000
        with client_errors(pathspec, self._provider):
            run = Run(pathspec)
        flow, run_id = run.path_components
        with client_errors(pathspec, self._provider):
            listed = [task for step in run for task in step]
            hidden = run[PARAMETERS].task if PARAMETERS in run else None
        tasks = [self._task(task) for task in listed]
        parameters = None if hidden is None else self._task(hidden)
        everything = [*tasks, *([parameters] if parameters else [])]
        self._read_records(flow, everything)
        values = self._internals(flow, everything)
        shared = parameters.record.objects if parameters else {}
        graph = self._graph(parameters, values)
        try:
            facts = [_task_facts(task, shared, values) for task in tasks]
        except (DamagedError, ValueError) as error:
            raise SourceError(f"{pathspec} can't be read: {error}") from None
        exits = self._exits(flow, tasks, facts, began)
        facts = [_with_death(task, exits.get(task.path)) for task in facts]
        kinds = _kinds(graph, shared)
        steps = sort_into_steps(facts, graph.get("start_step") or "start")
        end_step = str(graph.get("end_step") or "end")
        return FlowRunFacts(
            flow=flow,
            id=run_id,
            user=run._object.get("user_name"),  # noqa: SLF001 - see the module docstring
            started_at=self._started_at(run, listed),
            state=self._state(run, facts, end_step),
            tags=frozenset(run.user_tags),
            system_tags=frozenset(run.system_tags),
            parameters={
                name: artifact
                for name, artifact in _held(parameters.record if parameters else None, {}).items()
                if name in kinds
            },
            kinds=kinds,
            start_step=str(graph.get("start_step") or "start"),
            end_step=end_step,
            steps=steps,
            step_types={name: str(node.get("type")) for name, node in _nodes(graph).items()},
            sources={
                name: source
                for name, node in _nodes(graph).items()
                if isinstance(source := node.get("source_file"), str)
            },
            code=_code_files(tasks, lambda datastore: self.store(flow, datastore)),
            datastore=next((task.datastore for task in everything if task.datastore), None),
            graph=graph,
        )

    def store(self, flow: str, datastore: Datastore) -> FlowStore:
        """Return the datastore of a flow, which was admitted."""
        return open_store(datastore, flow, self._roots.folders)

    @property
    def roots(self) -> DatastoreRoots:
        """The user's own datastores."""
        return self._roots

    def _task(self, task: Any) -> _Task:
        path = "/".join(task.path_components)
        try:
            with client_errors(path, self._provider):
                rows = [(row.name, row.value, row.created_at, row.type) for row in task.metadata]
        except NotFound:
            with client_errors(path, self._provider):
                rows = _own_rows(task)
        texts = [
            (name, value if isinstance(value, str) else json.dumps(value), when, kind)
            for name, value, when, kind in rows
        ]
        known = {name: value for name, value, _, _ in sorted(texts, key=lambda row: row[2])}
        kind, root = known.get("ds-type"), known.get("ds-root")
        if kind is None or root is None:
            kind, root = self._datastore_of_artifacts(task, path)
        recorded = None if kind is None or root is None else Datastore(kind, root)
        return _Task(task, texts, None if recorded is None else self._roots.admit(recorded, path))

    def _datastore_of_artifacts(self, task: Any, path: str) -> tuple[str | None, str | None]:
        with client_errors(path, self._provider):
            if step_of(path) == PARAMETERS:
                first = next(iter(task), None)
            else:
                first = _item(task, "_task_ok")
        if first is None:
            return None, None
        attributes = first._object  # noqa: SLF001 - see the module docstring
        return attributes.get("ds_type"), str(attributes.get("location")).removeprefix(":root:")

    def _read_records(self, flow: str, tasks: Iterable[_Task]) -> None:
        by_datastore: dict[Datastore, list[tuple[AttemptKey, _Task]]] = defaultdict(list)
        for task in tasks:
            _, run, step, number = task.parts
            hidden = step == PARAMETERS
            for attempt in task.stored() or ([0] if hidden else []):
                key = AttemptKey(run, step, number, attempt)
                if task.datastore is not None:
                    by_datastore[task.datastore].append((key, task))
        for datastore, keys in by_datastore.items():
            records = self.store(flow, datastore).read_attempt_records([key for key, _ in keys])
            for key, task in keys:  # ascending, so the last attempt's record stays
                if key in records:
                    task.earlier[key.attempt] = records[key]
                    task.record = records[key]

    def _exits(
        self, flow: str, tasks: Sequence[_Task], facts: Sequence[TaskFacts], began: float
    ) -> dict[str, ProcessExit]:
        """Return how the last attempts ended of tasks that recorded no outcome.

        Only what was recorded before the reading began counts: a task that ended since may have
        recorded its outcome.
        """
        by_datastore: dict[Datastore, dict[AttemptKey, str]] = defaultdict(dict)
        for task, fact in zip(tasks, facts, strict=True):
            if fact.outcome == "unfinished" and fact.attempts and task.datastore:
                _, run, step, number = task.parts
                key = AttemptKey(run, step, number, fact.attempts[-1].number)
                by_datastore[task.datastore][key] = task.path
        return {
            paths[key]: process_exit
            for datastore, paths in by_datastore.items()
            for key, process_exit in self.store(flow, datastore).read_exits([*paths]).items()
            if process_exit.at is not None and process_exit.at < began
        }

    def _internals(self, flow: str, tasks: Iterable[_Task]) -> dict[str, Any]:
        """Return the values of Metaflow's internal artifacts by sha1."""
        by_datastore: dict[Datastore, set[str]] = defaultdict(set)
        for task in tasks:
            if task.datastore is None:
                continue
            for record in task.earlier.values():
                for name in ("_graph_info", *_OUTCOME, *_POSITION, *_SAVED):
                    if name in record.objects and (name != "_graph_info" or _is_hidden(task)):
                        by_datastore[task.datastore].add(record.objects[name])
        values: dict[str, Any] = {}
        for datastore, shas in by_datastore.items():
            blobs = self.store(flow, datastore).read(sorted(shas), max_bytes=_MAX_INTERNALS)
            for sha, data in blobs:
                if not isinstance(data, ItemLost):
                    values[sha] = internal_artifacts.decode(data)
        return values

    @staticmethod
    def _graph(parameters: _Task | None, values: Mapping[str, Any]) -> dict[str, Any]:
        sha = parameters.record.objects.get("_graph_info", "") if parameters else ""
        graph = values.get(sha)
        return graph if isinstance(graph, dict) else {}

    def _started_at(self, run: Any, tasks: Sequence[Any]) -> int:
        recorded = int(run._object["ts_epoch"])  # noqa: SLF001 - see the module docstring
        if not self._provider.startswith("local@"):
            return recorded
        run_id = run.path_components[1]
        if run_id.isdecimal() and len(run_id) == len(str(time.time_ns() // 1000)):
            return int(run_id) // 1000  # a local flow run is named after its start in microseconds
        queued = (int(task._object["ts_epoch"]) for task in tasks)  # noqa: SLF001 - the same
        return min((recorded, *queued))

    def _state(self, run: Any, tasks: Sequence[TaskFacts], end_step: str) -> str:
        """Return `finished`, `failed`, `abandoned` or `running`.

        Without a successful last task, the source decides which flow runs are over: what a sync
        skips has nothing to compare.
        """
        if any(task.step == end_step and task.outcome in {"ok", "caught"} for task in tasks):
            return FlowRunState.FINISHED.value
        read = read_flow_run(
            run, self._provider, self._roots, abandoned_after=self._abandoned_after
        )
        return read.state.value


def _item(task: Any, name: str) -> Any:
    """Return an artifact of the client's task, which is no mapping; None if there is none."""
    try:
        return task[name]
    except KeyError:
        return None


def _own_rows(task: Any) -> list[tuple[str, Any, int, str]]:
    """Return the metadata that a task registered itself."""
    metadata = task._metaflow.metadata  # noqa: SLF001 - see the module docstring
    path = task.path_components
    rows = metadata.get_object("task", "metadata", None, None, *path) or []
    rows = [(row["field_name"], row["value"], row["ts_epoch"], row["type"]) for row in rows]
    known = {name: value for name, value, _, _ in rows}
    origin, origin_task = known.get("origin-run-id"), known.get("origin-task-id")
    if isinstance(origin, str) and isinstance(origin_task, str):
        try:  # the origin may be a clone itself, whose own origin was deleted
            more = metadata.get_object(
                "task", "metadata", None, None, path[0], origin, path[2], origin_task
            )
        except MetaflowNotFound:
            more = []
        rows += [
            (row["field_name"], row["value"], row["ts_epoch"], row["type"])
            for row in more or []
            if row["field_name"] not in known
        ]
    return rows


def _is_hidden(task: _Task) -> bool:
    return task.parts[2] == PARAMETERS


def _nodes(graph: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    steps = graph.get("steps")
    nodes = steps.items() if isinstance(steps, dict) else ()
    return {str(name): node for name, node in nodes if isinstance(node, dict)}


def _with_death(task: TaskFacts, process_exit: ProcessExit | None) -> TaskFacts:
    """Return a task as failed if its process ended and it recorded no outcome."""
    if process_exit is None or task.outcome != "unfinished":
        return task
    last = replace(task.attempts[-1], ok=False, ended_at=process_exit.at)
    return replace(task, outcome="failed", attempts=(*task.attempts[:-1], last))


def _kinds(graph: Mapping[str, Any], shared: Mapping[str, str]) -> dict[str, str]:
    if not graph:  # written before Metaflow recorded its graph
        return {name: "Parameter" for name in shared if name[0] != "_" and name != "name"}
    kinds: dict[str, str] = {}
    for field, kind in (("parameters", None), ("constants", "constant")):
        for entry in graph.get(field) or []:
            if isinstance(entry, dict) and isinstance(entry.get("name"), str):
                kinds[entry["name"]] = kind or str(entry.get("type"))
    return kinds


def _type_name(recorded: str | None) -> str:
    return (recorded or "").removeprefix("<class '").removesuffix("'>")


def _held(record: AttemptRecord | None, shared: Mapping[str, str]) -> dict[str, HeldArtifact]:
    """Return the artifacts of a record, without internal ones and those of the parameters."""
    if record is None:
        return {}
    return {
        name: HeldArtifact(
            name,
            sha,
            record.artifact(name).size or 0,
            _type_name(record.artifact(name).type),
            record.artifact(name).encoding,
        )
        for name, sha in sorted(record.objects.items())
        if name not in internal_artifacts.INTERNAL_NAMES and shared.get(name) != sha
    }


def _task_facts(task: _Task, shared: Mapping[str, str], values: Mapping[str, Any]) -> TaskFacts:
    def internal(name: str, record: AttemptRecord | None = None) -> Any:
        return values.get((record or task.record).objects.get(name, ""))

    attempts = read_attempts(task.rows)
    outcome = _outcome(attempts, internal("_success"))
    transition = internal_artifacts.to_transition(internal("_transition"))
    stack = internal("_foreach_stack")
    if stack is None:
        path = task.metadata.get("foreach-execution-path")
        frames = internal_artifacts.to_path(path)
        is_control = internal_artifacts.is_control_path(path)
    else:
        frames = internal_artifacts.to_frames(stack)
        is_control = internal_artifacts.is_control_stack(stack)
    origin = _origin(task)
    last = attempts[-1].number if attempts else 0
    return TaskFacts(
        path=task.path,
        outcome=outcome,
        attempts=attempts,
        held=_held(task.record, shared),
        next_steps=transition.steps if transition else (),
        foreach=transition.foreach if transition else None,
        indexes=tuple(frame.index for frame in frames),
        items_of=frames[-1].var if frames else None,
        rounds=internal_artifacts.to_rounds(internal("_iteration_stack")),
        is_control=is_control,
        origin=origin,
        metadata=task.metadata,
        exception=_exception(outcome, internal),
        earlier={
            number: failure.message
            for number, record in task.earlier.items()
            if number != last
            and (failure := internal_artifacts.to_failure(internal("_exception", record)))
        },
        cards=_cards(task, attempts, is_clone=origin is not None),
        datastore=task.datastore,
        saved=find_saved(
            map(internal, _SAVED), {task.path, *([origin] if origin else [])}, task.parts[0]
        ),
    )


def read_attempts(rows: Sequence[tuple[str, str, int, str]]) -> tuple[AttemptFacts, ...]:
    """Return the attempts; an outcome belongs to the attempt that began last before it."""
    ranks = {"attempt": 0, "attempt_ok": 1, "attempt-done": 2}
    started: dict[int, int] = {}
    ended: dict[int, int] = {}
    outcomes: dict[int, bool] = {}
    current = None
    for name, value, when, _ in sorted(rows, key=lambda row: (row[2], ranks.get(row[0], 3))):
        if name == "attempt":
            current = int(value)
            started[current] = when
        elif name == "attempt_ok" and current is not None:
            outcomes[current] = value == "True"
            ended[current] = when
        elif name == "attempt-done":
            ended[int(value)] = when
    return tuple(
        AttemptFacts(number, outcomes.get(number), started.get(number), ended.get(number))
        for number in sorted({*started, *ended})
    )


def _outcome(attempts: Sequence[AttemptFacts], success: Any) -> TaskOutcome:
    if not attempts or attempts[-1].ok is None:
        return "unfinished"
    if not attempts[-1].ok:
        return "failed"
    return "caught" if success is False else "ok"


def _exception(outcome: TaskOutcome, internal: Any) -> tuple[str, str, str | None] | None:
    name = {"failed": "_exception", "caught": "_catch_exception"}.get(outcome)
    failure = None if name is None else internal_artifacts.to_failure(internal(name))
    return None if failure is None else (failure.type, failure.message, failure.stacktrace)


def _origin(task: _Task) -> str | None:
    run, number = task.metadata.get("origin-run-id"), task.metadata.get("origin-task-id")
    if run is None or number is None:
        return None
    return f"{task.parts[0]}/{run}/{task.parts[2]}/{number}"


def _cards(
    task: _Task, attempts: Sequence[AttemptFacts], *, is_clone: bool
) -> tuple[CardFacts, ...] | None:
    """Return the cards of the last attempt; None if an attempt before it may have made them."""
    if is_clone:
        since = 0
    elif len(attempts) > 1:
        since = attempts[-1].started_at or 0
    else:
        since = 0
    cards: dict[CardFacts, None] = {}
    for _, value, when, kind in task.rows:
        if kind != "card-info" or when < since:
            continue
        try:
            card = json.loads(value)
            cards[CardFacts(str(card["type"]), card.get("id"), str(card["card_uuid"]))] = None
        except (ValueError, KeyError, TypeError, AttributeError):
            return None
    if len({(card.type, card.id) for card in cards}) < len(cards) and len(attempts) > 1:
        return None  # a card of an earlier attempt can be recorded late
    return tuple(cards)


def sort_into_steps(tasks: Sequence[TaskFacts], start: str) -> dict[str, tuple[TaskFacts, ...]]:
    """Return the tasks by step, each step behind those that lead to it."""
    by_step: dict[str, list[TaskFacts]] = defaultdict(list)
    following: dict[str, set[str]] = defaultdict(set)
    for task in tasks:
        by_step[task.step].append(task)
        following[task.step].update(task.next_steps)
    order: list[str] = []
    seen: set[str] = set()
    for first in (start, *sorted(by_step)):
        _walk(first, following, by_step.keys(), seen, order)
    return {
        step: tuple(
            sorted(
                by_step[step],
                key=lambda task: (
                    task.is_control,
                    task.indexes,
                    task.rounds,
                    len(task.id),
                    task.id,
                ),
            )
        )
        for step in reversed(order)
    }


def _walk(
    first: str,
    following: Mapping[str, set[str]],
    known: Iterable[str],
    seen: set[str],
    order: list[str],
) -> None:
    """Append steps in post-order, without recursion: a damaged graph can be deep."""
    names = set(known)
    stack = [(first, False)]
    while stack:
        step, is_done = stack.pop()
        if is_done:
            order.append(step)
        elif step in names and step not in seen:
            seen.add(step)
            stack.append((step, True))
            stack += [(name, False) for name in sorted(following.get(step, ()))]


_MAX_PACKAGE = 200_000_000  # bytes


def _code_files(
    tasks: Sequence[_Task], open_datastore: Callable[[Datastore], FlowStore]
) -> dict[str, str] | None:
    """Return the user's files in Metaflow's code package by path; None if there is no package.

    It is empty if there is one that can't be read: what the code does is not known then.
    """
    with_code = next((task for task in tasks if "code-package" in task.metadata), None)
    if with_code is None:
        return None
    try:
        package = CodePackage.model_validate_json(with_code.metadata["code-package"])
        if with_code.datastore is None:
            return {}
        blobs = open_datastore(with_code.datastore).read([package.sha], max_bytes=_MAX_PACKAGE)
        [(_, data)] = blobs
        return {} if isinstance(data, ItemLost) else dict(read_source(data).files)
    except (ValueError, PackageError, SourceError):
        return {}
