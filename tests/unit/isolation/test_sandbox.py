"""A compromised process that loads pickles can do nothing harmful."""

from __future__ import annotations

import errno
import json
import os
import pickle
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pytest

from mfwb.conversion.convert import Conversion, Job, convert
from mfwb.conversion.converter import Converter, UnconvertibleError, new_forkserver
from mfwb.conversion.converter_child import INBOX, OUTBOX
from mfwb.conversion.inspector import Inspector
from mfwb.conversion.inspector_child import Inspection, inspect_here
from mfwb.isolation.audit_hook import STOPPED_EXIT_CODE
from mfwb.isolation.child_environment import build_environment
from mfwb.isolation.forkserver import Forkserver
from tests.support.hostile_pickles.makers import CORPUS
from tests.unit.conversion import lying as lying_conversion
from tests.unit.payload import breaking_out, lying
from tests.unit.payload.frames_of_all_kinds import columns, frames, indexes

linux = pytest.mark.skipif(sys.platform != "linux", reason="Linux alone takes rights away")

_SEEN_BY_THE_KERNEL_ALONE = {
    *("trace", "ask for a ring", "leave its group", "slow down its parent"),
    *("end its parent by its thread", "share memory", "change its root"),
}
_SEEN_BY_PYTHON_ALONE = {"unpickle", "load a library"}
_ALLOWED_TO_PYTHON = {"list a folder"}  # imports do so all the time
_REFUSED = {errno.EACCES, errno.EPERM, errno.EXDEV}


@pytest.fixture(scope="module")
def taken_over() -> Iterator[Forkserver]:
    """Return what makes processes that try to break out."""
    forkserver = Forkserver(breaking_out.__name__, 10**9)
    yield forkserver
    forkserver.close()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a folder with a secret, and those of a process and of another one."""
    (tmp_path / "secret").write_text("s3cret")
    for owner in ("own", "other"):
        for name in (INBOX, OUTBOX):
            (tmp_path / owner / name).mkdir(parents=True)
        (tmp_path / owner / INBOX / "pickle").write_bytes(b"N.")
    return tmp_path


def tried(forkserver: Forkserver, name: str, place: Path, *, watched: bool) -> tuple[str, int]:
    """Return what became of an attempt, and the exit code."""
    process = forkserver.start_process(str(place / "own"))
    with process.requests, process.responses:
        process.requests.write(json.dumps([name, str(place), watched]).encode() + b"\n")
        process.requests.flush()
        answer = process.responses.readline().decode().strip()
    return answer, process.kill()


@linux
@pytest.mark.parametrize("name", sorted(set(breaking_out.ATTEMPTS) - _SEEN_BY_PYTHON_ALONE))
def test_the_kernel_refuses(name: str, taken_over: Forkserver, place: Path) -> None:
    """Whatever it runs, it has no right to."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        (place / "own" / INBOX / "port").write_text(str(server.getsockname()[1]))
        answer, _ = tried(taken_over, name, place, watched=False)

    assert answer in {f"refused: {number}" for number in _REFUSED}
    assert sorted(path.name for path in place.iterdir()) == ["other", "own", "secret"]
    assert (place / "own" / INBOX / "pickle").read_bytes() == b"N."
    assert list((place / "own" / OUTBOX).iterdir()) == []


@linux
@pytest.mark.parametrize("name", breaking_out.CHANGES)
def test_the_kernel_changes_nothing(name: str, taken_over: Forkserver, place: Path) -> None:
    """Landlock would let it change the rights, owner and times of any file of the user's."""
    paths = (place, place / "secret")
    before = [facts(path) for path in paths]

    tried(taken_over, name, place, watched=False)

    assert [facts(path) for path in paths] == before


def facts(path: Path) -> tuple[Any, ...]:
    """Return what is said of a file beside its content."""
    status = path.stat()
    noted = os.listxattr(path) if hasattr(os, "listxattr") else []
    return status.st_mode, status.st_uid, status.st_gid, status.st_mtime_ns, noted


@linux
def test_what_honest_code_does_with_its_own(taken_over: Forkserver, place: Path) -> None:
    """To copy a file and to begin a thread work as ever, and so does to look at limits."""
    assert tried(taken_over, "honest", place, watched=False)[0] == "done"


