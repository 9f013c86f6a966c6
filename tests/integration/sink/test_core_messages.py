"""What mfwb knows of how wandb speaks with wandb-core: fails when wandb changes it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.support.sandbox import Sandbox
from tests.support.wandb_server import WandbServer

_START = """
import json, sys, threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
import wandb
from wandb.sdk import wandb_setup
from wandb.sdk.lib import asyncio_manager, progress
from mfwb.sink.client.core_messages import replaying
from mfwb.sink.client.process_wide import altered_wandb
from mfwb.sink.setup.quiet_settings import replay_settings
from mfwb.sink.setup.run_settings import run_settings

def open_run(name):
    fields = {"entity": "acme", "project": "p", "run_id": name, "reinit": "create_new"}
    quiet = {**replay_settings(60.0), **fields, "mode": "online", "root_dir": sys.argv[1]}
    return wandb.init(settings=run_settings({}, quiet))

def interface_of(run):
    return run._interface
"""

_MANY_RUNS = (
    _START
    + """
runs, changes, mine = asyncio_manager.AsyncioManager.run, Counter(), threading.local()
def run_and_count(self, fn):
    changes[getattr(mine, "name", "")] += 1
    return runs(self, fn)
asyncio_manager.AsyncioManager.run = run_and_count

def write(number):
    mine.name = f"run{number}"
    with replaying():
        run = open_run(mine.name)
        for step in range(50):
            run.log({"x": step * 2})
        run.summary.update({"number": number})
        for line in range(20):
            run.write_logs(f"line {line}")
        threads = sorted({thread.name for thread in threading.enumerate()})
        run.finish(exit_code=0)
    return threads

with altered_wandb(), ThreadPoolExecutor(8) as pool:
    wandb.setup()
    threads = list(pool.map(write, range(8)))
names = sorted({name for one in threads for name in one})
print(json.dumps({"changes": changes, "threads": names}))
"""
)


def test_messages_keep_their_order_and_need_no_other_thread(tmp_path: Path) -> None:
    """All rows and lines arrive, in order; a run has no thread of its own, and rarely changes it.

    The last line must not be overtaken by the end of its run, since it is lost then.
    """
    with WandbServer() as server:
        reported = _run(server, tmp_path, _MANY_RUNS)
        for number in range(8):
            run = server.state.run(f"acme/p/run{number}")
            assert [row["x"] for row in run.history] == [step * 2 for step in range(50)]
            assert [item.line for item in run.console] == [f"line {n}" for n in range(20)]
            assert run.summary["number"] == number
            assert run.state == "finished"

    per_run = [reported["changes"][f"run{number}"] for number in range(8)]
    assert max(per_run) <= 4, per_run  # of wandb's own 100: inform_init, and the end
    assert "NetStatThr" not in reported["threads"]


_DEAD_CORE = (
    _START
    + """
import os, signal, psutil
with altered_wandb(), replaying():
    run = open_run("one")
    [core] = [child for child in psutil.Process().children() if child.name() == "wandb-core"]
    core.kill()
    core.wait()
    seen = []
    for _ in range(2000):
        try:
            run.log({"x": 1})
        except Exception as error:
            seen.append(type(error).__name__)
            break
        threading.Event().wait(0.005)
    for action in (lambda: run.step, lambda: run.finish(exit_code=0)):
        try:
            action()
        except Exception as error:
            seen.append(type(error).__name__)
print(json.dumps(seen))
os._exit(0)
"""
)


def test_a_dead_core_is_noticed(tmp_path: Path) -> None:
    """By the errors that wandb raises itself; no message waits for ever."""
    with WandbServer() as server:
        first, *others = _run(server, tmp_path, _DEAD_CORE)

    assert first == "ConnectionResetError"
    # wandb notices it in its own thread: until then, the mailbox is open.
    assert others[0] in {"MailboxClosedError", "ConnectionResetError"}
    assert others[1:] == ["ConnectionResetError"]


_WAITS = (
    _START
    + """
from wandb.proto import wandb_internal_pb2 as pb
from wandb.sdk.mailbox.mailbox_handle import HandleAbandonedError

with altered_wandb():
    with replaying():
        run = open_run("one")
    # An answer to this comes when the run has ended, so it does not come now.
    def ask():
        request = pb.InternalMessagesRequest(wait=True)
        return interface_of(run)._deliver(pb.Record(request=pb.Request(internal_messages=request)))
    seen = []
    for wait in (lambda: ask().wait_or(timeout=0.2), lambda: ask().wait_or(timeout=float("inf"))):
        try:
            wait()
        except Exception as error:
            seen.append(type(error).__name__)
    handle = ask()
    threading.Timer(0.2, handle._handle.abandon).start()
    try:
        handle.wait_or(timeout=30)
    except HandleAbandonedError:
        seen.append("abandoned")
    run.log({"x": 1})
    seen.append(run.step)
    with replaying():
        run.finish(exit_code=0)
# What is open at the end of a call goes on by wandb's own ways.
own = open_run("two")
own.log({"x": 1})
own.finish()
print(json.dumps(seen))
"""
)


def test_a_wait_ends(tmp_path: Path) -> None:
    """After its time, or when there will be no answer; the run goes on."""
    with WandbServer() as server:
        seen = _run(server, tmp_path, _WAITS)
        runs = server.state.runs("acme/p")

    assert seen == ["TimeoutError", "ValueError", "abandoned", 1]
    assert {name: run.state for name, run in runs.items()} == {"one": "finished", "two": "finished"}
    assert [len(run.history) for run in runs.values()] == [1, 1]


_LARGE = (
    _START
    + """
with altered_wandb(), replaying():
    run = open_run("one")
    for number in range(40):
        run.log({"text": "t" * 1_000_000, "number": number})
    run.finish(exit_code=0)
print(json.dumps("done"))
"""
)


def test_many_large_messages(tmp_path: Path) -> None:
    """A worker waits for wandb-core when too much is on its way; all of it arrives."""
    with WandbServer() as server:
        assert _run(server, tmp_path, _LARGE) == "done"
        rows = server.state.run("acme/p/one").history

    assert [row["number"] for row in rows] == list(range(40))


def _run(server: WandbServer, folder: Path, program: str) -> Any:
    """Run a program, and return what it reports."""
    variables = {"WANDB_BASE_URL": server.base_url, "WANDB_API_KEY": server.api_key}
    done = Sandbox(folder, variables).python(program, str(folder))
    assert done.code == 0, done.err
    return json.loads(done.out.splitlines()[-1])
