"""One function under analysis: the state at the current point, and the effects so far.

Each module that handles one kind of statement or expression registers a function here for its
syntax.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from mfwb.lineage.static_analysis.domain.bounds import limit_size
from mfwb.lineage.static_analysis.domain.effects import Effects, Summary
from mfwb.lineage.static_analysis.domain.state import Exits, State, merge_states, unreachable
from mfwb.lineage.static_analysis.domain.text_values import find_looked_up_runs, make_external_read
from mfwb.lineage.static_analysis.domain.values import (
    ANYTHING,
    Atom,
    ClassInfo,
    Client,
    ExternalName,
    FlowSelf,
    Func,
    InputAtom,
    Value,
)
from mfwb.lineage.static_analysis.errors import TooIntricateError
from mfwb.lineage.static_analysis.program.classes import FlowClass
from mfwb.lineage.static_analysis.program.modules import Module
from mfwb.lineage.static_analysis.result import InputRead, StoredRunId

__all__ = ["Frame", "Study", "evaluates", "runs"]

_STEP_WORK_LIMIT = 50_000  # pieces of work, of some 10 us each; ordinary steps take some hundreds
_WORK_LIMIT = 500_000  # for all steps together
_NAMES_PER_WORK = 64  # names that one piece of work copies or merges

_EVALUATORS: dict[type[ast.AST], Callable[[Frame, Any], Value]] = {}
_RUNNERS: dict[type[ast.AST], Callable[[Frame, Any], None]] = {}
_Evaluator = Callable[["Frame", Any], Value]
_Runner = Callable[["Frame", Any], None]
_Result = TypeVar("_Result")


def evaluates(*kinds: type[ast.AST]) -> Callable[[_Evaluator], _Evaluator]:
    """Return a decorator that registers a function to evaluate these kinds of expressions."""

    def register(function: _Evaluator) -> _Evaluator:
        _EVALUATORS.update(dict.fromkeys(kinds, function))
        return function

    return register


def runs(*kinds: type[ast.AST]) -> Callable[[_Runner], _Runner]:
    """Return a decorator that registers a function to follow these kinds of statements."""

    def register(function: _Runner) -> _Runner:
        _RUNNERS.update(dict.fromkeys(kinds, function))
        return function

    return register


class Study:
    """The shared state of the analysis of one flow."""

    def __init__(self, flow: FlowClass) -> None:
        self.flow = flow
        self.project = flow.project
        self.summaries: dict[object, Summary] = {}
        self.open: list[tuple[Func, object]] = []  # the calls in progress, with their arguments
        self.recursive: set[Func] = set()
        self.reopened = 0  # how far up the call stack a recursion reached; see `calls.follow`
        self.spent = 0  # pieces of work so far
        self.lines: dict[tuple[str, str], set[int]] = {}  # of reads, by file and artifact
        self._work_limit = _STEP_WORK_LIMIT
        self._computed: dict[tuple[Callable[[ast.AST], Any], ast.AST], Any] = {}

    def begin_step(self) -> None:
        """Set the work limit for the next step, within the limit for all steps."""
        self._work_limit = min(self.spent + _STEP_WORK_LIMIT, _WORK_LIMIT)
        self.open.clear()

    def spend(self, work: int = 1) -> None:
        """Count pieces of work; TooIntricateError if there are too many."""
        self.spent += work
        if self.spent > self._work_limit:
            takes = "the flow takes" if self.spent > _WORK_LIMIT else "it takes"
            raise TooIntricateError(f"{takes} too much work")

    def compute_once(self, node: ast.AST, function: Callable[[ast.AST], _Result]) -> _Result:
        """Return the result of a function of a node; it is computed once and cached."""
        key = function, node
        if key not in self._computed:
            self._computed[key] = function(node)
        return self._computed[key]  # type: ignore[no-any-return]

    def spend_on_names(self, count: int) -> None:
        """Count the work of copying or merging this number of names."""
        self.spend(count // _NAMES_PER_WORK)


class Frame:
    """A function under analysis."""

    def __init__(self, study: Study, module: Module, owner: ClassInfo | None) -> None:
        self.study = study
        self.module = module
        self.owner = owner  # the class that defines the function
        self.receiver: Atom | None = None  # what its first argument stands for
        self.effects = Effects()
        self.state = State()
        self.exits = Exits()
        self.catchers: list[State] = []  # the state when an exception leaves each open `try`
        self.local_names: frozenset[str] = frozenset()
        self.own_containers: set[str] = set()
        self.holders: set[int] = set()  # expressions that are subscripted
        self.returned: Value = frozenset()
        self.yielded: Value | None = None

    # -- walking ---------------------------------------------------------------------------------

    def evaluate(self, node: ast.expr) -> Value:
        """Return the value of an expression, and note its effects."""
        self.study.spend()
        evaluator = _EVALUATORS.get(type(node))
        if evaluator is not None:
            return evaluator(self, node)
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.evaluate(child)
        return ANYTHING

    def evaluate_holder(self, node: ast.expr) -> Value:
        """Return the value of an expression that is subscripted."""
        self.holders.add(id(node))
        return self.evaluate(node)

    def run(self, body: Iterable[ast.stmt]) -> None:
        """Follow statements as far as they can be reached."""
        for node in body:
            if not self.state.is_reachable:
                return
            self.study.spend(1 + len(self.catchers))
            self.study.spend_on_names(self.state.size() * (1 + 2 * len(self.catchers)))
            self.may_raise()
            runner = _RUNNERS.get(type(node))
            if runner is not None:
                runner(self, node)
            self.may_raise()

    def follow_either(self, *ways: Callable[[], Value]) -> Value:
        """Follow several paths from here to where they meet; return any of their values."""
        start, end, value = self.state, unreachable(), frozenset[Atom]()
        for way in ways:
            self.study.spend()
            self.study.spend_on_names(2 * start.size())
            self.state = start.copy()
            value |= way()
            end = merge_states(end, self.state)
        self.state = end
        return limit_size(value)

    @contextmanager
    def leaving(self) -> Iterator[Exits]:
        """Collect the exits of the block, so that the caller decides where they lead."""
        outer, self.exits = self.exits, Exits()
        try:
            yield self.exits
        finally:
            self.exits = outer

    def may_raise(self) -> None:
        """Note that an exception may leave the enclosing `try` blocks from here."""
        if self.state.is_reachable:
            self.catchers = [merge_states(catcher, self.state) for catcher in self.catchers]

    # -- effects ---------------------------------------------------------------------------------

    def read(self, name: str) -> None:
        """Note that an attribute of the flow is read here."""
        sure = self.state.sure.get(name)
        if sure is None:
            self.effects.reads.add(name)
        elif not sure:
            self.effects.reads_after_delete.add(name)

    def locate(self, name: str, node: ast.AST) -> None:
        """Note the line at which the source reads an artifact, to show it to people."""
        if not self.state.sure.get(name):  # else it reads what it has written itself
            lines = self.study.lines.setdefault((self.module.path, name), set())
            lines.add(_line_of(name, node))

    def write(self, name: str) -> None:
        """Note that an attribute of the flow is written here."""
        self.effects.writes.add(name)
        self.state.sure[name] = name not in self.effects.unsettled

    def delete(self, name: str) -> None:
        """Note that an attribute of the flow is deleted here."""
        self.effects.deletes.add(name)
        if name in self.effects.deferred:
            self.effects.reads_after_delete.add(name)
        self.state.sure[name] = False
        self.may_raise()

    def read_input(self, source: InputAtom, name: str) -> None:
        """Note that an artifact of an input is read."""
        self.effects.input_reads.add(InputRead(name, source.branch, source.index))

    def external(self, source: Client, artifact: str | None = None) -> None:
        """Note a read from another flow run."""
        self.effects.externals.add(make_external_read(source, artifact))

    def note_stored_run_ids(self, name: str, value: Value) -> None:
        """Note that an artifact gets a value that contains the id of a looked-up flow run."""
        for keys, text in find_looked_up_runs(value):
            self.effects.stored_run_ids.add(StoredRunId(self.mangled(name), keys, text.parts))

    def doubt(self, node: ast.AST, text: str) -> None:
        """Note why the reads are not certain."""
        line = f"line {getattr(node, 'lineno', 0)}: {text}"
        self.effects.doubts[f"{self.module.label} {line}".lstrip()] = None

    # -- names -----------------------------------------------------------------------------------

    def name_value(self, name: str) -> Value:
        """Return the value of a name at this point."""
        if name in self.state.names:
            return self.state.names[name]
        if name in self.local_names:
            return ANYTHING
        value = self.study.project.lookup(self.module, name)
        return frozenset({ExternalName(f"builtins.{name}")}) if value is None else value

    def mangled(self, name: str) -> str:
        """Return an attribute's name as Python stores it: `__x` becomes `_Class__x`."""
        if self.owner is None or not name.startswith("__") or name.endswith("__"):
            return name
        return f"_{self.owner.name.lstrip('_')}{name}"


def is_flow(atom: Atom) -> bool:
    """Return whether an atom is the flow object or an input of a join: both have artifacts."""
    return isinstance(atom, FlowSelf | InputAtom)


def _line_of(name: str, node: ast.AST) -> int:
    """Return the line of a read; for a call with the name as a text, the line of the text."""
    if isinstance(node, ast.Call):
        for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
            if isinstance(argument, ast.Constant) and argument.value == name:
                return argument.lineno
    return getattr(node, "lineno", 0)
