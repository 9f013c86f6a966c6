"""mfwb where almost no memory is left."""

from __future__ import annotations

import subprocess
import sys

import pytest

_COMMAND = """
import resource
from mfwb.cli import main

pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + (12 << 20)  # the stack of one thread, and little more
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
main()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems don't keep this limit")
def test_too_little_memory() -> None:
    """It is said at once; a thread that can't begin would be waited for without end."""
    command = [sys.executable, "-c", _COMMAND]

    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)

    assert (done.returncode, done.stderr) == (1, "mfwb: there is not enough memory\n")
