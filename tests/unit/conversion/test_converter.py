"""The conversion process: real processes, really killed."""

from __future__ import annotations

import io
import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pytest

from mfwb.conversion.convert import Conversion, Job
from mfwb.conversion.converter import BrokenOffError, Converter, UnconvertibleError, new_forkserver
from mfwb.conversion.converter_child import FULL, NO_MEMORY, UNCONVERTIBLE, answer
from mfwb.isolation.forkserver import Forkserver
from mfwb.payload import PayloadBuilder
from mfwb.planning import Form, Plan, PlannedFile
from mfwb.snapshot.pathspec import FlowRunId
from tests.unit.payload.memory import TASK, MemoryContents, output, planned_file, planned_run

TABLE = Conversion.TABLE
FRAME = pd.DataFrame({"a": [1, 2], "b": ["x", None]})
OLD_PICKLE = Path(__file__).parents[2] / "data" / "pickles" / "pandas_2_2_ix_multi.pkl"
PATIENCE = 30  # seconds


def pid_of(converter: Converter) -> int:
    """Return the process of a converter."""
    assert converter.pid is not None
    return converter.pid


def pickled(folder: Path, value: Any = FRAME, name: str = "x.pkl") -> Path:
    """Return a file with the pickle of a value."""
    path = folder / name
    path.write_bytes(pickle.dumps(value))
    return path


def parquet_of(frame: pd.DataFrame) -> bytes:
    """Return what W&B's decorator would have written."""
    file = io.BytesIO()
    frame.to_parquet(file, engine="pyarrow")
    return file.getvalue()


def wait_for(happens: Callable[[], bool]) -> None:
    """Wait until something is the case."""
    deadline = time.monotonic() + PATIENCE
    while not happens():
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.01)


def is_being_read(pipe: Path) -> bool:
    """Whether a process has opened the pipe and waits for what comes."""
    try:
        # That fails as long as nobody reads. It stays open: closed, it would be at its end.
        os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return False
    return True


def plan_of(*files: PlannedFile) -> Plan:
    """Return a plan with one W&B run."""
    run = planned_run(outputs=[output(*files)])
    return Plan("Flow/1", FlowRunId("Flow/1", "local@/x", 0), None, "flow", "Flow/1", (run,))


@pytest.fixture
def idle() -> Iterator[dict[bool, Forkserver]]:
    """Return fork servers that nothing has started yet."""
    result = {trusted: new_forkserver(trusted=trusted) for trusted in (False, True)}
    yield result
    for item in result.values():
        item.close()


def are_started(forkservers: dict[bool, Forkserver]) -> bool:
    """Whether one of the fork servers was started."""
    return any(forkserver.is_running for forkserver in forkservers.values())


# --- ends of processes ----------------------------------------------------------------------


def test_killed_in_the_middle(converter: Converter, tmp_path: Path) -> None:
    """A process that is killed takes one conversion with it; there is a new one for the next."""
    os.mkfifo(tmp_path / "pipe")
    with ThreadPoolExecutor(1) as pool:
        doomed = pool.submit(
            converter.convert, Job(Conversion.VALUE, tmp_path / "pipe", tmp_path / "never")
        )
        wait_for(lambda: is_being_read(tmp_path / "pipe"))
        killed = pid_of(converter)
        os.kill(killed, signal.SIGKILL)
        with pytest.raises(UnconvertibleError, match=r"ended \(-9\)"):
            doomed.result(PATIENCE)

    converter.convert(Job(TABLE, pickled(tmp_path), tmp_path / "x.parquet"))

    assert (tmp_path / "x.parquet").read_bytes() == parquet_of(FRAME)
    assert pid_of(converter) != killed
    assert not psutil.pid_exists(killed)


def has_ended(pid: int) -> bool:
    """Return whether all threads of a process ended; the first one may be a zombie before."""
    try:
        process = psutil.Process(pid)
        return process.status() == psutil.STATUS_ZOMBIE and process.num_threads() <= 1
    except psutil.NoSuchProcess:
        return True


