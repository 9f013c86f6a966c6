"""Values: what an expression may stand for, as far as it matters to lineage.

A `Value` is a set of atoms: the expression is one of them. `OTHER` stands for everything that does
not matter; a value that holds it along with others is not certain. The limits on the size of values
are in `bounds`.
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
    "ExternalName",
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
    """A text or another plain value that contains recorded values; it may be anything."""

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
        weight: the number of atoms in it, itself included; what is in it twice counts twice.
        depth: the number of nested containers.
        holds_flow: whether the flow object or an input of a join may be in it.
        leaves: all content at any depth, without containers and plain values. It is stored, since
            it is needed often and computing it takes as long as the container is large.
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
    """An iterable."""

    element: Value
    nonempty: bool = False

    def held(self) -> tuple[Value, ...]:
        """Return the possible elements."""
        return (self.element,)


@dataclass(frozen=True, slots=True)
class Map(Container):
    """A dict with keys that are not known."""

    element: Value

    def held(self) -> tuple[Value, ...]:
        """Return the possible values."""
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
    """Nested containers that hold these atoms at unknown positions: more detail is too large."""

    leaves: Value  # no containers

    def held(self) -> tuple[Value, ...]:
        """Return the possible content."""
        return (self.leaves,)


@dataclass(frozen=True, slots=True)
class MethodOf(Container):
    """A method of a container, such as `items` of a dict."""

    owner: Atom
    name: str

    def held(self) -> tuple[Value, ...]:
        """Return the owner of the method."""
        return (frozenset((self.owner,)),)


@dataclass(frozen=True, slots=True, eq=False)
class Func(Atom):
    """A function in the files; the same object for the same function."""

    node: FunctionNode
    module: Any  # modules.Module
    owner: ClassInfo | None = None

    @property
    def name(self) -> str:
        """The name in its definition."""
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
    home: Any  # frame.Frame, in which its free names are looked up


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
class ExternalName(Atom):
    """Something outside the files, by its dotted name."""

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
        kind: what the parts name, as in `ExternalRead`.
        parts: its pathspec, as far as the code shows it.
        level: the level of the object itself.
        sure: whether it is certainly this object; False: it is one of several.
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
"""Atoms that artifacts are read from."""

OTHER = Other()
ANYTHING: Value = frozenset({OTHER})


def only(value: Value) -> Atom | None:
    """Return the single atom of a value, or None if it has several."""
    return next(iter(value)) if len(value) == 1 else None


def is_plain(value: Value) -> bool:
    """Return whether a value is plain: it neither is nor holds anything that matters."""
    return all(isinstance(atom, Other | Text) for atom in value)


def holds_flow(value: Value) -> bool:
    """Return whether a value may be, or hold, the flow object or an input of a join."""
    return any(
        atom.holds_flow if isinstance(atom, Container) else isinstance(atom, FLOWS)
        for atom in value
    )


def leaves_of(value: Value) -> Value:
    """Return all atoms that the value may be or hold, without containers and plain values."""
    leaves: set[Atom] = set()
    for atom in value:
        if isinstance(atom, Container):
            leaves |= atom.leaves
        elif isinstance(atom, FlowDict):
            leaves |= {atom, atom.owner}
        elif not isinstance(atom, Const | Text):
            leaves.add(atom)
    return frozenset(leaves)


def strings_of(value: Value) -> frozenset[str] | None:
    """Return the strings that the value may be, or None if it may be something else."""
    strings = frozenset(
        atom.value for atom in value if isinstance(atom, Const) and isinstance(atom.value, str)
    )
    return strings if strings and len(strings) == len(value) else None
