"""The process that converts frames: real ones, really killed."""

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
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest

from mfwb.payload import Workshop
from mfwb.payload.converter import Converter, UnconvertibleError
from mfwb.payload.converting import NO_MEMORY, ONE, SEVERAL, UNCONVERTIBLE, answer
from mfwb.planning import Content, Form, Plan, PlannedFile
from tests.unit.payload.memory import TASK, MemoryContents, output, planned_file, planned_run

FRAME = pd.DataFrame({"a": [1, 2], "b": ["x", None]})
OLD_PICKLE = Path(__file__).parent / "data" / "pandas_2_2_ix_multi.pkl"
PATIENCE = 30  # seconds


class Pipes(MemoryContents):
    """Hands out the bytes of an artifact as a pipe that nobody writes to, the first time."""

    def __init__(self) -> None:
        super().__init__()
        self.pipes: list[Path] = []
        self.logs[TASK] = []

    def copy(self, content: Content, path: Path) -> None:
        """Make a pipe, and from then on the bytes."""
        if self.pipes:
            super().copy(content, path)
        else:
            os.mkfifo(path)
            self.pipes.append(path)


class SparseContents(MemoryContents):
    """Hands out a gigabyte that takes no space."""

    def copy(self, content: Content, path: Path) -> None:  # noqa: ARG002 - all are alike
        """Make a file that is one hole."""
        with path.open("wb") as file:
            file.truncate(10**9)


def pid_of(converter: Converter) -> int:
    """Return the process of a converter."""
    assert converter._child is not None
    return converter._child._process.pid


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
    return Plan("Flow/1", {}, None, "flow", "Flow/1", (run,))


def started_by(workshop: Workshop) -> bool:
    """Whether a workshop has a process; ends it."""
    found = workshop._converter._child is not None
    workshop.close()
    return found


# --- ends of processes ----------------------------------------------------------------------


def test_killed_in_the_middle(converter: Converter, tmp_path: Path) -> None:
    """A process that is killed takes one conversion with it; there is a new one for the next."""
    os.mkfifo(tmp_path / "pipe")
    with ThreadPoolExecutor(1) as pool:
        doomed = pool.submit(converter.convert, ONE, tmp_path / "pipe", tmp_path / "never")
        wait_for(lambda: is_being_read(tmp_path / "pipe"))
        killed = pid_of(converter)
        os.kill(killed, signal.SIGKILL)
        with pytest.raises(UnconvertibleError, match=r"ended \(-9\)"):
            doomed.result(PATIENCE)

    converter.convert(ONE, pickled(tmp_path), tmp_path / "x.parquet")

    assert (tmp_path / "x.parquet").read_bytes() == parquet_of(FRAME)
    assert pid_of(converter) != killed
    assert not psutil.pid_exists(killed)


def test_crash_costs_one_artifact(workshop: Workshop, converter: Converter) -> None:
    """A frame that crashes the process goes as its pickle; the next one is converted."""
    contents = Pipes()
    crashing = contents.add(FRAME, "x")
    run = planned_run(
        outputs=[
            output(
                planned_file(crashing, Form.PARQUET, "x"),
                planned_file(contents.add([FRAME], "y"), Form.FRAMES, "y"),
            )
        ]
    )
    with ThreadPoolExecutor(1) as pool:
        ready = pool.submit(workshop.prepare, run, contents)
        wait_for(lambda: bool(contents.pipes) and is_being_read(contents.pipes[0]))
        os.kill(pid_of(converter), signal.SIGSEGV)
        (artifact,) = ready.result(PATIENCE).artifacts

    files = {one.path: one.local.read_bytes() for one in artifact.files if one.local}
    assert files == {"x.pkl": contents.blobs[crashing.sha1], "y/0.parquet": parquet_of(FRAME)}
    assert ready.result().losses == ()
    assert not contents.pipes[0].exists()


def test_killed_while_idle(converter: Converter, tmp_path: Path) -> None:
    """A process that was killed when it had nothing to do costs nothing."""
    converter.start()
    child = converter._child
    assert child is not None
    os.kill(pid_of(converter), signal.SIGKILL)
    wait_for(lambda: not child.lives())

    converter.convert(ONE, pickled(tmp_path), tmp_path / "x.parquet")

    assert (tmp_path / "x.parquet").exists()


