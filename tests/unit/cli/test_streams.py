"""Output on stdout and stderr."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given

from mfwb.cli.streams import write_block, write_error
from mfwb.errors import MfwbError
from tests.support.strangers import anything, assert_inert

PRINT = "from mfwb.cli.streams import *; import os, subprocess, sys; install_streams()\n"


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


def test_what_is_closed_leads_nowhere(tmp_path: Path) -> None:
    """Work goes on, and no file that is opened then is taken for stdout or stderr."""
    script = (
        "file = open(sys.argv[1], 'w'); print('a'); write_error('b'); os.write(1, b'c')\n"
        "with keep_stdout_clean(quiet=False): subprocess.run(['echo', 'd'], check=True)\n"
        "file.close(); sys.exit(7)"
    )
    file = tmp_path / "file"
    command = ["sh", "-c", 'exec "$0" -c "$1" "$2" <&- >&- 2>&-', sys.executable, PRINT + script]

    done = subprocess.run([*command, str(file)], check=False)

    assert done.returncode == 7
    assert file.read_text() == ""


def test_reader_who_left_is_no_error() -> None:
    """A broken pipe ends quietly, with the exit code that the work has earned."""
    read, write = os.pipe()
    os.close(read)
    done = python("write_out('data\\n' * 100_000); sys.exit(3)", stdout=write)
    os.close(write)

    assert (done.returncode, done.stderr) == (3, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_full_disk_is_told() -> None:
    """Work goes on when something can't be written, whoever writes it, and that is told."""
    script = "print('x' * 100_000)\nwrite_out('data\\n')\nwrite_error(stdout_error() or '')"
    with Path("/dev/full").open("w") as full:
        done = python(script, stdout=full)

    assert (done.returncode, done.stderr) == (
        0,
        "mfwb: can't write to stdout: No space left on device\n",
    )


def test_a_slow_reader_gets_all_of_it() -> None:
    """Also where writing does not wait, as in a pipe that another program set so."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    script = "write_out('data\\n' * 100_000); sys.exit(stdout_error())"
    with (
        os.fdopen(read) as reader,
        subprocess.Popen([sys.executable, "-c", PRINT + script], stdout=write) as process,
    ):
        os.close(write)
        time.sleep(0.2)
        text = reader.read()

    assert (process.returncode, text) == (0, "data\n" * 100_000)


def test_letters_that_stdout_lacks() -> None:
    """Signs of ours become what looks like them, other letters escapes; data has a plain form."""
    env = {**os.environ, "PYTHONIOENCODING": "ascii"}
    script = "write_out('a ← ä\\n'); write_out('\"ä\"', plain='\"\\\\u00e4\"')"
    first, second = python(script, env=env).stdout.splitlines()

    assert first == "a <- \\xe4"
    assert json.loads(second) == "ä"


def test_closed_stderr_is_borne() -> None:
    """Who closed stderr does not want to know."""
    read, write = os.pipe()
    os.close(read)
    done = python("write_error('hello'); os.dup2(os.open(os.devnull, 1), 2)", stderr=write)
    os.close(write)

    assert done.returncode == 0


def test_a_password_in_a_url_is_masked(capsys: pytest.CaptureFixture[str]) -> None:
    """An error names the service of the user, and CI keeps what it says."""
    write_error("--metadata service@https://ann:hunter2@flows.example/: it can't be reached")

    assert capsys.readouterr().err == (
        "mfwb: --metadata service@https://***@flows.example/: it can't be reached\n"
    )


@given(text=anything())
def test_errors(text: str) -> None:
    """An error of ours is a line; so is what is said of it on stderr."""
    stream = io.StringIO()
    error = MfwbError(f"there is no {text}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stderr", stream)
        write_error(f"no {text}")
        write_error(str(error))
        write_block(f"Traceback\n{text}\n")

    assert_inert(stream.getvalue())
    assert_inert(f"{error}")
    assert len(str(error)) <= 2_000
    assert stream.getvalue().startswith("mfwb: no")