def test_killed_in_the_middle_of_many(converter: Converter, tmp_path: Path) -> None:
    """Of jobs that were sent together, the one that ends the process is the only one lost."""
    os.mkfifo(tmp_path / "pipe")
    jobs = [
        Job(TABLE, pickled(tmp_path), tmp_path / "first"),
        Job(Conversion.VALUE, tmp_path / "pipe", tmp_path / "never"),
        Job(TABLE, pickled(tmp_path), tmp_path / "third"),
        Job(TABLE, pickled(tmp_path, "no frame", "text.pkl"), tmp_path / "fourth"),
    ]
    with ThreadPoolExecutor(1) as pool:
        converting = pool.submit(converter.convert_each, jobs)
        wait_for(lambda: is_being_read(tmp_path / "pipe"))
        os.kill(pid_of(converter), signal.SIGKILL)
        first, second, third, fourth = converting.result(PATIENCE)

    assert (first, third) == ("", "")
    assert str(second) == "the process that converts it ended (-9)"
    assert isinstance(fourth, UnconvertibleError)
    for name in ("first", "third"):
        assert (tmp_path / name).read_bytes() == parquet_of(FRAME)
    assert not (tmp_path / "never").exists()
    assert not (tmp_path / "fourth").exists()


def test_one_of_many_takes_too_long(forkserver: Forkserver, tmp_path: Path) -> None:
    """Each of them has its own time; the others are not late because of it."""
    converter = Converter(forkserver, time_limit=1.0)
    os.mkfifo(tmp_path / "pipe")
    jobs = [
        Job(Conversion.VALUE, tmp_path / "pipe", tmp_path / "never"),
        Job(TABLE, pickled(tmp_path), tmp_path / "second"),
    ]

    first, second = converter.convert_each(jobs)
    converter.close()

    assert str(first) == "it took more than 1 seconds"
    assert second == ""
    assert (tmp_path / "second").read_bytes() == parquet_of(FRAME)


def test_closed_in_the_middle_of_many(converter: Converter, tmp_path: Path) -> None:
    """None of them is called unconvertible then."""
    os.mkfifo(tmp_path / "pipe")
    jobs = [
        Job(Conversion.VALUE, tmp_path / "pipe", tmp_path / "never"),
        Job(TABLE, pickled(tmp_path), tmp_path / "second"),
    ]
    with ThreadPoolExecutor(1) as pool:
        converting = pool.submit(converter.convert_each, jobs)
        wait_for(lambda: is_being_read(tmp_path / "pipe"))
        converter.close()
        with pytest.raises(BrokenOffError):
            converting.result(PATIENCE)


def test_killed_while_idle(converter: Converter, tmp_path: Path) -> None:
    """A process that was killed when it had nothing to do costs nothing."""
    converter.convert(Job(TABLE, pickled(tmp_path), tmp_path / "first.parquet"))
    killed = pid_of(converter)
    os.kill(killed, signal.SIGKILL)
    wait_for(lambda: has_ended(killed))

    converter.convert(Job(TABLE, pickled(tmp_path), tmp_path / "x.parquet"))

    assert (tmp_path / "x.parquet").exists()
    assert pid_of(converter) != killed


def test_close(forkserver: Forkserver, tmp_path: Path) -> None:
    """After closing there is no process, not even a zombie, and there will be none."""
    converter = Converter(forkserver)
    converter.convert(Job(TABLE, pickled(tmp_path), tmp_path / "x.parquet"))
    first = pid_of(converter)

    converter.close()
    converter.close()

    assert not psutil.pid_exists(first)
    with pytest.raises(BrokenOffError, match="interrupted"):
        converter.convert(Job(TABLE, OLD_PICKLE, Path("never")))


def test_close_does_not_wait(forkserver: Forkserver, tmp_path: Path) -> None:
    """Closing ends a conversion that would take for ever."""
    os.mkfifo(tmp_path / "pipe")
    converter = Converter(forkserver)
    with ThreadPoolExecutor(1) as pool:
        endless = pool.submit(
            converter.convert, Job(Conversion.VALUE, tmp_path / "pipe", tmp_path / "never")
        )
        wait_for(lambda: is_being_read(tmp_path / "pipe"))
        converter.close()
        with pytest.raises(BrokenOffError):
            endless.result(PATIENCE)


def test_parent_that_is_killed(tmp_path: Path) -> None:
    """When the parent is killed, its process ends too."""
    value, made = pickled(tmp_path, 1), tmp_path / "made"
    code = f"""
import time
from pathlib import Path
from mfwb.conversion.convert import Conversion, Job
from mfwb.conversion.converter import Converter, new_forkserver
converter = Converter(new_forkserver())
converter.convert(Job(Conversion.VALUE, Path({str(value)!r}), Path({str(made)!r})))
print(converter.pid, flush=True)
time.sleep(100)
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=tmp_path
    ) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()

    wait_for(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


def test_parent_that_is_killed_meanwhile(tmp_path: Path) -> None:
    """When the parent is killed, its process does not go on with what it was doing."""
    os.mkfifo(tmp_path / "pipe")
    value, made = pickled(tmp_path, 1), tmp_path / "made"
    code = f"""
