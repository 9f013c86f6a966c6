"""The files of a flow as modules: the values of their names, with imports followed."""

from __future__ import annotations

import ast
import builtins
import posixpath
from dataclasses import dataclass, field

from mfwb.lineage.static_analysis.domain.bounds import value_of
from mfwb.lineage.static_analysis.domain.values import (
    ANYTHING,
    Atom,
    ClassAtom,
    ClassInfo,
    ExternalName,
    Func,
    FunctionNode,
    ModuleAtom,
    Value,
)
from mfwb.lineage.static_analysis.errors import TooIntricateError
from mfwb.lineage.static_analysis.program.bindings import bound_by, is_plain, statements_in
from mfwb.lineage.static_analysis.program.literals import literal_value
from mfwb.lineage.static_analysis.program.survey import Survey, survey
from mfwb.python_ast import TooLargeError, count_tokens, parse

__all__ = ["Module", "Project", "dotted_of_import"]

_TOKENS_LIMIT = 500_000  # of all files together; each takes up to a kilobyte as a tree
_MAX_DOTS = 12  # in the name of something outside; deeper names need no distinction
_MAX_LOOKUPS = 50  # of names that stand for each other


@dataclass(slots=True, eq=False)
class Module:
    """One parsed file.

    Attributes:
        label: its name in doubts; empty for the script.
        package: the dotted name that its relative imports start from.
    """

    path: str
    label: str
    package: str
    tree: ast.Module
    names: dict[str, list[ast.stmt]] = field(default_factory=dict)
    stars: list[ast.ImportFrom] = field(default_factory=list)
    _survey: Survey | None = None

    @property
    def survey(self) -> Survey:
        """The result of one pass over the file, computed at first use."""
        if self._survey is None:
            self._survey = survey(self.tree)
        return self._survey


