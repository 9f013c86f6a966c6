"""Texts of a script and of the modules that it imports from its own folder. Nothing is imported.

The path of the script comes from the person who ran the flow, maybe a stranger. So only regular
files below the script's folder are read, and no link is followed out of it. The text is used only
if it defines that flow, with its steps at the recorded lines: mfwb.lineage.source_check.
"""

from __future__ import annotations

import ast
import os
import posixpath
import stat
from collections.abc import Iterator
from pathlib import Path

from mfwb.files.rooted_files import open_below
from mfwb.python_ast import TooLargeError, parse
from mfwb.snapshot import SourceCode
from mfwb.source.python_text import SIZE_LIMIT, decode_python

__all__ = ["read_script"]

_FILES_LIMIT = 2_000
_TEXT_LIMIT = 8_000_000  # bytes of all files together; each is parsed for what it imports
_CANDIDATES_LIMIT = 20_000  # possible paths of imported modules
_DEEPEST = 30  # folders below the script's


def read_script(script: Path) -> SourceCode:
    """Return a script and the modules that it imports from its folder; OSError, ValueError."""
    folder = _Folder(script.parent)
    text = folder.read(script.name)
    files, waiting = {script.name: text}, [(script.name, text)]
    candidates = set(files)
    while waiting:
        name, text = waiting.pop()
        for candidate in _find_imports(name, text):
            if len(candidates) >= _CANDIDATES_LIMIT or len(files) >= _FILES_LIMIT:
                break
            if candidate in candidates:
                continue
            candidates.add(candidate)
            content = folder.read_if_exists(candidate)
            if content is not None:
                files[candidate] = content
                waiting.append((candidate, content))
    return SourceCode(script.name, files, origin="file", changed_at=round(folder.changed * 1000))


class _Folder:
    """Python files below a folder, and the last change of those that were read."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._left = _TEXT_LIMIT
        self.changed = 0.0

    def read(self, name: str) -> str:
        """Return the text of a file; OSError, ValueError."""
        if not name.endswith(".py"):
            raise ValueError(f"{name} is not a Python file")
        with open_below(self._root, name) as file:
            written = os.fstat(file.fileno()).st_mtime
            data = file.read(SIZE_LIMIT + 1)
        try:
            text = decode_python(data)
        except ValueError as error:
            raise ValueError(f"{name} {error}") from None
        self.changed = max(self.changed, written)
        self._left -= len(data)
        return text

    def read_if_exists(self, name: str) -> str | None:
        """Return the text of a file; None if it can't be read or exceeds the total limit."""
        try:
            status = (self._root / name).stat()
            is_readable = stat.S_ISREG(status.st_mode) and status.st_size <= self._left
            return self.read(name) if is_readable else None
        except (OSError, ValueError):
            return None


def _find_imports(name: str, text: str) -> Iterator[str]:
    """Yield the possible paths, relative to the root, of the modules that a file imports."""
    try:
        tree = parse(text)
    except (SyntaxError, TooLargeError):
        return  # the analysis reports the reason
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _module_files(alias.name.split("."))
        elif isinstance(node, ast.ImportFrom):
            package = posixpath.dirname(name).split("/") if "/" in name else []
            if node.level > len(package) + 1:
                continue
            above = package[: len(package) + 1 - node.level] if node.level else []
            module = [*above, *(node.module.split(".") if node.module else [])]
            yield from _module_files(module)
            for alias in node.names:
                yield from _module_files([*module, alias.name])


def _module_files(module: list[str]) -> Iterator[str]:
    if module and len(module) <= _DEEPEST:
        path = "/".join(module)
        yield f"{path}.py"
        yield f"{path}/__init__.py"
        yield from (f"{'/'.join(module[:depth])}/__init__.py" for depth in range(1, len(module)))
