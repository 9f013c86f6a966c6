"""Who may write on stdout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PRINT = "from mfwb.cli.streams import *; import os, subprocess, sys\n"


def python(script: str, **kwargs: object) -> subprocess.CompletedProcess[str]:
    """Run a script in a Python of its own."""
    return subprocess.run(  # type: ignore[call-overload,no-any-return]
        [sys.executable, "-c", PRINT + script],
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **kwargs},
        check=False,
    )


CHATTER = """
kept = sys.stdout
with keep_stdout_clean(quiet={quiet}):
    print("by print")
    kept.write("by an old handle\\n")
    os.write(1, b"by descriptor\\n")
    subprocess.run(["echo", "by a process"])
write_out("data\\n")
"""


def test_chatter_goes_to_stderr() -> None:
    """Whatever way an SDK prints, stdout holds our data alone."""
    done = python(CHATTER.format(quiet=False))

    assert done.stdout == "data\n"
    assert sorted(done.stderr.splitlines()) == [
        "by a process",
        "by an old handle",
        "by descriptor",
        "by print",
    ]


def test_chatter_goes_nowhere_if_quiet() -> None:
    """With --quiet chatter is not shown at all."""
    done = python(CHATTER.format(quiet=True))

    assert (done.stdout, done.stderr) == ("data\n", "")


def test_closed_stdout_stays_closed() -> None:
    """Without a stdout nothing can be spilled on it, and work goes on."""
    script = "os.close(1)\nwith keep_stdout_clean(quiet=False): pass\nwrite_error('done')"

    assert python(script).stderr == "mfwb: done\n"


def test_reader_who_left_is_no_error() -> None:
    """A broken pipe ends quietly, with the exit code that the work has earned."""
    read, write = os.pipe()
    os.close(read)
    done = python("write_out('data\\n' * 100_000); sys.exit(3)", stdout=write)
    os.close(write)

    assert (done.returncode, done.stderr) == (3, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_full_disk_is_told() -> None:
    """What can't be written is told, once."""
    script = """
from mfwb.errors import MfwbError
try:
    write_out("data\\n")
except MfwbError as error:
    write_error(str(error))
"""
    with Path("/dev/full").open("w") as full:
        done = python(script, stdout=full)

    assert (done.returncode, done.stderr) == (
        0,
        "mfwb: can't write to stdout: No space left on device\n",
    )


def test_letters_that_stdout_lacks() -> None:
    """Letters that stdout can't take are escaped in text, and data has a form without them."""
    env = {**os.environ, "PYTHONIOENCODING": "ascii"}
    script = "write_out('a ← ä\\n'); write_out('\"ä\"', plain='\"\\\\u00e4\"')"
    first, second = python(script, env=env).stdout.splitlines()

    assert first == "a \\u2190 \\xe4"
    assert json.loads(second) == "ä"


def test_closed_stderr_is_borne() -> None:
    """Who closed stderr does not want to know."""
    read, write = os.pipe()
    os.close(read)
    done = python("write_error('hello'); os.dup2(os.open(os.devnull, 1), 2)", stderr=write)
    os.close(write)

    assert done.returncode == 0