@pytest.mark.parametrize(
    "name",
    sorted(
        {*breaking_out.ATTEMPTS, *breaking_out.CHANGES}
        - _SEEN_BY_THE_KERNEL_ALONE
        - _ALLOWED_TO_PYTHON
    ),
)
def test_the_audit_hook_stops_it(name: str, taken_over: Forkserver, place: Path) -> None:
    """Where the kernel has nothing to offer, it ends when it tries."""
    (place / "own" / INBOX / "port").write_text("1")

    answer, code = tried(taken_over, name, place, watched=True)

    assert (answer, code) == ("", STOPPED_EXIT_CODE)
    assert sorted(path.name for path in place.iterdir()) == ["other", "own", "secret"]


@linux
def test_it_says_what_confines_it(converter: Converter, tmp_path: Path) -> None:
    """Both of the kernel's means and the hook hold where this is tested."""
    (tmp_path / "x").write_bytes(pickle.dumps(1))
    converter.convert(Job(Conversion.VALUE, tmp_path / "x", tmp_path / "y"))

    assert "seccomp, audit hook" in converter.confined_by
    assert "Landlock" in converter.confined_by


def values() -> dict[str, tuple[Conversion, Any]]:
    """Return something of each kind that is converted."""
    result: dict[str, tuple[Conversion, Any]] = {
        f"{group} {name}": (Conversion.TABLE, pd.Series(value) if group == "column" else value)
        for group, of in (("frame", frames()), ("column", columns()), ("index", indexes()))
        for name, value in of.items()
    }
    result["tables"] = (Conversion.TABLES, {"a": pd.DataFrame({"x": [1]}), "b": pd.Series([1])})
    result["array"] = (Conversion.ARRAY, np.arange(10.0))
    result["value"] = (Conversion.VALUE, {"a": [1, np.float64(2), {"x"}]})
    return result


HONEST = values()
_TABLE = Conversion.TABLE


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.exhaustive] if number % 4 and how is _TABLE else [])
        for number, (name, (how, _)) in enumerate(HONEST.items())
    ],
)
def test_the_honest_notice_nothing(name: str, converter: Converter, tmp_path: Path) -> None:
    """The same files come out as without any confinement, rows to look at included."""
    conversion, value = HONEST[name]
    (tmp_path / "x").write_bytes(pickle.dumps(value, protocol=4))
    rows = tmp_path / "rows" if conversion is Conversion.TABLE else None
    here = tmp_path / "here-rows" if rows else None

    converter.convert(Job(conversion, tmp_path / "x", tmp_path / "there", rows))
    convert(Job(conversion, tmp_path / "x", tmp_path / "here", here))

    made = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert bytes_below(tmp_path / "there") == bytes_below(tmp_path / "here")
    if rows is not None and here is not None and here.exists():
        assert rows.read_bytes() == here.read_bytes()
    assert not [path for path in made if OUTBOX in path.parts]


def bytes_below(path: Path) -> dict[str, bytes]:
    """Return the bytes of a file or of all files of a folder."""
    files = [path] if path.is_file() else [item for item in path.rglob("*") if item.is_file()]
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in files}


def test_no_secrets_in_its_environment() -> None:
    """What a stranger's pickle could read of the variables is worth nothing."""
    given = {
        "PATH": "/bin",
        "LC_ALL": "C",
        "PYTHONHASHSEED": "0",
        "WANDB_API_KEY": "w",
        "AWS_SECRET_ACCESS_KEY": "a",
        "METAFLOW_SERVICE_AUTH_KEY": "m",
        "HTTPS_PROXY": "http://user:password@proxy",
    }

    safe, trusted = (set(build_environment(given, trusted=trusted)) for trusted in (False, True))

    assert safe & set(given) == {"PATH", "LC_ALL"}
    assert trusted & set(given) == set(given) - {"WANDB_API_KEY"}