def test_close() -> None:
    """After closing there is no process, not even a zombie, and there will be none."""
    converter = Converter()
    converter.start()
    first = pid_of(converter)
    converter.start()
    assert pid_of(converter) == first

    converter.close()
    converter.close()

    assert not psutil.pid_exists(first)
    with pytest.raises(UnconvertibleError, match="broken off"):
        converter.convert(ONE, OLD_PICKLE, Path("never"))


def test_close_does_not_wait(tmp_path: Path) -> None:
    """Closing ends a conversion that would take for ever."""
    os.mkfifo(tmp_path / "pipe")
    converter = Converter()
    with ThreadPoolExecutor(1) as pool:
        endless = pool.submit(converter.convert, ONE, tmp_path / "pipe", tmp_path / "never")
        wait_for(lambda: converter._child is not None)
        converter.close()
        with pytest.raises(UnconvertibleError):
            endless.result(PATIENCE)


def test_parent_that_is_killed(tmp_path: Path) -> None:
    """When the parent is killed, its process ends too."""
    code = (
        "import time; from mfwb.payload.converter import Converter; c = Converter(); c.start();"
        "print(c._child._process.pid, flush=True); time.sleep(100)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=tmp_path
    ) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()

    wait_for(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


def test_ctrl_c(converter: Converter, tmp_path: Path) -> None:
    """Ctrl-C reaches all processes of a terminal; this one leaves it to its parent."""
    converter.convert(ONE, pickled(tmp_path), tmp_path / "x.parquet")
    before = pid_of(converter)
    os.kill(before, signal.SIGINT)
    converter.convert(ONE, pickled(tmp_path), tmp_path / "y.parquet")

    assert pid_of(converter) == before


# --- when there is one ----------------------------------------------------------------------


@pytest.mark.parametrize("form", [Form.PARQUET, Form.FRAMES])
def test_started_when_frames_are_expected(form: Form, tmp_path: Path) -> None:
    """The process starts before the first frame is asked for."""
    workshop = Workshop(tmp_path, keep=True)
    workshop.expect(plan_of(planned_file(MemoryContents().add(FRAME), form)))

    assert started_by(workshop)


def test_not_started_without_frames(tmp_path: Path) -> None:
    """Without frames there is no process, neither beforehand nor in the end."""
    contents = MemoryContents()
    files = [
        planned_file(contents.add("x"), Form.PICKLE),
        planned_file(contents.add(tmp_path), Form.PATH),
    ]
    plan = plan_of(*files)
    workshop = Workshop(tmp_path / "payloads", keep=True)
    workshop.expect(plan)
    workshop.prepare(plan.runs[0], contents)

    assert not started_by(workshop)


def test_not_started_for_what_is_converted(workshop: Workshop, tmp_path: Path) -> None:
    """Frames that an earlier sync into this bundle converted need no process."""
    contents = MemoryContents()
    plan = plan_of(planned_file(contents.add(FRAME), Form.PARQUET))
    workshop.prepare(plan.runs[0], contents)
    again = Workshop(tmp_path / "payloads", keep=True)
    again.expect(plan)
    again.prepare(plan.runs[0], contents)

    assert not started_by(again)


def test_no_process_to_be_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no process can be started, frames are converted in this one."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "missing"))
    converter = Converter()
    converter.start()
    converter.convert(ONE, pickled(tmp_path), tmp_path / "x.parquet")

    assert (tmp_path / "x.parquet").read_bytes() == parquet_of(FRAME)
    assert converter._child is None


# --- what it does, and what not -------------------------------------------------------------


def test_several_threads(converter: Converter, tmp_path: Path) -> None:
    """Threads that convert at the same time get each their own, from one process."""
    frames = [pd.DataFrame({"n": [number]}) for number in range(16)]
    barrier = threading.Barrier(8)

    def convert(number: int) -> None:
        source = pickled(tmp_path, {"k": frames[number]}, f"{number}.pkl")
        barrier.wait(PATIENCE)
        converter.convert(SEVERAL, source, tmp_path / str(number))

    before = len(psutil.Process().children())
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(convert, range(16)))

    for number, frame in enumerate(frames):
        assert (tmp_path / str(number) / "k.parquet").read_bytes() == parquet_of(frame)
    assert len(psutil.Process().children()) <= max(before, 1)


