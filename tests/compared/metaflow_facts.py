"""One flow run, as Metaflow's client tells it."""

from __future__ import annotations

import ast
import gzip
import runpy
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from tests.compared.secrets import mask, mask_beginning
from tests.support.truth.expected import Truth, follow
from tests.support.truth.records import Record, read_records

__all__ = ["FlowRunFacts", "Held", "LogLine", "TaskFacts", "read_flow_run"]


@dataclass(frozen=True)
class Held:
    """An artifact of a task: its value without secrets, and the bytes that Metaflow stored."""

    value: Any
    stored: bytes
    name: str = ""
    is_masked: bool = False


@dataclass(frozen=True)
class LogLine:
    """A line that a task printed."""

    time: datetime
    stream: str
    text: str


@dataclass(frozen=True)
class TaskFacts:
    """A task.

    Attributes:
        pathspec: Flow/123/train/4.
        place: its index in each foreach around it, and the round of a recursion; it may be empty.
        in_foreach: whether it is one of a foreach.
        iterates: the artifact that its `self.next` iterated over; None: it began no foreach.
        failed: whether it failed, and nothing caught that.
        held: the artifacts that its code assigned or changed in place, by name.
        passed: all other artifacts that it has at its end.
        handed_on: those of them that are just what an input had under that name.
        log: what it printed.
        cards: the HTML of its cards.
        attempts: how often it was tried.
        is_clone: whether a resumed flow run took it over from its origin.
        frames: of each foreach around it the first step, the index, and the beginning of the
            item's text as far as Metaflow recorded it.
    """

    pathspec: str
    place: tuple[int, ...]
    in_foreach: bool
    iterates: str | None
    failed: bool
    held: dict[str, Held]
    passed: dict[str, Held]
    handed_on: frozenset[str]
    log: list[LogLine]
    cards: list[str]
    attempts: int
    is_clone: bool
    frames: tuple[tuple[str, int, str | None], ...] = ()

    @property
    def step(self) -> str:
        """The step's name."""
        return self.pathspec.split("/")[2]

    @property
    def label(self) -> str:
        """Its place in words."""
        return "/".join(map(str, self.place)) or "0"


@dataclass(frozen=True)
class FlowRunFacts:
    """A flow run.

    Attributes:
        pathspec: Flow/123.
        parameters: values of parameters and configs, by name.
        constants: class variables, by name.
        included: the content of included files, by name.
        tags: user tags.
        user: who ran it.
        steps: tasks by step.
        final: artifacts that are `Run(pathspec).data.NAME`.
        records: what its tasks recorded of themselves.
        truth: what that adds up to.
        system_tags: how many tags Metaflow gave it.
        start: the name of its first step.
        docs: the docstring of each step that has one.
        masked_parameters: how many parameters and constants have a secret.
        code: the files of the user in its code package, by path; None if it has none.
        artifacts_held: how many artifacts all of its tasks have, each counted at each task, and
            included files; without parameters, which each task has, too.
    """

    pathspec: str
    parameters: dict[str, Any]
    constants: dict[str, Any]
    included: dict[str, bytes]
    tags: frozenset[str]
    user: str
    steps: dict[str, list[TaskFacts]]
    final: dict[str, Held]
    records: dict[str, Record]
    truth: Truth
    system_tags: int
    artifacts_held: int
    start: str
    docs: dict[str, str]
    masked_parameters: int
    code: dict[str, bytes] | None

    def ancestors(self, pathspec: str) -> set[str]:
        """Return all tasks that came before one."""
        result: set[str] = set()
        ahead = [pathspec]
        while ahead:
            parents = self.truth.parents.get(ahead.pop(), frozenset()) - result
            result |= parents
            ahead += parents
        return result


def read_flow_run(pathspec: str, records_folder: Path) -> FlowRunFacts:
    """Return what Metaflow's client and the tasks' own records say of a flow run."""
    from metaflow import Run, namespace  # noqa: PLC0415 - it reads variables when it is imported

    namespace(None)
    run = Run(pathspec)
    records = read_records(records_folder, pathspec)
    given = run["_parameters"].task
    graph = given["_graph_info"].data
    kinds = {item["name"]: item["type"] for item in graph["parameters"]}
    files = {name for name, kind in kinds.items() if kind == "IncludeFile"}
    scripts = {step["source_file"] for step in graph["steps"].values()}
    _make_known(scripts)
    stores = _stores(scripts)
    constants = {item["name"] for item in graph["constants"]}
    own = {*kinds, *constants, "name"}
    steps = {
        step.id: sorted(
            (
                _task(
                    task,
                    records.get(task.pathspec),
                    own,
                    stores.get(step.id, set()),
                    _catches(graph, step.id),
                )
                for task in step
            ),
            key=lambda item: (item.place, item.pathspec),
        )
        for step in run
    }
    end = run.end_task
    return FlowRunFacts(
        pathspec=pathspec,
        parameters={name: mask(given[name].data) for name in kinds if name not in files},
        constants={name: mask(given[name].data) for name in constants},
        included={name: _content(given[name].data) for name in files},
        tags=frozenset(run.user_tags),
        user=next(tag.removeprefix("user:") for tag in run.system_tags if tag.startswith("user:")),
        steps=steps,
        final={}
        if end is None
        else {item.id: _held(item.id, item) for item in end if item.id not in own},
        records=records,
        truth=follow(records),
        system_tags=len(run.system_tags),
        artifacts_held=len(files) + _count_held(run, given, records.values()),
        start=graph.get("start_step") or "start",
        docs={name: step["doc"] for name, step in graph["steps"].items() if step.get("doc")},
        masked_parameters=sum(
            mask(value) is not value
            for name in {*kinds, *constants} - files
            for value in [given[name].data]
        ),
        code=_code(run),
    )