@linux
def test_the_environment_that_it_really_has(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The process has no more than that, and nor has the one that it is a copy of."""
    monkeypatch.setenv("WANDB_API_KEY", "s3cret")
    (tmp_path / "x").write_bytes(pickle.dumps(1))
    forkserver = new_forkserver()
    converter = Converter(forkserver)
    converter.convert(Job(Conversion.VALUE, tmp_path / "x", tmp_path / "y"))
    assert converter.pid is not None
    process = psutil.Process(converter.pid)

    seen = [item.environ() for item in (process, process.parent()) if item is not None]

    converter.close()
    forkserver.close()
    assert len(seen) == 2
    assert not [item for item in seen if "WANDB_API_KEY" in item]


def test_a_process_for_each_flow_run(forkserver: Forkserver, tmp_path: Path) -> None:
    """What one flow run's pickle left in memory is not there when another one's is read."""
    (tmp_path / "x").write_bytes(pickle.dumps(1))
    pids = set()
    for number in range(3):
        converter = Converter(forkserver)
        for again in range(2):
            job = Job(Conversion.VALUE, tmp_path / "x", tmp_path / f"{number}{again}")
            converter.convert(job)
        assert converter.pid is not None
        pids.add(converter.pid)
        converter.close()

    assert len(pids) == 3


@pytest.fixture(scope="module")
def lying_forkserver() -> Iterator[Forkserver]:
    """Return what starts conversion processes that leave what their pickle says."""
    result = Forkserver(lying_conversion.__name__, 10**8)
    yield result
    result.close()


def test_what_it_makes_must_be_files(lying_forkserver: Forkserver, tmp_path: Path) -> None:
    """A link that a process leaves where its file should be is not followed."""
    (tmp_path / "secret").write_text("s3cret")
    (tmp_path / "x").write_text(f"link {tmp_path / 'secret'}")
    converter = Converter(lying_forkserver)

    with pytest.raises(UnconvertibleError, match="is not a file"):
        converter.convert(Job(Conversion.VALUE, tmp_path / "x", tmp_path / "y"))
    converter.close()

    assert not os.path.lexists(tmp_path / "y")


@pytest.mark.parametrize(
    ("kind", "reason"), [("deep", "too deeply"), ("hollow", "too much for a pickle of its size")]
)
def test_what_it_makes_has_bounds(
    kind: str, reason: str, lying_forkserver: Forkserver, tmp_path: Path
) -> None:
    """Folders that nobody could go down to, and files that nobody could send, are not taken."""
    (tmp_path / "x").write_text(kind)
    converter = Converter(lying_forkserver)

    with pytest.raises(UnconvertibleError, match=reason):
        converter.convert(Job(Conversion.VALUE, tmp_path / "x", tmp_path / "y"))
    converter.close()

    assert [path.name for path in tmp_path.iterdir()] == ["x"]


# --- looks ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def inspector() -> Iterator[Inspector]:
    """Return what looks at pickles."""
    result = Inspector()
    yield result
    result.close()


def test_the_same_as_here(inspector: Inspector) -> None:
    """What another process tells of a pickle is what is to be told, whatever it is."""
    pickled = [
        *(pickle.dumps(value, protocol=4) for _, value in HONEST.values()),
        *(pickle.dumps(value, protocol=4) for value in (1.5, float("nan"), "\ud800", 2**80, None)),
    ]
    for look in Inspection:
        existing = inspector.inspect("F/1", look, pickled)

        here = json.loads(json.dumps(inspect_here("F/1", look, pickled)))
        assert json.dumps([list(item) for item in existing]) == json.dumps(here)


def test_the_first_number_of_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process imports numpy for it, which must not look like what no pickle does."""
    for name in ("OPENBLAS_MAIN_FREE", "GOTOBLAS_MAIN_FREE"):  # numpy 1 sets both
        monkeypatch.delenv(name, raising=False)
    inspector = Inspector()
    answers = inspector.inspect("F/1", Inspection.VALUE, [pickle.dumps(np.float64(0.5))])
    inspector.close()

    assert answers == [([0.5, False], None)]


def test_one_that_ends_the_process(inspector: Inspector, monkeypatch: pytest.MonkeyPatch) -> None:
    """It costs itself; those that were looked at with it are looked at again."""
    good = pickle.dumps({"a": 1})
    monkeypatch.setattr("mfwb.conversion.inspector._ANSWER_LIMIT", 60_000)

    answers = inspector.inspect("F/2", Inspection.VALUE, [good, pickle.dumps("x" * 70_000), good])

    assert [result for result, _ in answers] == [[{"a": 1}, False], None, [{"a": 1}, False]]
    assert answers[1][1] == "the process that inspected it ended (-9)"


def test_one_that_takes_too_long() -> None:
    """The kernel ends a look that takes too much time; the next one is none the worse."""
    inspector = Inspector()
    inspector.inspect("F/3", Inspection.NAMES, [b"N."])
    pid = inspector.pid("F/3")
    assert pid is not None
    os.kill(pid, signal.SIGPROF)  # as the clock does

    answers = [inspector.inspect("F/3", Inspection.VALUE, [pickle.dumps(1)]) for _ in range(2)]
    inspector.close()

    assert answers == [[(None, "inspecting it took too long")], [([1, False], None)]]


@pytest.fixture(scope="module")
def liar() -> Iterator[Inspector]:
    """Return an inspector whose processes answer what a pickle says."""
    forkserver = Forkserver(lying.__name__, 10**8)
    result = Inspector(forkserver)
    yield result
    forkserver.close()
    result.close()


ANSWERS: dict[str, tuple[Inspection, bytes]] = {
    "no list": (Inspection.VALUE, b"5"),
    "no pairs": (Inspection.VALUE, b"[5]"),
    "a reason that is no text": (Inspection.VALUE, b'[[null, ["x"]]]'),
    "no reason for nothing": (Inspection.NAMES, b"[[null, 5]]"),
    "a value that is no pair": (Inspection.VALUE, b"[[5, null]]"),
    "a value of two letters": (Inspection.VALUE, b'[["ab", null]]'),
    "a series that is neither": (Inspection.VALUE_WITHOUT_NAMES, b"[[[1, 1], null]]"),
    "names that are no text": (Inspection.NAMES, b'[[["a", {}], null]]'),
    "names that are one text": (Inspection.NAMES_AT_START, b'[["ab", null]]'),
    "a digest that is none": (Inspection.DIGEST, b"[[{}, null]]"),
    "a deep one": (Inspection.VALUE, b"[" * 100_000 + b"]" * 100_000),
    "a number of many digits": (Inspection.VALUE, b"[[[" + b"9" * 10_000 + b", false], null]]"),
    "text that is none": (Inspection.VALUE, b"\xff\xfe"),
    "a bomb": (Inspection.VALUE, b"[[[[" + b"[]," * 8_000_000 + b"[]], false], null]]"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_answers_of_one_that_was_taken_over(name: str, liar: Inspector) -> None:
    """What it says is held to what can be said; else it is as if it had ended."""
    look, reported = ANSWERS[name]

    with limited():
        answers = liar.inspect("F/5", look, [reported])

    assert answers == [(None, "the process that inspected it ended (-9)")]


@contextmanager
def limited() -> Iterator[None]:
    """Hold this process to 300 MB more than it has."""
    if sys.platform != "linux":
        yield
        return
    import resource  # noqa: PLC0415 - not every system has it

    before = resource.getrlimit(resource.RLIMIT_DATA)
    now = int(re.findall(r"VmData:\s*(\d+)", Path("/proc/self/status").read_text())[0]) * 1024
    resource.setrlimit(resource.RLIMIT_DATA, (now + 300_000_000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


def test_one_that_never_answers(liar: Inspector, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes no time of the processor, and is ended all the same."""
    monkeypatch.setattr("mfwb.conversion.inspector._SECONDS", 0.5)
    reason = "inspecting it took too long"

    answers = [liar.inspect("F/6", Inspection.VALUE, [b""]) for _ in range(2)]

    assert answers == [[(None, reason)]] * 2


def test_the_clock() -> None:
    """The clock counts time of the processor; nothing that a pickle does can hold it up."""
    clock = "from mfwb.conversion import inspector_child as i; i._SECONDS = 0.2; i._limit_time(0)"

    ended = subprocess.run([sys.executable, "-c", f"{clock}\nwhile 1: pass"], check=False)

    assert ended.returncode == -signal.SIGPROF


@pytest.mark.parametrize(
    "name",
    [
        "laughing tuples as a key",
        pytest.param("a deep tuple as a key", marks=pytest.mark.exhaustive),
    ],
)
def test_hostile_ones_are_no_news_to_it(name: str, inspector: Inspector) -> None:
    """Known attacks are refused by the limits, so that the process survives."""
    data = CORPUS[name]()
    inspector.inspect("F/4", Inspection.NAMES, [b"N."])
    before = inspector.pid("F/4")
    assert before is not None

    for look in Inspection:
        ((result, _),) = inspector.inspect("F/4", look, [data])
        if look is Inspection.INSIDE:
            assert (result["names"], result["size"], result["is_relative"]) == ([], None, None)
            assert result["no_value"] is None or "more than 1,000 parts" in result["no_value"]
        else:
            assert result in (None, [])

    assert inspector.pid("F/4") == before
