"""Records, inside each task that Metaflow runs, where it came from and what its code touched.

Metaflow's classes are patched from outside as soon as they are imported: the flows stay plain
flows, no artifact is added, and no pickle changes. Metaflow reads and writes attributes of the
flow itself, when it merges, persists or caches; the frame that touches one tells whose code it is.
"""

from __future__ import annotations

import importlib.machinery
import inspect
import json
import os
import sys
from collections.abc import Callable, Sequence
from functools import cache, wraps
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

__all__ = ["install"]

_NOT_THE_USERS = {
    "name",
    "_cached_input",
    "_catch_exception",
    "_control_mapper_tasks",
    "_control_task_is_mapper_zero",
    "_current_step",
    "_datastore",
    "_foreach_num_splits",
    "_foreach_stack",
    "_foreach_values",
    "_foreach_var",
    "_graph",
    "_graph_info",
    "_iteration_stack",
    "_parallel_ubf_iter",
    "_steps",
    "_transition",
    "_unbounded_foreach",
}


class _Recorder:
    """What one attempt at one task does."""

    def __init__(self, flow: Any, task: str, attempt: int, input_paths: Sequence[str]) -> None:
        self.flow = flow
        self.prefix = flow.name
        self.running = False  # the step's own code
        self.inputs: list[Any] = []  # datastores
        self._assigned: set[str] = set()
        self._loaded: dict[tuple[int, str], Any] = {}  # content by object and name
        self._offered: dict[str, list[tuple[str, Any]]] = {}  # by name: an input and its clone
        self.facts: dict[str, Any] = {
            "pathspec": f"{self.prefix}/{task}",
            "attempt": attempt,
            "step": task.split("/")[1],
            "parents": [
                self._pathspec(path) for path in input_paths if "/_parameters/" not in path
            ],
            "reads": [],
            "own_reads": [],
            "input_reads": [],
            "reads_input": False,
            "foreach_reads": [],
            "writes": [],
            "deletes": [],
            "assigned": [],
            "mutated": [],
            "handed_on": {},
            "merged": {},
            "is_join": False,
            "given": [],
            "persisted": False,
        }
        folder = Path(os.environ["MFWB_TRUTH_DIR"])
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / f"{self.facts['pathspec'].replace('/', '.')}.{attempt}.json"
        self._save()

    def begin(self, inputs: Sequence[Any]) -> None:
        """Note what kind of step it is and what is given to all: now Metaflow has set it up."""
        given = self.flow._graph_info
        self.inputs = list(inputs)
        self.facts["is_join"] = self.flow._graph[self.facts["step"]].type == "join"
        self.facts["given"] = [item["name"] for item in given["parameters"] + given["constants"]]
        self._save()
        self.running = True

    def _pathspec(self, path: str) -> str:
        return "/".join([self.prefix, *path.split("/")[:3]])

    def _save(self) -> None:
        """Write what is known so far: the task may be killed."""
        whole = self._file.with_suffix(".part")
        whole.write_text(json.dumps(self.facts, indent=1), encoding="utf-8")
        whole.replace(self._file)

    def _note(self, kind: str, what: Any) -> None:
        if what not in self.facts[kind]:
            self.facts[kind].append(what)
            self._save()

    def is_artifact(self, flow: Any, name: str) -> bool:
        """Whether a name of a flow object is an artifact rather than a method or Metaflow's."""
        if name.startswith("__") or name in _NOT_THE_USERS:
            return False
        held = object.__getattribute__(flow, "__dict__")
        return name in held or name in (held.get("_datastore") or ())

    def read(self, flow: Any, name: str) -> None:
        """Note that the flow's code reads an attribute of the flow or of an input."""
        if flow is self.flow and name in {"input", "foreach_stack"}:
            self.facts["reads_input"] = True
            self._save()
        if not self.is_artifact(flow, name):
            return
        if flow is self.flow:
            self._note("own_reads" if name in self._assigned else "reads", name)
            return
        store = object.__getattribute__(flow, "__dict__").get("_datastore")
        if store is not None:
            producer = self._pathspec(store.pathspec)
            self._offered.setdefault(name, []).append((producer, flow))
            self._note("input_reads", [store.step_name, producer, name])

    def touched(self, flow: Any, name: str, by: FrameType) -> None:
        """Note a read, if it is the flow's code that reads, or `self.input`."""
        if not _is_metaflows(by):
            self.read(flow, name)
            return
        by_input = by.f_code.co_name == "_find_input" and flow is self.flow
        if by_input and self.is_artifact(flow, name):
            self._note("own_reads" if name in self._assigned else "foreach_reads", name)

    def assigned(self, name: str, by: FrameType) -> None:
        """Note that an attribute was assigned, by the flow's code or by a decorator.

        Metaflow assigns what it has loaded, to keep it, and its own state. @catch sets a variable.
        """
        if name.startswith("__") or name in _NOT_THE_USERS:
            return
        if _is_metaflows(by) and (name.startswith("_") or by.f_code.co_name == "__getattr__"):
            return
        self._assigned.add(name)
        self._note("writes", name)

    def deleted(self, name: str) -> None:
        """Note that an attribute was deleted; an inherited artifact is back again then."""
        self._assigned.discard(name)
        self._loaded.pop((id(self.flow), name), None)
        self._note("deletes", name)

    def loaded(self, flow: Any, name: str, value: Any) -> None:
        """Keep what an artifact was like when Metaflow unpickled it."""
        self._loaded[id(flow), name] = content_of(value)

    def merged(self, name: str, origin: Any) -> None:
        """Note that a join took an artifact over unread, and all inputs that had the same bytes."""
        sha = origin._objects.get(name)
        same = [item for item in self.inputs if item._objects.get(name) == sha]
        first = self._pathspec(origin.pathspec)
        others = [self._pathspec(item.pathspec) for item in same]
        self.facts["merged"][name] = list(dict.fromkeys([first, *others]))
        self._save()

    def finish(self) -> None:
        """Compare what was loaded with what is about to be stored."""
        held = object.__getattribute__(self.flow, "__dict__")
        for (owner, name), before in self._loaded.items():
            changed = owner == id(self.flow) and name in held and name not in self._assigned
            if changed and content_of(held[name]) != before:
                self._note("mutated", name)
        for name in self._assigned.intersection(held):
            content = content_of(held[name])
            givers = [item for item in self.inputs if name in item._objects]
            same = [giver for giver in givers if content_of(giver[name]) == content]
            if same:
                self.facts["handed_on"][name] = [self._pathspec(item.pathspec) for item in same]
        self.facts["assigned"] = sorted(self._assigned)
        self.facts["persisted"] = True
        self._save()


