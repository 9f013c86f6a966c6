"""Code of modules that forks import, read once by the process that forks.

Metaflow reads variables when it is imported, so that each fork imports it for itself. A third of
that is looking for files and reading them, which is the same for all. So are the packages that it
brings along: another quarter.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import find_spec, spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType
from typing import IO

__all__ = ["know_code_of"]

_BROUGHT_ALONG = "metaflow._vendor"


class _Known(SourceFileLoader):
    """A loader whose code is known."""

    def __init__(self, fullname: str, path: str, code: CodeType) -> None:
        super().__init__(fullname, path)
        self._code = code

    def get_code(self, _: str) -> CodeType:
        return self._code

    def exec_module(self, module: ModuleType) -> None:
        parent, _, name = _BROUGHT_ALONG.partition(".")
        if self.name == parent:  # importing sets it, and this is imported already
            setattr(module, name, sys.modules[_BROUGHT_ALONG])
        super().exec_module(module)


class _Finder(MetaPathFinder):
    """Finds modules whose code is known."""

    def __init__(self, loaders: Iterable[_Known]) -> None:
        self._loaders = {loader.name: loader for loader in loaders}

    def find_spec(self, fullname: str, *_: object) -> ModuleSpec | None:
        loader = self._loaders.get(fullname)
        if loader is None:
            return None
        return spec_from_file_location(fullname, loader.path, loader=loader)


def know_code_of(names: Sequence[str]) -> None:
    """Read the code of modules, and of all that they import and that is not imported here.

    What Metaflow brings along, and reads no variables, is imported.
    """
    imported = _imported_by(names)
    _import_what_is_brought_along([name for name, _ in imported])
    loaders: list[_Known] = []
    for name, path in imported:
        if name not in sys.modules:
            code = SourceFileLoader(name, path).get_code(name)
            assert code is not None
            loaders.append(_Known(name, path, code))
    sys.meta_path.insert(0, _Finder(loaders))


def _import_what_is_brought_along(names: Iterable[str]) -> None:
    """Import the packages that lie within Metaflow, and not Metaflow itself."""
    parent = _BROUGHT_ALONG.partition(".")[0]
    spec = find_spec(parent)
    assert spec is not None
    sys.modules[parent] = package = ModuleType(parent)
    package.__path__ = [*(spec.submodule_search_locations or ())]
    for name in names:
        if name.startswith(_BROUGHT_ALONG):
            importlib.import_module(name)
    del sys.modules[parent]
    strange = [
        name
        for name in sys.modules
        if name.startswith(f"{parent}.") and not name.startswith(_BROUGHT_ALONG)
    ]
    if strange:
        raise SystemExit(f"these read variables: {strange}")


def _imported_by(names: Sequence[str]) -> list[tuple[str, str]]:
    """Have a fork import modules; return the name and file of each that is new."""
    reading, writing = os.pipe()
    with os.fdopen(reading) as ours, os.fdopen(writing, "w") as its:
        process = os.fork()
        if process == 0:
            try:
                _tell_imported(names, its)
            finally:
                os._exit(0)
        its.close()
        found: list[tuple[str, str]] = json.load(ours)
        os.waitpid(process, 0)
    return found


def _tell_imported(names: Sequence[str], answer: IO[str]) -> None:
    before = {*sys.modules}
    for name in names:
        with suppress(ImportError):  # some need a package of a cloud
            importlib.import_module(name)
    found = [(name, sys.modules[name].__spec__) for name in sys.modules if name not in before]
    json.dump(
        [
            (name, spec.origin)
            for name, spec in found
            if spec and type(spec.loader) is SourceFileLoader and Path(str(spec.origin)).is_file()
        ],
        answer,
    )
    answer.flush()
