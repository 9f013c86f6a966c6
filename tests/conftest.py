"""Guard rails and shared flow runs."""

from __future__ import annotations

import gc
import os
import re
import signal
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from tests.faults.skips import MOST_SKIPPED, SkipBounds, size_of
from tests.support.sandbox import Sandbox
from tests.support.selection import LeftOut, marks_left_out
from tests.support.warm import shared_servers

# A shell ignores Ctrl-C for what it starts in the background, and so would all that is tested.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Several tests run at a time: threads of wandb-core and of numpy would only hinder each other.
os.environ.setdefault("GOMAXPROCS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

_FOLDERS = count()
_MADE_ONCE_A_WORKER = {"synced", "client"}  # fixtures of the session that are dear to make
_FIRST = (
    *("tests/docs/test_blocks.py", "tests/integration/test_compared.py"),
    *("tests/integration/test_once.py", "tests/integration/test_machine_files.py"),
    *("tests/integration/test_code_and_notes.py", "tests/integration/test_artifact_rules.py"),
    *("tests/integration/test_progress.py", "tests/integration/verification/test_damages.py"),
    *("tests/faults/test_backfill.py", "tests/hostile/test_flow_runs.py"),
    "tests/integration/test_bad_input.py",
    *("tests/integration/test_forget_command.py", "tests/integration/test_keys_and_hosts.py"),
    *("tests/integration/test_sync_online.py", "tests/integration/test_plan_files.py"),
    "tests/integration/test_watch.py",
)
"""Modules of which one worker has half a minute or more, or whose tests wait more than they work.

At the end, all would wait for them; at the beginning, others use the processors meanwhile. So would
they for the tests of a fixture that is made once a worker.
"""


def pytest_configure(config: pytest.Config) -> None:
    """Where all tests of all workers are heard of, bound what may be skipped; warm up for all."""
    left_out = marks_left_out(config.option.markexpr)
    if left_out:
        config.pluginmanager.register(LeftOut(left_out, Path(__file__).parent))
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(SkipBounds(MOST_SKIPPED, size_of))
        if getattr(config.option, "numprocesses", None):
            servers = ExitStack()
            servers.enter_context(shared_servers())
            config.add_cleanup(servers.close)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage meanwhile: nearly all that is imported and collected stays.

    That took a quarter of the processor time of a collection.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give tests that share something to one worker, so that it is made once; others to any."""
    first: list[pytest.Item] = []
    later: list[pytest.Item] = []
    for item in items:
        group = _group_of(item)
        if group is not None:
            item.add_marker(pytest.mark.xdist_group(group))
        takes_long = group in _MADE_ONCE_A_WORKER or item.nodeid.startswith(_FIRST)
        (first if takes_long else later).append(item)
    items[:] = [*first, *later]


def _group_of(item: pytest.Item) -> str | None:
    if not isinstance(item, pytest.Function):
        return None
    module = item.nodeid.partition("::")[0]
    if module.startswith("tests/unit/"):
        return module  # so many that handing each out would take longer than running it
    info = item._fixtureinfo
    dear = sorted(_MADE_ONCE_A_WORKER.intersection(info.names_closure))
    if dear:
        return dear[0]
    shared = [
        name
        for name, result in info.name2fixturedefs.items()
        if result and result[-1].scope == "module"
    ]
    if not shared:
        return None
    locations = item.callspec.indices if hasattr(item, "callspec") else {}
    return "-".join([module, *(f"{name}{locations[name]}" for name in shared if name in locations)])


@pytest.fixture
def tmp_path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder for one test.

    pytest's own looks for a free number through the folders of all other tests, each time.
    """
    name = re.sub(r"\W", "_", request.node.name)[:30]
    folder = tmp_path_factory.getbasetemp() / f"{name}-{next(_FOLDERS)}"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    """Return a place for programs to run in, with no W&B at all."""
    return Sandbox(tmp_path)


@pytest.fixture(scope="session")
def flows_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the flow runs that tests share, across workers of one session."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    root = shared / "flow-runs"
    root.mkdir(exist_ok=True)
    (root / "words.txt").write_text("eins\nzwei\n", encoding="utf-8")
    return root


@pytest.fixture(scope="session")
def flow_run(flows_root: Path) -> Callable[[str], str]:
    """Return a function that runs a flow of tests/flows once and says its pathspec."""

    def run(name: str) -> str:
        with only_one(flows_root / f"{name}.lock"):
            done = flows_root / f"{name}.done"
            if not done.exists():
                finished = Sandbox(flows_root).flow(name)
                flow = "".join(word.capitalize() for word in name.split("_"))
                latest = flows_root / ".metaflow" / flow / "latest_run"
                assert latest.exists(), finished.err
                done.write_text(f"{flow}/{latest.read_text()}", encoding="utf-8")
            return done.read_text(encoding="utf-8")

    return run


@dataclass(frozen=True)
class Resumed:
    """A flow run of `tests/flows/fan_flow.py`, and one that resumed it at its step `meet`."""

    root: Path
    origin: str
    pathspec: str


@pytest.fixture(scope="session")
def resumed(flows_root: Path) -> Resumed:
    """Return two flow runs that are made once, in a folder of their own."""
    root = flows_root / "resumed"
    with only_one(flows_root / "resumed.lock"):
        done = flows_root / "resumed.done"
        if not done.exists():
            result = []
            for arguments in (("run",), ("resume", "meet")):
                finished = Sandbox(root).flow("fan_flow", *arguments, "--run-id-file", "id.txt")
                assert finished.code == 0, finished.err
                result.append(f"FanFlow/{(root / 'id.txt').read_text(encoding='utf-8')}")
            done.write_text("\n".join(result), encoding="utf-8")
        return Resumed(root, *done.read_text(encoding="utf-8").splitlines())


@contextmanager
def only_one(path: Path) -> Iterator[None]:
    """Let one process at a time in; the others wait."""
    while True:
        try:
            path.mkdir()
        except FileExistsError:  # noqa: PERF203 - waiting is what it is for
            time.sleep(0.1)
        else:
            break
    try:
        yield
    finally:
        path.rmdir()
