"""One function under analysis: where we are in it and what was found so far.

The modules that understand one kind of statement or expression each register a function here for
the syntax they know.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from mfwb.lineage.static_analysis.domain.bounds import bounded
from mfwb.lineage.static_analysis.domain.effects import Effects, Summary
from mfwb.lineage.static_analysis.domain.state import Exits, State, dead, merged
from mfwb.lineage.static_analysis.domain.text_values import found_in, said_of
from mfwb.lineage.static_analysis.domain.values import (
    ANYTHING,
    Atom,
    ClassInfo,
    Client,
    FlowSelf,
    Func,
    InputAtom,
    Outside,
    Value,
)
from mfwb.lineage.static_analysis.errors import TooIntricateError
from mfwb.lineage.static_analysis.program.classes import FlowClass
from mfwb.lineage.static_analysis.program.modules import Module
from mfwb.lineage.static_analysis.result import InputRead, Kept

__all__ = ["Frame", "Study", "evaluates", "runs"]

_STEP_PATIENCE = 50_000  # pieces of work, of some 10 us each; ordinary steps take some hundreds
_PATIENCE = 500_000  # for all steps together
_MAX_IDLE = 64  # names that are copied or merged with one piece of work

_EVALUATORS: dict[type[ast.AST], Callable[[Frame, Any], Value]] = {}
_RUNNERS: dict[type[ast.AST], Callable[[Frame, Any], None]] = {}
_Evaluator = Callable[["Frame", Any], Value]
_Runner = Callable[["Frame", Any], None]
_Told = TypeVar("_Told")


def evaluates(*kinds: type[ast.AST]) -> Callable[[_Evaluator], _Evaluator]:
    """Register a function as the one that evaluates these expressions."""

    def register(function: _Evaluator) -> _Evaluator:
        _EVALUATORS.update(dict.fromkeys(kinds, function))
        return function

    return register


def runs(*kinds: type[ast.AST]) -> Callable[[_Runner], _Runner]:
    """Register a function as the one that follows these statements."""

    def register(function: _Runner) -> _Runner:
        _RUNNERS.update(dict.fromkeys(kinds, function))
        return function

    return register


class Study:
    """What all functions of one flow share while it is analysed."""

    def __init__(self, flow: FlowClass) -> None:
        self.flow = flow
        self.project = flow.project
        self.summaries: dict[object, Summary] = {}
        self.open: list[tuple[Func, object]] = []  # the calls we are in, with their arguments
        self.recursive: set[Func] = set()
        self.reopened = 0  # how far up the call stack a recursion reached; see following.py
        self.spent = 0  # pieces of work so far
        self.lines: dict[tuple[str, str], set[int]] = {}  # of reads, by file and artifact
        self._most = _STEP_PATIENCE
        self._told: dict[tuple[Callable[[ast.AST], Any], ast.AST], Any] = {}

    def begin_step(self) -> None:
        """Give the next step as much patience as each has, if there is some left."""
        self._most = min(self.spent + _STEP_PATIENCE, _PATIENCE)
        self.open.clear()

    def spend(self, work: int = 1) -> None:
        """Count pieces of work; TooIntricateError when they become too many."""
        self.spent += work
        if self.spent > self._most:
            takes = "the flow takes" if self.spent > _PATIENCE else "it takes"
            raise TooIntricateError(f"{takes} too much work")

    def told(self, node: ast.AST, question: Callable[[ast.AST], _Told]) -> _Told:
        """Return the answer to a question about the text of a node: it is asked once."""
        key = question, node
        if key not in self._told:
            self._told[key] = question(node)
        return self._told[key]  # type: ignore[no-any-return]

    def handle(self, count: int) -> None:
        """Count the work that it is to copy or merge so many names."""
        self.spend(count // _MAX_IDLE)


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
        self.catchers: list[State] = []  # what holds when an exception leaves each `try` we are in
        self.local_names: frozenset[str] = frozenset()
        self.own_containers: set[str] = set()
        self.holders: set[int] = set()  # expressions of which a subscript is taken
        self.returned: Value = frozenset()
        self.yielded: Value | None = None

    # -- walking ---------------------------------------------------------------------------------

    def evaluate(self, node: ast.expr) -> Value:
        """Return what an expression stands for, with its effects noted."""
        self.study.spend()
        evaluator = _EVALUATORS.get(type(node))
        if evaluator is not None:
            return evaluator(self, node)
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.evaluate(child)
        return ANYTHING

    def evaluate_holder(self, node: ast.expr) -> Value:
        """Return what an expression stands for of which a subscript is taken."""
        self.holders.add(id(node))
        return self.evaluate(node)

    def run(self, body: Iterable[ast.stmt]) -> None:
        """Follow statements as far as they can be reached."""
        for node in body:
            if not self.state.alive:
                return
            self.study.spend(1 + len(self.catchers))
            self.study.handle(self.state.size() * (1 + 2 * len(self.catchers)))
            self.may_raise()
            runner = _RUNNERS.get(type(node))
            if runner is not None:
                runner(self, node)
            self.may_raise()

    def either(self, *ways: Callable[[], Value]) -> Value:
        """Follow several ways from here to where they meet; any of their values comes out."""
        start, end, value = self.state, dead(), frozenset[Atom]()
        for way in ways:
            self.study.spend()
            self.study.handle(2 * start.size())
            self.state = start.copy()
            value |= way()
            end = merged(end, self.state)
        self.state = end
        return bounded(value)

    @contextmanager
    def leaving(self) -> Iterator[Exits]:
        """Collect how the block is left, so that the caller decides where that leads."""
        outer, self.exits = self.exits, Exits()
        try:
            yield self.exits
        finally:
            self.exits = outer

    def may_raise(self) -> None:
        """Note that an exception may leave the enclosing `try` blocks from here."""
        if self.state.alive:
            self.catchers = [merged(catcher, self.state) for catcher in self.catchers]

    # -- what is found ---------------------------------------------------------------------------

    def read(self, name: str) -> None:
        """Note that an attribute of the flow is read here."""
        sure = self.state.sure.get(name)
        if sure is None:
            self.effects.reads.add(name)
        elif not sure:
            self.effects.lost_reads.add(name)

    def locate(self, name: str, node: ast.AST) -> None:
        """Note where the source reads an artifact, for those who are told of it."""
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
            self.effects.lost_reads.add(name)
        self.state.sure[name] = False
        self.may_raise()

    def read_input(self, source: InputAtom, name: str) -> None:
        """Note that an artifact of an input is read."""
        self.effects.input_reads.add(InputRead(name, source.branch, source.index))

    def external(self, source: Client, artifact: str | None = None) -> None:
        """Note a read from another flow run."""
        self.effects.externals.add(said_of(source, artifact))

    def keep(self, name: str, value: Value) -> None:
        """Note that an artifact is given a value, if that tells of a flow run which was found."""
        for keys, text in found_in(value):
            self.effects.kept.add(Kept(self.mangled(name), keys, text.words))

    def doubt(self, node: ast.AST, text: str) -> None:
        """Note why reads can't be told for certain."""
        line = f"line {getattr(node, 'lineno', 0)}: {text}"
        self.effects.doubts[f"{self.module.label} {line}".lstrip()] = None

    # -- names -----------------------------------------------------------------------------------

    def name_value(self, name: str) -> Value:
        """Return what a name stands for here."""
        if name in self.state.names:
            return self.state.names[name]
        if name in self.local_names:
            return ANYTHING
        found = self.study.project.lookup(self.module, name)
        return frozenset({Outside(f"builtins.{name}")}) if found is None else found

    def mangled(self, name: str) -> str:
        """Return an attribute's name as Python stores it: `__x` becomes `_Class__x`."""
        if self.owner is None or not name.startswith("__") or name.endswith("__"):
            return name
        return f"_{self.owner.name.lstrip('_')}{name}"


def is_flow(atom: Atom) -> bool:
    """Return whether an atom is the flow object or an input: both have artifacts."""
    return isinstance(atom, FlowSelf | InputAtom)


def _line_of(name: str, node: ast.AST) -> int:
    """Return the line of a read; of a call that names it by a text, that of the text."""
    if isinstance(node, ast.Call):
        for one in (*node.args, *(keyword.value for keyword in node.keywords)):
            if isinstance(one, ast.Constant) and one.value == name:
                return one.lineno
    return getattr(node, "lineno", 0)
