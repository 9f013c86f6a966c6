"""`python -m mfwb`."""

import os
import sys
from contextlib import suppress


def _forget_current_folder() -> None:
    """Find no modules in the current folder, which Python puts first: anybody's may lie there.

    Whoever wants them says so by PYTHONPATH.
    """
    if sys.flags.isolated or getattr(sys.flags, "safe_path", False):
        return
    with suppress(OSError):  # it is not there any more, and then Python did not put it anywhere
        if sys.path[0] == os.getcwd():  # noqa: PTH109 - pathlib might lie there
            del sys.path[0]


_forget_current_folder()

from mfwb.cli import main  # noqa: E402 - only now

main()