_recorder: _Recorder | None = None


def content_of(value: Any, above: tuple[int, ...] = ()) -> Any:
    """Return something equal for equal content, however often and in what order it is pickled."""
    if value is None or isinstance(value, str | bytes | int | float | complex):
        return type(value).__name__, repr(value)
    if id(value) in above:
        return "above", above.index(id(value))
    inside = (*above, id(value))
    if isinstance(value, list | tuple):
        return type(value).__name__, [content_of(item, inside) for item in value]
    if isinstance(value, dict):
        items = [(content_of(key, inside), content_of(item, inside)) for key, item in value.items()]
        return type(value).__name__, items
    if isinstance(value, set | frozenset):
        return type(value).__name__, sorted(repr(content_of(item, inside)) for item in value)
    state = vars(value) if hasattr(value, "__dict__") else repr(value)
    return type(value).__qualname__, content_of(state, inside)


def install() -> None:
    """Patch Metaflow's classes as soon as their modules are imported."""
    sys.meta_path.insert(0, _Patcher())


class _Patcher:
    """Finds Metaflow's modules as usual, and patches them when they have been executed."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return the spec of a module that is to be patched; others are left to others."""
        patch = _PATCHES.get(fullname)
        if patch is None:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_and_patch(module: ModuleType) -> None:
                execute(module)
                patch(module)

            spec.loader.exec_module = execute_and_patch  # type: ignore[method-assign]
        return spec


@cache
def _metaflow() -> str:
    return str(sys.modules["metaflow"].__file__).removesuffix("__init__.py")


