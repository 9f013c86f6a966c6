"""Base classes of the unpicklers: subclasses decide what each name stands for."""

from __future__ import annotations

import io
import pickle
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

__all__ = ["Allowed", "ForbiddenName", "Unpickler", "UnpicklerOfAllowed"]

Allowed = Mapping[str, Callable[[], Any]]
"""Qualified name -> a function that returns the object, so that only needed modules load."""

_PYTHON_3_PROTOCOLS = frozenset({b"\x80\x03", b"\x80\x04", b"\x80\x05"})
_SHOWN_LIMIT = 200  # characters of a name that a message repeats
_NAME_LIMIT = 1_000  # characters
_NAMES_LIMIT = 10_000  # per pickle; each name may create one class


class ForbiddenName(pickle.UnpicklingError):
    """The pickle refers to a name that is not on the allow-list: `.name`."""

    def __init__(self, name: str) -> None:
        short = name if len(name) <= _SHOWN_LIMIT else f"{name[:_SHOWN_LIMIT]}..."
        super().__init__(f"its pickle refers to {short}, which is not loaded")
        self.name = name


class Unpickler(pickle.Unpickler):
    """Base unpickler: imports nothing; subclasses look up the names."""

    def __init__(self, source: bytes | BinaryIO) -> None:
        file = io.BytesIO(source) if isinstance(source, bytes) else source
        super().__init__(file, encoding="latin1")
        self._is_of_python_2 = file.read(2) not in _PYTHON_3_PROTOCOLS
        file.seek(0)
        self._objects: dict[str, Any] = {}

    def find_class(self, module: str, name: str, /) -> Any:
        """Return the object for a name, after a name of Python 2 is translated to Python 3's."""
        if self._is_of_python_2:
            module, name = NAME_MAPPING.get((module, name), (module, name))
            module = IMPORT_MAPPING.get(module, module)
        if len(module) + len(name) > _NAME_LIMIT:  # a few bytes can repeat a long name many times
            raise pickle.UnpicklingError(f"a name of more than {_NAME_LIMIT:,} characters")
        full = f"{module}.{name}"
        if full not in self._objects:
            if len(self._objects) == _NAMES_LIMIT:
                raise pickle.UnpicklingError(f"more than {_NAMES_LIMIT:,} names")
            self._objects[full] = self.find(full)
        return self._objects[full]

    def find(self, name: str) -> Any:
        """Return the object for a qualified name; called once per name."""
        raise NotImplementedError

    def persistent_load(self, pid: Any, /) -> Any:
        """Refuse: Metaflow writes no persistent ids."""
        # Only a str is repeated in the message: to write out another object could take for ever.
        raise ForbiddenName(f"persistent id {pid!r}" if isinstance(pid, str) else "persistent ids")


class UnpicklerOfAllowed(Unpickler):
    """Unpickler that accepts only the names on an allow-list."""

    def __init__(self, file: BinaryIO, allowed: Allowed) -> None:
        super().__init__(file)
        self._allowed = allowed

    def find(self, name: str) -> Any:
        """Return the object that the allow-list has for a qualified name; else ForbiddenName."""
        find_object = self._allowed.get(name)
        if find_object is None:
            raise ForbiddenName(name)
        return find_object()
