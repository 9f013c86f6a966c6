"""A script and what it imports from beside it, as text. Nothing is imported."""

from __future__ import annotations

import ast
import posixpath
import tokenize
from collections.abc import Iterator
from pathlib import Path

from mfwb.snapshot import SourceCode

__all__ = ["FILES_LIMIT", "read_script", "text_of"]

FILES_LIMIT = 2_000
_SIZE_LIMIT = 1_000_000  # bytes; no source that a person wrote is longer


def read_script(script: Path) -> SourceCode:
    """Return a script and what it imports, as far as that lies beside it; OSError, ValueError."""
    text = text_of(script)
    if text is None:
        raise ValueError(f"{script} is too large, no text, or no Python")
    root, changed = script.parent, script.stat().st_mtime
    files, waiting = {script.name: text}, [(script.name, text)]
    while waiting and len(files) < FILES_LIMIT:
        name, text = waiting.pop()
        for found in _imported(name, text):
            path = root / found
            if found not in files and path.is_file() and (more := text_of(path)) is not None:
                files[found] = more
                waiting.append((found, more))
                changed = max(changed, path.stat().st_mtime)
    return SourceCode(script.name, files, origin="file", changed_at=round(changed * 1000))


def _imported(name: str, text: str) -> Iterator[str]:
    """Yield the files, relative to the root, in which what a file imports would lie."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return  # the analysis says what is wrong with it
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _files_of(alias.name.split("."))
        elif isinstance(node, ast.ImportFrom):
            package = posixpath.dirname(name).split("/") if "/" in name else []
            if node.level > len(package) + 1:
                continue
            above = package[: len(package) + 1 - node.level] if node.level else []
            module = [*above, *(node.module.split(".") if node.module else [])]
            yield from _files_of(module)
            for alias in node.names:
                yield from _files_of([*module, alias.name])


def _files_of(module: list[str]) -> Iterator[str]:
    if module:
        path = "/".join(module)
        yield f"{path}.py"
        yield f"{path}/__init__.py"
        yield from (f"{'/'.join(module[:depth])}/__init__.py" for depth in range(1, len(module)))


def text_of(path: Path) -> str | None:
    """Return a Python file's text; None if it is too large or no text."""
    if path.suffix != ".py" or path.stat().st_size > _SIZE_LIMIT:
        return None
    try:
        with tokenize.open(path) as file:  # it minds the encoding that a file declares
            return file.read()
    except (SyntaxError, UnicodeDecodeError):
        return None
