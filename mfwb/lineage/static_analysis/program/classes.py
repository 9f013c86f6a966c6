"""The flow class, its bases in Python's method resolution order, and their members."""

from __future__ import annotations

import ast

from mfwb.lineage.static_analysis.domain.values import ClassAtom, ClassInfo, ExternalName, Value
from mfwb.lineage.static_analysis.errors import TooIntricateError
from mfwb.lineage.static_analysis.program.literals import literal_value
from mfwb.lineage.static_analysis.program.metaflow_names import HARMLESS_BASES, is_metaflow
from mfwb.lineage.static_analysis.program.modules import Module, Project

__all__ = ["FlowClass", "name_of", "value_of_name"]

_MAX_CLASSES = 64
_LONGEST = 80  # letters of an expression in a message
_HOOKS = ("__delattr__", "__getattr__", "__getattribute__", "__setattr__")


class FlowClass:
    """A flow class with all that it inherits."""

    def __init__(self, project: Project, info: ClassInfo) -> None:
        self.project = project
        self.info = info
        self.unknown_bases: dict[str, tuple[ClassInfo, ast.expr]] = {}
        self._orders: dict[ClassInfo, list[ClassInfo]] = {}
        self.order = self._linearised(info, ())

    def find(
        self, name: str, after: ClassInfo | None = None
    ) -> tuple[ClassInfo, list[ast.stmt]] | None:
        """Return the nearest class that defines a name, and how; None if none does.

        With `after`, only classes behind that one count, as for `super()`.
        """
        order = self.order
        if after in order:
            order = order[order.index(after) + 1 :]
        for info in order:
            if name in info.members:
                return info, info.members[name]
        return None

    def hooks(self) -> list[tuple[ClassInfo, ast.stmt]]:
        """Return definitions that change what reading or writing an attribute means."""
        return [
            (info, info.members[hook][-1])
            for info in self.order
            for hook in _HOOKS
            if hook in info.members
        ]

    def _linearised(self, info: ClassInfo, below: tuple[ClassInfo, ...]) -> list[ClassInfo]:
        """Return Python's order of the class and its bases (C3); depth first if none."""
        if info not in self._orders:
            if len(self._orders) + len(below) >= _MAX_CLASSES:
                raise TooIntricateError(f"it has more than {_MAX_CLASSES} base classes")
            bases = [base for base in self._bases(info) if base is not info and base not in below]
            lines = [self._linearised(base, (*below, info)) for base in bases]
            self._orders[info] = [info, *_merged([*lines, bases])]
        return self._orders[info]

    def _bases(self, info: ClassInfo) -> list[ClassInfo]:
        inherited = []
        metaclass = [keyword.value for keyword in info.node.keywords if keyword.arg == "metaclass"]
        for node in [*info.node.bases, *metaclass]:
            target = node.value if isinstance(node, ast.Subscript) else node
            atoms = value_of_name(self.project, info.module, target)
            inside = [atom.info for atom in atoms if isinstance(atom, ClassAtom)]
            inherited += inside[-1:]
            if not inside and not any(_is_harmless(atom) for atom in atoms):
                self.unknown_bases.setdefault(name_of(target), (info, node))
        return inherited


def value_of_name(project: Project, module: Module, node: ast.expr) -> Value:
    """Return the value of a plain or dotted name at the top level of a module."""
    if isinstance(node, ast.Attribute):
        owner = value_of_name(project, module, node.value)
        return frozenset().union(*(project.attribute(atom, node.attr) for atom in owner))
    if isinstance(node, ast.Name):
        value = project.lookup(module, node.id)
        return frozenset({ExternalName(f"builtins.{node.id}")}) if value is None else value
    return literal_value(node, lambda _: None)


def name_of(node: ast.expr) -> str:
    """Return an expression as it is shown in a message."""
    text = ast.unparse(node.func if isinstance(node, ast.Call) else node)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _is_harmless(atom: object) -> bool:
    if not isinstance(atom, ExternalName):
        return False
    root, _, rest = atom.dotted.partition(".")
    if root == "builtins":
        return rest in {"object", "type"}
    return root in HARMLESS_BASES or is_metaflow(atom.dotted)


def _merged(lines: list[list[ClassInfo]]) -> list[ClassInfo]:
    lines = [list(line) for line in lines if line]
    order = []
    while lines:
        head = next(
            (line[0] for line in lines if not any(line[0] in other[1:] for other in lines)),
            lines[0][0],
        )
        order.append(head)
        lines = [rest for line in lines if (rest := [base for base in line if base is not head])]
    return order