def _is_metaflows(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(_metaflow())


def _patch_flowspec(module: ModuleType) -> None:
    flow_class = module.FlowSpec
    load = flow_class.__getattr__

    def getattribute(flow: Any, name: str) -> Any:
        if _recorder is not None and _recorder.running:
            _recorder.touched(flow, name, sys._getframe(1))
        return object.__getattribute__(flow, name)

    def getattr_(flow: Any, name: str) -> Any:
        value = load(flow, name)
        if _recorder is not None:
            _recorder.loaded(flow, name, value)
        return value

    def setattr_(flow: Any, name: str, value: Any) -> None:
        object.__setattr__(flow, name, value)
        if _recorder is not None and flow is _recorder.flow:
            _recorder.assigned(name, sys._getframe(1))

    def delattr_(flow: Any, name: str) -> None:
        object.__delattr__(flow, name)
        if _recorder is not None and flow is _recorder.flow:
            _recorder.deleted(name)

    flow_class.__getattribute__ = getattribute
    flow_class.__getattr__ = getattr_
    flow_class.__setattr__ = setattr_
    flow_class.__delattr__ = delattr_
    _patch_next(flow_class)


def _patch_next(flow_class: Any) -> None:
    """What `foreach=` and `condition=` name counts as read by the step."""
    proceed = flow_class.next

    @wraps(proceed)
    def next_(flow: Any, *steps: Any, **how: Any) -> None:
        if _recorder is not None and _recorder.running and flow is _recorder.flow:
            for name in (how.get("foreach"), how.get("condition")):
                if name is not None:
                    _recorder.read(flow, name)
        proceed(flow, *steps, **how)

    flow_class.next = next_


def _patch_task(module: ModuleType) -> None:
    task_class = module.MetaflowTask
    run_step = task_class.run_step
    execute = task_class._exec_step_function
    arguments = inspect.signature(run_step)

    @wraps(run_step)
    def run_step_(self: Any, *given: Any, **named: Any) -> Any:
        global _recorder  # noqa: PLW0603 - a process runs one task
        bound = arguments.bind(self, *given, **named).arguments
        task = "/".join(str(bound[name]) for name in ("run_id", "step_name", "task_id"))
        _recorder = _Recorder(self.flow, task, bound["retry_count"], bound["input_paths"] or ())
        return run_step(self, *given, **named)

    @wraps(execute)
    def execute_(self: Any, *given: Any, **named: Any) -> Any:
        from metaflow.system_context import system_context  # noqa: PLC0415 - once it is set

        if _recorder is None:
            return execute(self, *given, **named)
        _recorder.begin(system_context.inputs or ())
        try:
            return execute(self, *given, **named)
        finally:
            _recorder.running = False

    task_class.run_step = run_step_
    task_class._exec_step_function = execute_


def _patch_datastore(module: ModuleType) -> None:
    store_class = module.TaskDataStore
    persist = store_class.persist
    pass_down = store_class.passdown_partial

    @wraps(persist)
    def persist_(self: Any, flow: Any) -> Any:
        global _recorder
        if _recorder is None or flow is not _recorder.flow:
            return persist(self, flow)
        recorder, _recorder = _recorder, None
        recorder.finish()
        return persist(self, flow)

    @wraps(pass_down)
    def pass_down_(self: Any, origin: Any, variables: Sequence[str]) -> Any:
        if _recorder is not None and _recorder.running:
            for name in variables:
                if name not in _NOT_THE_USERS:
                    _recorder.merged(name, origin)
        return pass_down(self, origin, variables)

    store_class.persist = persist_
    store_class.passdown_partial = pass_down_


def _patch_clones(module: ModuleType) -> None:
    clone = module.clone_task_helper
    arguments = inspect.signature(clone)

    @wraps(clone)
    def clone_(*given: Any, **named: Any) -> Any:
        bound = arguments.bind(*given, **named).arguments
        flow, step = bound["flow_name"], bound["step_name"]
        copy = f"{flow}/{bound['run_id']}/{step}/{bound['task_id']}"
        origin = f"{flow}/{bound['clone_run_id']}/{step}/{bound['clone_task_id']}"
        folder = Path(os.environ["MFWB_TRUTH_DIR"])
        folder.mkdir(parents=True, exist_ok=True)
        facts = json.dumps({"pathspec": copy, "clone_of": origin})
        (folder / f"{copy.replace('/', '.')}.clone.json").write_text(facts, encoding="utf-8")
        return clone(*given, **named)

    module.clone_task_helper = clone_  # type: ignore[attr-defined]


_PATCHES: dict[str, Callable[[ModuleType], None]] = {
    "metaflow.clone_util": _patch_clones,
    "metaflow.datastore.task_datastore": _patch_datastore,
    "metaflow.flowspec": _patch_flowspec,
    "metaflow.task": _patch_task,
}