class Project:
    """All files of a flow. A file is parsed once, when something refers to it."""

    def __init__(self, script: str, files: dict[str, str]) -> None:
        self.script = script
        self.files = files
        self._modules: dict[str, Module | None] = {}
        self._tokens = 0  # of the files read so far
        self._paths: dict[str, str | None] = {}
        self._open: set[tuple[str, str]] = set()
        self._values: dict[tuple[str, str], Value | None] = {}
        self._classes: dict[int, ClassInfo] = {}
        self._functions: dict[int, Func] = {}

    def module(self, path: str) -> Module | None:
        """Return the module in that file, or None if it is missing or does not parse."""
        if path not in self._modules:
            try:
                self._modules[path] = self.parse(path) if path in self.files else None
            except (SyntaxError, TooLargeError, RecursionError):
                self._modules[path] = None
        return self._modules[path]

    def parse(self, path: str) -> Module:
        """Return the module in that file; the errors are those of `python_ast.parse`."""
        self._tokens += count_tokens(self.files[path])
        if self._tokens > _TOKENS_LIMIT:
            raise TooLargeError("there is too much source")
        module = Module(
            path=path,
            label="" if path == self.script else path,
            package=posixpath.dirname(path).replace("/", "."),
            tree=parse(self.files[path]),
        )
        for node in statements_in(module.tree.body):
            if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
                module.stars.append(node)
            for name in bound_by(node):
                module.names.setdefault(name, []).append(node)
        self._modules[path] = module
        return module

    def deleted(self) -> set[str]:
        """Return the attributes that any file read so far deletes, on any object."""
        modules = [module for module in self._modules.values() if module]
        return {name for module in modules for name in module.survey.deleted}

    def reassigns(self, attribute: str) -> bool:
        """Return whether any file read so far assigns such an attribute, or changes it in place."""
        modules = [module for module in self._modules.values() if module]
        return any(attribute in module.survey.reassigned for module in modules)

    def lookup(self, module: Module, name: str) -> Value | None:
        """Return the value of a name at the top level of a module, or None if it is not defined."""
        key = (module.path, name)
        if key not in self._values:
            if key in self._open:
                return None
            if len(self._open) >= _MAX_LOOKUPS:
                raise TooIntricateError(f"{name} refers to too many other names")
            self._open.add(key)
            try:
                self._values[key] = self._look_up(module, name)
            finally:
                self._open.discard(key)
        return self._values[key]

    def thing(self, dotted: str) -> Value:
        """Return the value of an absolute dotted name."""
        path = self._path_of(dotted)
        module = self.module(path) if path else None
        if module is not None:
            return value_of(ModuleAtom(module))
        parent, _, name = dotted.rpartition(".")
        holder = self.thing(parent) if parent else ANYTHING
        for atom in holder:
            if isinstance(atom, ModuleAtom):
                value = self.lookup(atom.module, name)
                return value_of(ExternalName(dotted)) if value is None else value
        return value_of(ExternalName(dotted))

    def attribute(self, atom: Atom, name: str) -> Value:
        """Return the value of the attribute `name` of a module, or of something outside."""
        if isinstance(atom, ExternalName):
            if atom.dotted.count(".") >= _MAX_DOTS:
                return ANYTHING
            return self.thing(f"{atom.dotted}.{name}")
        if not isinstance(atom, ModuleAtom):
            return ANYTHING
        value = self.lookup(atom.module, name)
        if value is not None:
            return value
        folder = posixpath.splitext(atom.module.path)[0]
        if posixpath.basename(folder) == "__init__":
            folder = posixpath.dirname(folder)
        return self.thing(f"{folder}.{name}".replace("/", "."))

    def imported(self, module: Module, node: ast.stmt, name: str) -> Value:
        """Return the value that an import statement binds to `name`."""
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.asname == name:
                    return self.thing(alias.name)
            return self.thing(name)
        if isinstance(node, ast.ImportFrom):
            base = dotted_of_import(module, node)
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    return self.thing(f"{base}.{alias.name}" if base else alias.name)
        return ANYTHING

    def class_info(self, node: ast.ClassDef, module: Module) -> ClassInfo:
        """Return the class, the same object every time."""
        if id(node) not in self._classes:
            members: dict[str, list[ast.stmt]] = {}
            for statement in statements_in(node.body):
                for name in bound_by(statement):
                    members.setdefault(name, []).append(statement)
            self._classes[id(node)] = ClassInfo(node, module, members)
        return self._classes[id(node)]

    def function(self, node: FunctionNode, module: Module, owner: ClassInfo | None = None) -> Func:
        """Return the function, the same object every time."""
        if id(node) not in self._functions:
            self._functions[id(node)] = Func(node, module, owner)
        return self._functions[id(node)]

    def _look_up(self, module: Module, name: str) -> Value | None:
        bindings = module.names.get(name)
        if bindings is None:
            return self._from_star(module, name)
        if len(bindings) > 1 and all(is_plain(node) for node in bindings):
            return ANYTHING
        atoms: set[Atom] = set()
        for node in bindings:
            atoms |= self._defined(module, node, name)
        return frozenset(atoms)

    def _defined(self, module: Module, node: ast.stmt, name: str) -> Value:
        if isinstance(node, ast.ClassDef):
            return value_of(ClassAtom(self.class_info(node, module)))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            return value_of(self.function(node, module))
        if isinstance(node, ast.Import | ast.ImportFrom):
            return self.imported(module, node, name)
        return self._constant(module, node, name)

    def _constant(self, module: Module, node: ast.stmt, name: str) -> Value:
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
        if isinstance(value, ast.Lambda):
            return value_of(self.function(value, module))
        if value is None or name in module.survey.changed:
            return ANYTHING
        if isinstance(value, ast.Attribute):
            owner = literal_value(value.value, lambda other: self.lookup(module, other))
            return frozenset().union(*(self.attribute(atom, value.attr) for atom in owner))
        return literal_value(value, lambda other: self.lookup(module, other))

    def _from_star(self, module: Module, name: str) -> Value | None:
        for node in reversed(module.stars):
            base = dotted_of_import(module, node)
            source = self.thing(base)
            for atom in source:
                if isinstance(atom, ExternalName) and not hasattr(builtins, name):
                    return value_of(ExternalName(f"{base}.{name}"))
                if isinstance(atom, ModuleAtom):
                    value = self.lookup(atom.module, name)
                    if value is not None:
                        return value
        return None

    def _path_of(self, dotted: str) -> str | None:
        """Return the file of a module; the script's folder comes first, as in Python."""
        if dotted not in self._paths:
            self._paths[dotted] = self._look_for(dotted)
        return self._paths[dotted]

    def _look_for(self, dotted: str) -> str | None:
        tail = dotted.replace(".", "/")
        for folder in (posixpath.dirname(self.script), ""):
            for candidate in (f"{tail}.py", f"{tail}/__init__.py"):
                path = posixpath.join(folder, candidate)
                if path in self.files:
                    return path
        return None


def dotted_of_import(module: Module, node: ast.ImportFrom) -> str:
    """Return the absolute dotted name of the module that is imported from."""
    if not node.level:
        return node.module or ""
    parts = module.package.split(".") if module.package else []
    parts = parts[: len(parts) - (node.level - 1)]
    return ".".join([*parts, node.module] if node.module else parts)
