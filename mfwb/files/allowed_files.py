"""Files of this machine that a flow run may send to W&B: those below allowed folders.

A flow run may come from a stranger, and can name any file: a key, a password, the environment of a
process. So only these folders count: those that the user named, and the folder in which the user's
own flow run ran, without its hidden files (`.ssh`, `.env`, `.git`). Messages reveal whether a file
exists only for allowed files.

A hard link can't be distinguished from its file; the kernel lets other users make one only if they
may write to the file, or if `fs.protected_hardlinks` is switched off.
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
"""Their files are not real files but interfaces of the kernel: `/proc/self/environ`."""


@dataclass(frozen=True)  # without slots, for the cached properties
class AllowedFiles:
    """The files of this machine that a flow run may send.

    Attributes:
        roots: folders that the user named.
        own_folder: the folder in which the flow run ran, if it is the user's own flow run; files
            with a name or a parent folder that begins with a dot are excluded.
    """

    roots: tuple[Path, ...] = ()
    own_folder: Path | None = None

    def resolve(self, path: Path) -> Path:
        """Return an absolute path with all links followed; the file may be missing.

        ItemLost if the result is not allowed, or a link can't be followed.
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
        """Whether a path leads to an allowed file."""
        try:
            self.resolve(path)
        except ItemLost:
            return False
        return True

    def open(self, path: Path) -> BinaryIO:
        """Open a file for reading; ItemLost if it is not allowed, OSError if it can't be read.

        It is exactly the file that was checked: a link that appears meanwhile is not followed.
        """
        resolved = self.resolve(path)
        root = self._root_of(resolved)
        if root is None:  # can't happen: `resolve` has checked it
            raise ItemLost(f"it is not allowed: {path}")
        return open_below(root, resolved)

    def _root_of(self, resolved: Path) -> Path | None:
        """Return the allowed folder of a path without links, or None."""
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
        with suppress(OSError, RuntimeError):  # a loop of links: no file exists there
            yield folder.resolve()
