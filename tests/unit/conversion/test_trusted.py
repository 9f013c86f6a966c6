"""Trusted pickles: what they may do, and what they can't break."""

from __future__ import annotations

import io
import os
import pickle
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest

from mfwb.conversion.convert import Conversion, Job
from mfwb.conversion.converter import Converter, UnconvertibleError, new_forkserver
from mfwb.isolation.forkserver import Forkserver
from mfwb.payload import PayloadBuilder
from mfwb.planning import Form
from mfwb.ports import ReadyArtifact
from tests.unit.payload.memory import TASK, MemoryContents, output, planned_file, planned_run

FRAME = pd.DataFrame({"a": [1, 2], "b": ["x", None]})


class Does:
    """Its pickle runs some lines of Python, and then is a frame."""

    def __init__(self, *lines: str) -> None:
        self._lines = lines

    def __reduce__(self) -> tuple[Any, ...]:
        code = "\n".join(self._lines)
        return eval, (f"[exec({code!r}), __import__('pandas').DataFrame({{'a': [1, 2]}})][1]",)


@pytest.fixture(scope="module")
def trusting() -> Iterator[Forkserver]:
    """Return what makes processes that run what pickles say."""
    forkserver = new_forkserver(trusted=True)
    yield forkserver
    forkserver.close()


@pytest.fixture
def builder(tmp_path: Path, forkserver: Forkserver, trusting: Forkserver) -> PayloadBuilder:
    """Return a builder with both kinds of processes."""
    forkservers = {False: forkserver, True: trusting}
    return PayloadBuilder(tmp_path / "payloads", keep=True, forkservers=forkservers)


@pytest.fixture
def contents() -> MemoryContents:
    """Return contents in which the task printed nothing."""
    result = MemoryContents()
    result.logs[TASK] = []
    return result


def parquet_of(frame: pd.DataFrame) -> bytes:
    """Return what W&B's decorator would have written."""
    file = io.BytesIO()
    frame.to_parquet(file, engine="pyarrow")
    return file.getvalue()


def made_of(
    builder: PayloadBuilder, contents: MemoryContents, values: list[Any], unpickle: str
) -> ReadyArtifact:
    """Return what becomes of values that are tables, called 0, 1, ..."""
    files = [
        planned_file(contents.add(value, str(location)), Form.PARQUET, str(location))
        for location, value in enumerate(values)
    ]
    run = planned_run(outputs=[output(*files)], unpickle=unpickle)  # type: ignore[arg-type]
    ready = builder.prepare(run, contents)
    assert ready.losses == ()
    (artifact,) = ready.artifacts
    return artifact


def test_what_it_says_is_done(
    builder: PayloadBuilder, contents: MemoryContents, tmp_path: Path
) -> None:
    """A trusted pickle is loaded as Python does it, in a process of its own."""
    value = Does("import os", f"open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))")

    made = made_of(builder, contents, [value], "trusted")

    assert [file.path for file in made.files] == ["0.parquet"]
    assert made.files[0].local is not None
    assert made.files[0].local.read_bytes() == parquet_of(pd.DataFrame({"a": [1, 2]}))
    assert (tmp_path / "pid").read_text() not in {"", str(os.getpid())}


def test_modules_of_the_user(
    contents: MemoryContents,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Classes are found where this process finds them; a kind of frame counts as one."""
    (tmp_path / "mine_h3.py").write_text("import pandas\nclass Mine(pandas.DataFrame): pass\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    import mine_h3  # type: ignore[import-not-found]  # noqa: PLC0415

    knowing = new_forkserver(trusted=True)  # one that knows of it
    builder = PayloadBuilder(tmp_path / "payloads", keep=True, forkservers={True: knowing})
    try:
        made = made_of(builder, contents, [mine_h3.Mine({"a": [1, 2]})], "trusted")
    finally:
        knowing.close()
        del sys.modules["mine_h3"]

    assert [file.path for file in made.files] == ["0.parquet"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("raise ValueError('no')", "ValueError: no"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", r"ended \(-11\)"),
        ("print('noise', flush=True); import no_such_module", "ModuleNotFoundError"),
    ],
)
def test_what_goes_wrong_costs_one_artifact(
    line: str, reason: str, builder: PayloadBuilder, contents: MemoryContents
) -> None:
    """A pickle that fails or crashes stays one, and says why; the next one is converted."""
    made = made_of(builder, contents, [Does(line), FRAME], "trusted")

    files = {file.path: file.local.read_bytes() for file in made.files if file.local}
    assert files == {
        "0.pkl": pickle.dumps(Does(line), protocol=4),
        "1.parquet": parquet_of(FRAME),
    }
    (why,) = made.metadata["kept_as_pickle"].values()
    assert re.search(reason, why)


def test_one_that_never_ends(tmp_path: Path) -> None:
    """It is given up after a while, and what it has started ends with it."""
    started = tmp_path / "started"
    source = tmp_path / "x.pkl"
    source.write_bytes(
        pickle.dumps(
            Does(
                "import os, subprocess, sys, time",
                "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(900)'])",
                f"open({str(started)!r} + '.new', 'w').write(str(child.pid))",
                f"os.rename({str(started)!r} + '.new', {str(started)!r})",
                "time.sleep(900)",
            )
        )
    )
    forkserver = new_forkserver(trusted=True)
    converter = Converter(forkserver, time_limit=5)
    try:
        with pytest.raises(UnconvertibleError, match="it took more than 5 seconds"):
            converter.convert(Job(Conversion.TABLE, source, tmp_path / "x.parquet"))
    finally:
        converter.close()
        forkserver.close()

    assert not is_alive(int(started.read_text()))


def is_alive(pid: int) -> bool:
    """Whether there is such a process, a moment later at the latest."""
    for _ in range(500):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return False
        time.sleep(0.01)
    return True


def test_what_is_not_trusted_goes_elsewhere(
    builder: PayloadBuilder, contents: MemoryContents, tmp_path: Path
) -> None:
    """What a trusted pickle did to its process does not touch those that are loaded safely."""
    spoilt = Does("import pandas", "pandas.DataFrame.to_parquet = None")
    marked = Does(f"open({str(tmp_path / 'marker')!r}, 'w')")

    made_of(builder, contents, [spoilt], "trusted")
    made = made_of(builder, contents, [FRAME, marked], "safe")

    assert [file.path for file in made.files] == ["0.parquet", "1.pkl"]
    assert not (tmp_path / "marker").exists()
    assert "builtins.eval, which is not loaded" in made.metadata["kept_as_pickle"]["1.pkl"]


def test_never(tmp_path: Path, contents: MemoryContents) -> None:
    """Where pickles are not to be loaded, no process is even started."""
    forkservers = {trusted: new_forkserver(trusted=trusted) for trusted in (False, True)}
    builder = PayloadBuilder(tmp_path / "payloads", keep=True, forkservers=forkservers)
    made = made_of(builder, contents, [FRAME], "never")

    assert not any(forkserver.is_running for forkserver in forkservers.values())
    assert [file.path for file in made.files] == ["0.pkl"]
    assert made.metadata["kept_as_pickle"] == "pickles are not loaded (--unpickle never)"
