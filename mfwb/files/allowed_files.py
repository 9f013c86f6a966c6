"""Which files of this machine a flow run may send to W&B: those below folders that are allowed.

A flow run is a stranger's, and names whatever file it likes: a key, a password, the environment
of a process. So nothing counts but folders that the user named, and the folder that the user's
own flow run ran in, where what is hidden (`.ssh`, `.env`, `.git`) stays hidden. Whether a file is
there at all is told only of allowed ones.

A hard link can't be told from the file it links to; the kernel lets others make one only where
they may write the file, or where `fs.protected_hardlinks` is switched off.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from mfwb.errors import ItemLost
from mfwb.files.rooted_files import open_below

__all__ = ["AllowedFiles"]

_KERNELS = (Path("/proc"), Path("/sys"), Path("/dev"))
"""What lies there is no file, but a way to ask the kernel: `/proc/self/environ`."""


@dataclass(frozen=True)  # without slots: where its folders lead is asked for once
class AllowedFiles:
    """The files of this machine that a flow run may send.

    Attributes:
        roots: folders that the user named.
        own_folder: the folder that the flow run ran in, if that is the user's own flow run;
            nothing below it counts whose name, or that of a folder on the way, begins with a dot.
    """

    roots: tuple[Path, ...] = ()
    own_folder: Path | None = None

    def resolve(self, path: Path) -> Path:
        """Return where an absolute path leads, all links followed; nothing has to be there.

        ItemLost if that is not allowed, or the path can't be followed.
        """
        try:
            resolved = path.resolve()
        except (OSError, RuntimeError, ValueError) as error:  # a loop, too long, a NUL
            raise ItemLost(f"the path can't be read on this machine: {error}") from None
        if self._root_of(resolved) is None:
            raise ItemLost(
                "files of this machine are sent only from folders that you allow "
                f"(--path-root DIR): {path}"
            )
        return resolved

    def allows(self, path: Path) -> bool:
        """Whether a path leads to where files may be sent from."""
        try:
            self.resolve(path)
        except ItemLost:
            return False
        return True

    def open(self, path: Path) -> BinaryIO:
        """Return a file, opened for reading; ItemLost if it is not allowed, OSError if it is bad.

        It is the very file that was checked: no link that appears meanwhile is followed.
        """
        resolved = self.resolve(path)
        root = self._root_of(resolved)
        if root is None:  # `resolve` has seen to that
            raise ItemLost(f"it is not allowed: {path}")
        return open_below(root, resolved)

    def _root_of(self, resolved: Path) -> Path | None:
        """Return the allowed folder that a path without links lies in."""
        if any(resolved.is_relative_to(kernel) for kernel in _KERNELS):
            return None
        for root in self._real_roots:
            if resolved.is_relative_to(root):
                return root
        for own_folder in self._real_own_folders:
            if resolved.is_relative_to(own_folder):
                hidden = any(
                    part.startswith(".") for part in resolved.relative_to(own_folder).parts
                )
                return None if hidden else own_folder
        return None

    @cached_property
    def _real_roots(self) -> list[Path]:
        return list(_resolved(self.roots))

    @cached_property
    def _real_own_folders(self) -> list[Path]:
        return list(_resolved([] if self.own_folder is None else [self.own_folder]))


def _resolved(folders: Iterable[Path]) -> Iterator[Path]:
    for folder in folders:
        with suppress(OSError, RuntimeError):  # a loop of links: nothing lies there
            yield folder.resolve()