def test_reason(converter: Converter, tmp_path: Path) -> None:
    """What can't be converted comes back with the reason, and the process goes on."""
    converter.start()
    before = pid_of(converter)
    with pytest.raises(UnconvertibleError, match="TypeError: a int is no DataFrame"):
        converter.convert(ONE, pickled(tmp_path, 1), tmp_path / "x.parquet")

    assert pid_of(converter) == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is full")
def test_full_disk(converter: Converter, tmp_path: Path) -> None:
    """A full disk is not the frame's fault."""
    (tmp_path / "x.parquet").symlink_to("/dev/full")

    with pytest.raises(OSError, match="No space left"):
        converter.convert(ONE, pickled(tmp_path), tmp_path / "x.parquet")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits other processes")
def test_not_enough_memory(workshop: Workshop, converter: Converter, tmp_path: Path) -> None:
    """A frame that does not fit into memory is lost with that reason."""
    converter.convert(ONE, pickled(tmp_path), tmp_path / "x.parquet")
    process = psutil.Process(pid_of(converter))
    limits = process.rlimit(psutil.RLIMIT_AS)
    process.rlimit(psutil.RLIMIT_AS, (process.memory_info().vms + 10**8, limits[1]))
    contents = SparseContents()
    contents.logs[TASK] = []
    try:
        (ready,) = [
            workshop.prepare(run, contents)
            for run in plan_of(planned_file(contents.add(FRAME), Form.PARQUET)).runs
        ]
    finally:
        process.rlimit(psutil.RLIMIT_AS, limits)

    assert [loss.reason for loss in ready.losses] == ["there is not enough memory for it"]
    assert ready.artifacts == ()
    assert pid_of(converter) == process.pid


def test_memory_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory may also run out in the middle of a frame."""

    def no_memory(_: bytes) -> None:
        raise MemoryError

    monkeypatch.setattr("mfwb.payload.converting.load_frame", no_memory)

    assert answer(ONE, pickled(tmp_path), tmp_path / "x") == {"outcome": NO_MEMORY}


def test_modules_in_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Modules that lie around where mfwb is called are not imported."""
    for name in ("pandas", "pyarrow", "json", "signal"):
        (tmp_path / f"{name}.py").write_text(f"open('{name}.imported', 'w')")
    monkeypatch.chdir(tmp_path)
    converter = Converter()
    try:
        converter.convert(ONE, pickled(tmp_path), tmp_path / "x.parquet")
    finally:
        converter.close()

    assert (tmp_path / "x.parquet").read_bytes() == parquet_of(FRAME)
    assert list(tmp_path.glob("*.imported")) == []


def test_what_libraries_print_is_no_answer(tmp_path: Path) -> None:
    """Only answers go to the parent, whatever a library writes to stdout."""
    code = (
        "import os; from mfwb.payload import converting;"
        "converting.load_frame = lambda data: (print('noise', flush=True), os.write(1, b'noise'));"
        "converting.main()"
    )
    request = {"form": ONE, "source": str(OLD_PICKLE), "target": str(tmp_path / "x")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps(request) + "\n",
        capture_output=True,
        text=True,
        check=True,
    )

    assert json.loads(done.stdout)["outcome"] == UNCONVERTIBLE
    assert done.stderr.count("noise") == 2


def test_this_process_stays_small(tmp_path: Path) -> None:
    """Who converts frames imports no pandas, numpy or pyarrow; nothing is left lying around."""
    code = f"""
import sys
from pathlib import Path
from mfwb.payload import Workshop
from mfwb.planning import Form
from tests.unit.payload.memory import TASK, MemoryContents, output, planned_file, planned_run
contents = MemoryContents()
contents.logs[TASK] = []
content = contents.add_bytes(Path({str(OLD_PICKLE)!r}).read_bytes())
run = planned_run(outputs=[output(planned_file(content, Form.PARQUET))])
workshop = Workshop(Path({str(tmp_path)!r}), keep=True)
print(workshop.prepare(run, contents).artifacts[0].files[0].path)
workshop.close()
print({{"pandas", "numpy", "pyarrow"}} & set(sys.modules))
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )

    assert done.stdout == "x.parquet\nset()\n"
    assert done.stderr == ""
    assert [path.suffix for path in tmp_path.rglob("*") if path.is_file()] == [".parquet"]
