"""The command line that runs `mfwb` in a process of its own, with the Python of this one."""

from __future__ import annotations

import sys

__all__ = ["own_command"]

_START = """\
import sys
sys.path[:] = [path for path in sys.path if path]  # not the current folder, where anybody may write
from mfwb.cli import main
main()
"""


def own_command(*arguments: str) -> list[str]:
    """Return the command line of `mfwb` with arguments.

    The folder of the script `mfwb` need not be in the PATH.
    """
    return [sys.executable, "-c", _START, *arguments]
