"""What an expression may stand for, as far as it matters to lineage.

A `Value` is a set: the expression is one of its members. `OTHER` stands for everything that does
not matter; a value that holds it along with others is not certain. How large a value may get is in
bounds.py.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from mfwb.lineage.static_analysis.result import TextParts

__all__ = [
    "ANYTHING",
    "FLOWS",
    "OTHER",
    "Api",
    "Atom",
    "Bound",
    "ClassAtom",
    "ClassInfo",
    "Client",
    "ClientData",
    "Const",
    "Container",
    "Current",
    "DictOf",
    "FlowDict",
    "FlowSelf",
    "Func",
    "FunctionNode",
    "Getter",
    "InputAtom",
    "Inputs",
    "Iter",
    "Local",
    "Map",
    "MethodOf",
    "ModuleAtom",
    "Nested",
    "Other",
    "Outside",
    "Super",
    "Text",
    "Trigger",
    "Tup",
    "Value",
    "holds_flow",
    "is_plain",
    "leaves_of",
    "only",
    "strings_of",
]

FunctionNode: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@dataclass(frozen=True, slots=True, eq=False)
class Atom:
    """One thing that an expression may stand for."""


Value = frozenset[Atom]


@dataclass(frozen=True, slots=True)
class Other(Atom):
    """Anything that does not matter."""


@dataclass(frozen=True, slots=True)
class Const(Atom):
    """A constant string or whole number, or None."""

    value: str | int | None


@dataclass(frozen=True, slots=True)
class Text(Atom):
    """A text, or another plain value, of which recorded values are parts; it may be anything."""

    parts: TextParts


@dataclass(frozen=True, slots=True)
class FlowSelf(Atom):
    """The flow object: `self` in a step."""


@dataclass(frozen=True, slots=True)
class FlowDict(Atom):
    """`__dict__` of the flow object or of an input."""

    owner: Atom


@dataclass(frozen=True, slots=True)
class Inputs(Atom):
    """The second argument of a join."""


@dataclass(frozen=True, slots=True)
class InputAtom(Atom):
    """One of the inputs of a join."""

    branch: str | None = None
    index: int | None = None


@dataclass(frozen=True, slots=True)
class Container(Atom):
    """Something that holds values.

    Attributes:
        weight: how many atoms there are in it, itself included; what two places share counts twice.
        depth: how many containers lie within each other.
        holds_flow: whether the flow object or an input of a join may be in it.
        leaves: all that is in it, at whatever depth, but containers and plain values. It is kept,
            since to look for it takes as long as a container is large, and is done all the time.
    """

    weight: int = field(init=False, compare=False, repr=False, default=1)
    depth: int = field(init=False, compare=False, repr=False, default=1)
    holds_flow: bool = field(init=False, compare=False, repr=False, default=False)
    leaves: Value = field(init=False, compare=False, repr=False, default=frozenset())

    def held(self) -> tuple[Value, ...]:
        """Return the values in it."""
        raise NotImplementedError

    def __post_init__(self) -> None:
        weight, depth, holds_flow = 1, 0, False
        leaves: set[Atom] = set()
        for value in self.held():
            for atom in value:
                if isinstance(atom, Container):
                    weight += atom.weight
                    depth = max(depth, atom.depth)
                    holds_flow = holds_flow or atom.holds_flow
                else:
                    weight += 1
                    holds_flow = holds_flow or isinstance(atom, FLOWS)
            leaves |= leaves_of(value)
        object.__setattr__(self, "weight", weight)
        object.__setattr__(self, "depth", depth + 1)
        object.__setattr__(self, "holds_flow", holds_flow)
        object.__setattr__(self, "leaves", ANYTHING if leaves == ANYTHING else frozenset(leaves))


@dataclass(frozen=True, slots=True)
class Tup(Container):
    """A tuple, list or set of known length."""

    items: tuple[Value, ...]

    def held(self) -> tuple[Value, ...]:
        """Return its elements."""
        return self.items


@dataclass(frozen=True, slots=True)
class Iter(Container):
    """Something to iterate over."""

    element: Value
    nonempty: bool = False

    def held(self) -> tuple[Value, ...]:
        """Return what its elements may be."""
        return (self.element,)


@dataclass(frozen=True, slots=True)
class Map(Container):
    """A dict with keys that are not known."""

    element: Value

    def held(self) -> tuple[Value, ...]:
        """Return what its values may be."""
        return (self.element,)


@dataclass(frozen=True, slots=True)
class DictOf(Container):
    """A dict with known keys."""

    keys: tuple[str | int, ...]
    values: tuple[Value, ...]

    def held(self) -> tuple[Value, ...]:
        """Return its values."""
        return self.values


@dataclass(frozen=True, slots=True)
class Nested(Container):
    """Containers in containers, in which these may be at any place: too large to tell more."""

    leaves: Value  # no containers

    def held(self) -> tuple[Value, ...]:
        """Return what may be in it."""
        return (self.leaves,)


@dataclass(frozen=True, slots=True)
class MethodOf(Container):
    """A method of a container, such as `items` of a dict."""

    owner: Atom
    name: str

    def held(self) -> tuple[Value, ...]:
        """Return what it is a method of."""
        return (frozenset((self.owner,)),)


@dataclass(frozen=True, slots=True, eq=False)
class Func(Atom):
    """A function in the files; the same object for the same function."""

    node: FunctionNode
    module: Any  # modules.Module
    owner: ClassInfo | None = None

    @property
    def name(self) -> str:
        """The name it was defined by."""
        return "lambda" if isinstance(self.node, ast.Lambda) else self.node.name


@dataclass(frozen=True, slots=True)
class Bound(Atom):
    """A method together with what it is called on."""

    func: Func
    receiver: Atom


@dataclass(frozen=True, slots=True)
class Local(Atom):
    """A function or lambda inside another one."""

    func: Func
    home: Any  # frame.Frame: where its free names are looked up


@dataclass(frozen=True, slots=True)
class Api(Atom):
    """A method of FlowSpec itself, such as `next`."""

    name: str
    receiver: Atom


@dataclass(frozen=True, slots=True)
class Super(Atom):
    """`super()` in a method of that class."""

    after: ClassInfo
    receiver: Atom


@dataclass(frozen=True, slots=True)
class ClassAtom(Atom):
    """A class in the files."""

    info: ClassInfo


@dataclass(frozen=True, slots=True)
class ModuleAtom(Atom):
    """A module in the files."""

    module: Any  # modules.Module


@dataclass(frozen=True, slots=True)
class Outside(Atom):
    """Something that is not in the files, by its dotted name."""

    dotted: str


@dataclass(frozen=True, slots=True)
class Getter(Atom):
    """`operator.attrgetter` of these names."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Current(Atom):
    """Metaflow's `current`."""


