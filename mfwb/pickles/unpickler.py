"""The unpickler that all others here are made of: names are theirs to find."""

from __future__ import annotations

import io
import pickle
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

__all__ = ["Allowed", "ForbiddenName", "Unpickler", "UnpicklerOfAllowed"]

Allowed = Mapping[str, Callable[[], Any]]
"""Qualified name -> a function that returns the object (so that nothing is imported in vain)."""

_PYTHON_3_PROTOCOLS = frozenset({b"\x80\x03", b"\x80\x04", b"\x80\x05"})
_SHOWN_LIMIT = 200  # characters of a name that a message repeats
_NAME_LIMIT = 1_000  # characters
_NAMES_LIMIT = 10_000  # of one pickle; for each there may be a class of its own


class ForbiddenName(pickle.UnpicklingError):
    """The pickle asks for something that is not on the allow-list; `.name` says what."""

    def __init__(self, name: str) -> None:
        short = name if len(name) <= _SHOWN_LIMIT else f"{name[:_SHOWN_LIMIT]}..."
        super().__init__(f"its pickle refers to {short}, which is not loaded")
        self.name = name


class Unpickler(pickle.Unpickler):
    """Leaves to those who inherit it what stands under a name: nothing is imported."""

    def __init__(self, source: bytes | BinaryIO) -> None:
        file = io.BytesIO(source) if isinstance(source, bytes) else source
        super().__init__(file, encoding="latin1")
        self._is_of_python_2 = file.read(2) not in _PYTHON_3_PROTOCOLS
        file.seek(0)
        self._found: dict[str, Any] = {}

    def find_class(self, module: str, name: str, /) -> Any:
        """Return what stands under a name, after Python 2's names were turned into Python 3's."""
        if self._is_of_python_2:
            module, name = NAME_MAPPING.get((module, name), (module, name))
            module = IMPORT_MAPPING.get(module, module)
        if len(module) + len(name) > _NAME_LIMIT:  # a few bytes can ask for it again and again
            raise pickle.UnpicklingError(f"a name of more than {_NAME_LIMIT:,} characters")
        full = f"{module}.{name}"
        if full not in self._found:
            if len(self._found) == _NAMES_LIMIT:
                raise pickle.UnpicklingError(f"more than {_NAMES_LIMIT:,} names")
            self._found[full] = self.find(full)
        return self._found[full]

    def find(self, name: str) -> Any:
        """Return what stands under a qualified name; each is looked up once."""
        raise NotImplementedError

    def persistent_load(self, pid: Any, /) -> Any:
        """Refuse: Metaflow writes no persistent ids."""
        # To write out anything else could take for ever.
        raise ForbiddenName(f"persistent id {pid!r}" if isinstance(pid, str) else "persistent ids")


class UnpicklerOfAllowed(Unpickler):
    """Finds what is on an allow-list."""

    def __init__(self, file: BinaryIO, allowed: Allowed) -> None:
        super().__init__(file)
        self._allowed = allowed

    def find(self, name: str) -> Any:
        """Return what is allowed under a qualified name; ForbiddenName if nothing is."""
        found = self._allowed.get(name)
        if found is None:
            raise ForbiddenName(name)
        return found()
