"""`python -m mfwb`."""

import os
import sys
from contextlib import suppress


def _forget_current_folder() -> None:
    """Exclude the current folder, which Python searches first: anybody may write modules there.

    To use modules of the current folder, set PYTHONPATH.
    """
    if sys.flags.isolated or getattr(sys.flags, "safe_path", False):
        return
    with suppress(OSError):  # it was deleted, and then Python did not add it
        if sys.path[0] == os.getcwd():  # noqa: PTH109 - pathlib might be a stranger's module
            del sys.path[0]


_forget_current_folder()

from mfwb.cli import main  # noqa: E402 - only now

main()
