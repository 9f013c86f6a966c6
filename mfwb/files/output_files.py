"""Files that the user named for an output of mfwb."""

from __future__ import annotations

from pathlib import Path

from mfwb.files.private_files import overwrite

__all__ = ["write_output"]


def write_output(path: Path, data: bytes, mode: int) -> None:
    """Write or replace a file in one step; a device or a pipe is written to, never replaced.

    root could replace even `/dev/null` by a file.

    Args:
        path: of the file.
        data: all that it will contain.
        mode: permissions of the file.

    Raises:
        OSError: if it can't be written.
    """
    if _is_device_or_pipe(path):
        with path.open("wb") as stream:
            stream.write(data)
    else:
        overwrite(path, data, mode)


def _is_device_or_pipe(path: Path) -> bool:
    """Whether it is one; `/dev/stdout` is, even if it leads to a file."""
    return path.exists() and (not path.is_file() or path.absolute().parts[:2] == ("/", "dev"))