def _code(run: Any) -> dict[str, bytes] | None:
    """Return what Metaflow's client extracts of the code package: the files of the user."""
    tasks = (task for step in run for task in step if "origin-task-id" not in task.metadata_dict)
    code = next((task.code for task in tasks if "code-package" in task.metadata_dict), None)
    if code is None:
        return None
    with code.extract() as folder:
        paths = [path for path in Path(folder).rglob("*") if path.is_file()]
        files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
    own = (".mf_install", ".mf_meta/")  # what Metaflow notes of the package
    return {name: data for name, data in files.items() if not name.startswith(own)}


_OF_METAFLOW = {"name"}


def _count_held(run: Any, given: Any, records: Iterable[Record]) -> int:
    """Return how many artifacts tasks have, without Metaflow's own and without parameters."""
    parameters = {item.id: item.sha for item in given}
    named = {name for record in records for name in record.assigned | record.mutated}
    private = sorted(name for name in named if name.startswith("_"))  # the client lists none
    return sum(
        item.id not in _OF_METAFLOW and parameters.get(item.id) != item.sha
        for step in run
        for task in step
        for item in (*task, *(task[name] for name in private if name in task))
    )


def _make_known(scripts: Iterable[str]) -> None:
    """Let pickles find the classes of a flow's scripts where they were when it ran."""
    for script in scripts:
        sys.path.insert(0, str(Path(script).parent))
        for name, value in runpy.run_path(script, run_name="flow").items():
            if isinstance(value, type):
                setattr(sys.modules["__main__"], name, value)
                if value.__module__ == "flow":
                    value.__module__ = "__main__"  # so that they can be pickled, too
        sys.path.pop(0)


def _content(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def _stores(scripts: Iterable[str]) -> dict[str, set[str]]:
    """Return the names that the functions of scripts may assign to `self`, by function."""
    result: dict[str, set[str]] = {}
    for script in scripts:
        for node in ast.walk(ast.parse(Path(script).read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                result.setdefault(node.name, set()).update(
                    item.attr
                    for item in ast.walk(node)
                    if isinstance(item, ast.Attribute)
                    and isinstance(item.ctx, ast.Store)
                    and isinstance(item.value, ast.Name)
                    and item.value.id == "self"
                )
    return result


def _catches(graph: Any, step: str) -> set[str]:
    """Return the names under which decorators of a step keep what they caught."""
    decorators = graph["steps"].get(step, {}).get("decorators", ())  # a resumed one has others
    return {item["attributes"].get("var") for item in decorators if item["name"] == "catch"}


def _task(
    task: Any, record: Record | None, own: set[str], stores: set[str], catches: set[str]
) -> TaskFacts:
    stack = _data(task, "_foreach_stack") or []
    rounds = _data(task, "_iteration_stack") or []
    failed = not _data(task, "_task_ok")
    surely = set() if record is None else (record.assigned | record.mutated) - own
    caught = {
        item.id
        for item in task
        if item.id in catches and type(item.data).__name__ == "MetaflowExceptionWrapper"
    }
    # Which way its code went is not known to who reads the source, so what it may assign counts.
    perhaps = set() if failed or caught else stores - own - surely
    names = surely | caught | perhaps
    return TaskFacts(
        pathspec=task.pathspec,
        place=(*(frame.index for frame in stack), *rounds),
        in_foreach=bool(stack),
        iterates=(_data(task, "_transition") or (None, None))[1],
        failed=failed,
        held={name: _held(name, task[name]) for name in sorted(names) if name in task},
        passed={
            item.id: _held(item.id, item)
            for item in task
            if not item.id.startswith("_") and item.id not in names | own
        },
        handed_on=frozenset(perhaps if record is None else perhaps | record.handed_on.keys()),
        log=sorted(_log(task), key=lambda line: line.time),
        cards=list(_cards(task)),
        attempts=len({item.value for item in task.metadata if item.type == "attempt"}),
        is_clone="origin-task-id" in task.metadata_dict,
        frames=tuple(
            (frame.step, frame.index, _text_of(frame)) for frame in stack if frame.index is not None
        ),
    )


def _data(task: Any, name: str) -> Any:
    return task[name].data if name in task else None


def _held(name: str, artifact: Any) -> Held:
    root = Path(artifact._object["location"].removeprefix(":root:"))
    blob = root / artifact.path_components[0] / "data" / artifact.sha[:2] / artifact.sha
    value = mask(artifact.data)
    is_masked = "***" in repr(value) and "***" not in repr(artifact.data)
    return Held(value, gzip.decompress(blob.read_bytes()), name, is_masked)


def _text_of(frame: Any) -> str | None:
    text = getattr(frame, "value", None)
    return mask_beginning(text) if isinstance(text, str) else text


def _log(task: Any) -> Iterator[LogLine]:
    if "origin-task-id" in task.metadata_dict:
        return  # what its origin printed is the origin's
    for stream in ("stdout", "stderr"):
        for time, text in task.loglines(stream):
            yield LogLine(time.replace(tzinfo=timezone.utc), stream, mask(text))


def _cards(task: Any) -> Iterator[str]:
    from metaflow.cards import get_cards  # noqa: PLC0415 - as above
    from metaflow.plugins.cards.exception import CardNotPresentException  # noqa: PLC0415

    if "origin-task-id" in task.metadata_dict:
        return
    with suppress(CardNotPresentException):
        for card in get_cards(task):
            yield card.get()