@dataclass(frozen=True, slots=True)
class Trigger(Atom):
    """Metaflow's `current.trigger`."""


@dataclass(frozen=True, slots=True)
class Client(Atom):
    """An object of Metaflow's client. Levels: 0 flow, 1 run, 2 step, 3 task, 4 artifact.

    Attributes:
        kind: what the words name, as in `ExternalRead`.
        words: its pathspec, as far as the code tells.
        level: of what the object is.
        sure: whether it is this one, and not one of several.
    """

    kind: str
    parts: TextParts
    level: int
    sure: bool = True


@dataclass(frozen=True, slots=True)
class ClientData(Atom):
    """`.data` or `.artifacts` of a run or task."""

    source: Client


@dataclass(frozen=True, slots=True, eq=False)
class ClassInfo:
    """A class in the files."""

    node: ast.ClassDef
    module: Any  # modules.Module
    members: dict[str, list[ast.stmt]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name of the class."""
        return self.node.name


FLOWS = (FlowSelf, FlowDict, Inputs, InputAtom)
"""What artifacts are read off."""

OTHER = Other()
ANYTHING: Value = frozenset({OTHER})


def only(value: Value) -> Atom | None:
    """Return the one thing that the value stands for, or None if that is not certain."""
    return next(iter(value)) if len(value) == 1 else None


def is_plain(value: Value) -> bool:
    """Return whether a value is nothing that may hold something that matters, or be it."""
    return all(isinstance(atom, Other | Text) for atom in value)


def holds_flow(value: Value) -> bool:
    """Return whether a value may be, or hold, the flow object or an input of a join."""
    return any(
        atom.holds_flow if isinstance(atom, Container) else isinstance(atom, FLOWS)
        for atom in value
    )


def leaves_of(value: Value) -> Value:
    """Return all that the value may be or hold, but containers and plain values."""
    found: set[Atom] = set()
    for atom in value:
        if isinstance(atom, Container):
            found |= atom.leaves
        elif isinstance(atom, FlowDict):
            found |= {atom, atom.owner}
        elif not isinstance(atom, Const | Text):
            found.add(atom)
    return frozenset(found)


def strings_of(value: Value) -> frozenset[str] | None:
    """Return the strings that the value may be, or None if it may be something else."""
    found = frozenset(
        atom.value for atom in value if isinstance(atom, Const) and isinstance(atom.value, str)
    )
    return found if found and len(found) == len(value) else None