from pathlib import Path
from threading import Thread
from mfwb.conversion.convert import Conversion, Job
from mfwb.conversion.converter import Converter, new_forkserver
converter = Converter(new_forkserver())
converter.convert(Job(Conversion.VALUE, Path({str(value)!r}), Path({str(made)!r})))
print(converter.pid, flush=True)
converter.convert(Job(Conversion.VALUE, Path({str(tmp_path / "pipe")!r}), Path("never")))
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=tmp_path
    ) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        wait_for(lambda: is_being_read(tmp_path / "pipe"))
        parent.kill()

    wait_for(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


def test_ctrl_c(converter: Converter, tmp_path: Path) -> None:
    """Ctrl-C reaches all processes of a terminal; this one leaves it to its parent."""
    converter.convert(Job(TABLE, pickled(tmp_path), tmp_path / "x.parquet"))
    before = pid_of(converter)
    os.kill(before, signal.SIGINT)
    converter.convert(Job(TABLE, pickled(tmp_path), tmp_path / "y.parquet"))

    assert pid_of(converter) == before


# --- when there is one ----------------------------------------------------------------------


@pytest.mark.parametrize("form", [Form.PARQUET, Form.FRAMES])
def test_started_when_frames_are_expected(
    form: Form, tmp_path: Path, idle: dict[bool, Forkserver]
) -> None:
    """The process starts before the first frame is asked for."""
    builder = PayloadBuilder(tmp_path, keep=True, forkservers=idle)
    builder.prestart(plan_of(planned_file(MemoryContents().add(FRAME), form)))

    assert are_started(idle)


def test_not_started_without_frames(tmp_path: Path, idle: dict[bool, Forkserver]) -> None:
    """Without frames there is no process, neither beforehand nor in the end."""
    contents = MemoryContents()
    files = [
        planned_file(contents.add("x"), Form.PICKLE),
        planned_file(contents.add(tmp_path), Form.PATH),
    ]
    plan = plan_of(*files)
    builder = PayloadBuilder(tmp_path / "payloads", keep=True, forkservers=idle)
    builder.prestart(plan)
    builder.prepare(plan.runs[0], contents)

    assert not are_started(idle)


def test_not_started_for_what_is_converted(
    builder: PayloadBuilder, tmp_path: Path, idle: dict[bool, Forkserver]
) -> None:
    """Frames that an earlier sync into this bundle converted need no process."""
    contents = MemoryContents()
    plan = plan_of(planned_file(contents.add(FRAME), Form.PARQUET))
    builder.prepare(plan.runs[0], contents)
    again = PayloadBuilder(tmp_path / "payloads", keep=True, forkservers=idle)
    again.prestart(plan)
    again.prepare(plan.runs[0], contents)

    assert not are_started(idle)


def test_no_process_to_be_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no process can be started nothing is converted: it would be without any limit."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "missing"))
    converter = Converter(new_forkserver())

    with pytest.raises(
        UnconvertibleError, match=r"no process to convert it could be started: .*No such file"
    ):
        converter.convert(Job(TABLE, pickled(tmp_path), tmp_path / "x.parquet"))

    assert converter.pid is None


# --- what it does, and what not -------------------------------------------------------------


def test_several_threads(converter: Converter, tmp_path: Path) -> None:
    """Threads that convert at the same time get each their own, from one process."""
    frames = [pd.DataFrame({"n": [number]}) for number in range(16)]
    barrier = threading.Barrier(8)

    def convert(number: int) -> None:
        source = pickled(tmp_path, {"k": frames[number]}, f"{number}.pkl")
        barrier.wait(PATIENCE)
        converter.convert(Job(Conversion.TABLES, source, tmp_path / str(number)))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(convert, range(16)))

    for number, frame in enumerate(frames):
        assert (tmp_path / str(number) / "k.parquet").read_bytes() == parquet_of(frame)
    me = psutil.Process(pid_of(converter))
    assert {child.pid for child in me.parent().children()} >= {me.pid}  # type: ignore[union-attr]


def test_reason(converter: Converter, tmp_path: Path) -> None:
    """What can't be converted comes back with the reason, and the process goes on."""
    converter.convert(Job(TABLE, pickled(tmp_path), tmp_path / "first.parquet"))
    before = pid_of(converter)
    with pytest.raises(UnconvertibleError, match="TypeError: a int is not a table"):
        converter.convert(Job(TABLE, pickled(tmp_path, 1), tmp_path / "x.parquet"))

    assert pid_of(converter) == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is full")
