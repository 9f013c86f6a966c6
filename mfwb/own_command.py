"""The command lines that run mfwb in processes of their own, with the Python of this one."""

from __future__ import annotations

import sys

__all__ = ["own_command", "own_program"]

_START = """\
import sys
sys.path[:] = [path for path in sys.path if path]  # not the current folder, where anybody may write
from {module} import main
main()
"""


def own_command(*arguments: str) -> list[str]:
    """Return the command line of `mfwb` with arguments.

    The folder of the script `mfwb` need not be in the PATH.
    """
    return own_program("mfwb.cli", *arguments)


def own_program(module: str, *arguments: str) -> list[str]:
    """Return the command line of a module of mfwb that has a function `main`."""
    return [sys.executable, "-c", _START.format(module=module), *arguments]
