"""`python -m mfwb`."""

import sys

# Python puts the current folder first, where anybody's `click.py` may lie; `mfwb` itself was found.
# Who wants modules of that folder to be found says so by PYTHONPATH.
if not (sys.flags.isolated or getattr(sys.flags, "safe_path", False)):
    del sys.path[0]

from mfwb.cli import main

main()