def test_full_disk(tmp_path: Path) -> None:
    """A full disk is not the frame's fault."""
    (tmp_path / "x.parquet").symlink_to("/dev/full")

    reported = answer(Job(TABLE, pickled(tmp_path), tmp_path / "x.parquet"))

    assert reported == {"outcome": FULL}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds processes to limits")
def test_not_enough_memory(tmp_path: Path) -> None:
    """What does not fit into the memory it may take stays a pickle; the process goes on."""
    contents = MemoryContents()
    contents.logs[TASK] = []
    large = contents.add(pd.DataFrame({"a": np.ones(20_000_000)}), "large")
    small = contents.add(FRAME, "small")
    plan = plan_of(*(planned_file(item, Form.PARQUET, item.name) for item in (large, small)))
    builder = PayloadBuilder(tmp_path, keep=True, max_memory=50_000_000)
    try:
        (artifact,) = builder.prepare(plan.runs[0], contents).artifacts
    finally:
        builder.close()

    assert [file.path for file in artifact.files] == ["large.pkl", "small.parquet"]
    assert artifact.metadata["kept_as_pickle"] == {
        "large.pkl": "it takes more than 50,000,000 bytes of memory"
    }


def test_memory_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory may also run out in the middle of a frame."""

    def no_memory(_: bytes) -> None:
        raise MemoryError

    monkeypatch.setattr("mfwb.conversion.convert.load_frame", no_memory)

    reported = answer(Job(TABLE, pickled(tmp_path), tmp_path / "x"))

    assert reported == {"outcome": NO_MEMORY}


def test_modules_in_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Modules that lie around where mfwb is called are not imported."""
    for name in ("pandas", "pyarrow", "json", "signal"):
        (tmp_path / f"{name}.py").write_text(f"open('{name}.imported', 'w')")
    monkeypatch.chdir(tmp_path)
    forkserver = new_forkserver()
    try:
        converter = Converter(forkserver)
        converter.convert(Job(TABLE, pickled(tmp_path), tmp_path / "x.parquet"))
        converter.close()
    finally:
        forkserver.close()

    assert (tmp_path / "x.parquet").read_bytes() == parquet_of(FRAME)
    assert list(tmp_path.glob("*.imported")) == []


def test_what_libraries_print_is_no_answer(tmp_path: Path) -> None:
    """Only answers go to the parent, whatever a library writes to stdout."""
    for name in ("in", "out"):
        (tmp_path / name).mkdir()
    code = (
        "import os; from mfwb.conversion import convert, converter_child;"
        "convert.load_frame = lambda data: (print('noise', flush=True), os.write(1, b'noise'));"
        "converter_child.preload(trusted=False);"
        f"converter_child.run_worker(10**9, {str(tmp_path)!r}, trusted=False)"
    )
    request = {
        "conversion": "table",
        "source": str(pickled(tmp_path / "in")),
        "target": str(tmp_path / "out" / "x"),
        "rows": None,
        "plugin": "",
    }
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(request) + "\n")
        process.stdin.flush()
        hello = process.stdout.readline()
        reported = process.stdout.readline()
        rest, noise = process.communicate()

    assert "audit hook" in json.loads(hello)["confined"]
    assert json.loads(reported)["outcome"] == UNCONVERTIBLE
    assert rest == ""
    assert noise.count("noise") == 2


def test_this_process_stays_small(tmp_path: Path) -> None:
    """Who converts frames imports no pandas, numpy or pyarrow; nothing is left lying around."""
    code = f"""
import sys
from pathlib import Path
from mfwb.payload import PayloadBuilder
from mfwb.planning import Form
from tests.unit.payload.memory import TASK, MemoryContents, output, planned_file, planned_run
contents = MemoryContents()
contents.logs[TASK] = []
content = contents.add_bytes(Path({str(OLD_PICKLE)!r}).read_bytes())
run = planned_run(outputs=[output(planned_file(content, Form.PARQUET))])
builder = PayloadBuilder(Path({str(tmp_path)!r}), keep=True)
print(builder.prepare(run, contents).artifacts[0].files[0].path)
builder.close()
print({{"pandas", "numpy", "pyarrow"}} & set(sys.modules))
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )

    assert done.stdout == "x.parquet\nset()\n"
    assert done.stderr == ""
    files = sorted("".join(path.suffixes[-2:]) for path in tmp_path.rglob("*") if path.is_file())
    assert files == [".parquet", ".rows.json"]
