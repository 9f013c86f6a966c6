"""A machine on which a page's commands are run: flow runs, a stand-in for W&B, a terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import shlex
import shutil
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import mfwb
from tests.docs.blocks import ROOT
from tests.support.sandbox import Finished, Sandbox
from tests.support.wandb_server import WandbServer
from tests.support.warm import Constraints, Process
from tests.support.warm_flows import start_script

__all__ = ["COLUMNS", "EXAMPLES", "FLOW_RUN", "Scene", "open_scene", "run_wine_flow"]

EXAMPLES = ROOT / "examples"
COLUMNS = 96
FLOW_RUN = "WineFlow/1795223691980114"
"""The flow run that the pages speak of; the tests put their own in its place, and back."""

_FIRST_OF_OTHERS = 1795224000000000  # microseconds, as in ids of Metaflow
_ESCAPES = re.compile(
    r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\]8;[^\x07\x1b]*(?:\x07|\x1b\\)|\x1b\][^\x07]*\x07"
)
_ADDRESS = "https://wandb.ai"
_SHELL = re.compile(r"[|;&<>$`]")
_PIPED = re.compile(r"mfwb ([^|;&<>`']+?)( [|>] .*)?")
"""Its output goes into another program, or into a file; it has variables, but no quoted signs."""


def run_wine_flow(root: Path) -> None:
    """Run the flow of the demo in a folder, if it was not run there before."""
    if not (root / ".metaflow").exists():
        done = Sandbox(root, {"METAFLOW_USER": "ada"}).script(
            EXAMPLES / "wine_flow.py", "--quiet", "run"
        )
        assert done.code == 0, done.err


@contextmanager
def open_scene(root: Path, flow_runs: Path) -> Iterator[Scene]:
    """Open a machine of its own for a page.

    Args:
        root: its folder.
        flow_runs: where the flow of the demo was run; it is copied.
    """
    shutil.copytree(flow_runs / ".metaflow", root / ".metaflow")
    shutil.copytree(EXAMPLES, root / "examples", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(Path(__file__).with_name("programs"), root / "programs")
    with WandbServer() as server:
        sandbox = Sandbox(
            root,
            {
                "WANDB_BASE_URL": server.base_url,
                "WANDB_API_KEY": server.api_key,
                "METAFLOW_USER": "ada",
                "TERM": "xterm-256color",
                "BROWSER": "true",  # the program that does nothing
                "COLUMNS": str(COLUMNS),
                "LINES": "50",
                "PATH": f"{_programs(root)}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            },
        )
        yield Scene(sandbox, server)


def _programs(root: Path) -> Path:
    folder = root / "bin"
    folder.mkdir()
    program = folder / "mfwb"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m mfwb "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    return folder


class Scene:
    """A machine with the flow run of the demo, and nothing synced yet."""

    def __init__(self, sandbox: Sandbox, server: WandbServer) -> None:
        self.sandbox = sandbox
        self.server = server
        self.folder = sandbox.root
        latest = sandbox.root / ".metaflow" / "WineFlow" / "latest_run"
        self.flow_run = f"WineFlow/{latest.read_text(encoding='utf-8')}"

    def run(self, line: str) -> Finished:
        """Run a command line as somebody types it; it prints what stands on the page."""
        words = shlex.split(line, comments=True)
        if not words:
            return Finished(0, "", "")
        if words[0] == "cd" and len(words) == 2:
            self.folder = self.folder / words[1]
            return Finished(0, "", "")
        return self._shown(self._finished(line, [self._own(word) for word in words]))

    def go_home(self) -> None:
        """Undo each `cd`, as in a new terminal."""
        self.folder = self.sandbox.root

    def _finished(self, line: str, words: list[str]) -> Finished:
        typed = self._own(line.partition(" #")[0])
        piped = _PIPED.fullmatch(typed) if _SHELL.search(typed) else None
        if piped:
            return self._piped(piped[1], piped[2] or "")
        if _SHELL.search(typed):
            return self._shell(typed)
        if words[0] == "mfwb":
            return self._mfwb(words[1:])
        if words[0] == "python" and words[1:2] and words[1].endswith(".py"):
            return self._script(*words[1:])
        return self._shell(shlex.join(words))

    def run_in_colours(self, line: str) -> Finished:
        """Run mfwb as `run` does; the output keeps its colours and links."""
        done = self._mfwb(shlex.split(line)[1:])
        return Finished(done.code, self._renamed(done.out).replace("\r\n", "\n"), done.err)

    def run_python(self, blocks: Mapping[str, str]) -> Finished:
        """Run blocks of Python one after the other in one process, each with names of its own.

        Args:
            blocks: texts by what tracebacks call them.
        """
        script = self.folder / "blocks.py"
        parts = {where: self._own(text) for where, text in blocks.items()}
        script.write_text(
            f"for where, text in {parts!r}.items():\n"
            "    exec(compile(text, where, 'exec'), {'__name__': '__main__'})\n",
            encoding="utf-8",
        )
        return self._shown(
            self._script(str(script), PYTHONPATH=str(Path(mfwb.__file__).parents[1]))
        )

    def _piped(self, words: str, rest: str) -> Finished:
        """Run mfwb without a terminal, and a shell for what comes after it alone."""
        variables = self.sandbox.environment
        arguments = [
            re.sub(r"\$(\w+)", lambda name: variables.get(name[1], ""), word)
            for word in shlex.split(words)
        ]
        process = Process(arguments, folder=self.folder, environment=variables)
        out, err = process.communicate(self.sandbox.patience)
        assert process.returncode is not None
        if process.returncode or not rest:
            return Finished(process.returncode, out, err)
        done = self._shell(f"cat{rest}", out)
        return Finished(done.code, done.out, err + done.err)

    def _mfwb(self, arguments: Sequence[str]) -> Finished:
        ours, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, COLUMNS, 0, 0))
        process = Process(
            arguments,
            folder=self.folder,
            environment=self.sandbox.environment,
            constraints=Constraints(streams={"1": os.ttyname(terminal)}),
        )
        out = _read_all(ours, process, time.monotonic() + self.sandbox.patience)
        os.close(terminal)
        os.close(ours)
        _, err = process.communicate(self.sandbox.patience)
        assert process.returncode is not None
        return Finished(process.returncode, out, err)

    def _script(self, *words: str, **environment: str) -> Finished:
        everything = {**self.sandbox.environment, **environment}
        process = start_script(*words, folder=self.folder, environment=everything)
        out, err = process.communicate(self.sandbox.patience)
        assert process.returncode is not None
        return Finished(process.returncode, out, err)

    def _shell(self, line: str, given: str = "") -> Finished:
        done = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", line],
            cwd=self.folder,
            env=self.sandbox.environment,
            capture_output=True,
            text=True,
            input=given,
            timeout=self.sandbox.patience,
            check=False,
        )
        return Finished(done.returncode, done.stdout, done.stderr)

    def _own(self, text: str) -> str:
        """Return the text of a page with what is this machine's."""
        return text.replace(FLOW_RUN, self.flow_run)

    def _shown(self, finished: Finished) -> Finished:
        """Return what ended with the pages' names for what is this machine's."""
        return Finished(finished.code, self._theirs(finished.out), self._theirs(finished.err))

    def _theirs(self, text: str) -> str:
        return self._renamed(_ESCAPES.sub("", text).replace("\r\n", "\n"))

    def _renamed(self, text: str) -> str:
        for ours, other in (
            *self._flow_run_ids(),
            (self.server.base_url, _ADDRESS),
            (str(self.sandbox.root / "home"), "~"),
            (str(self.sandbox.root), "~/flows"),
        ):
            text = text.replace(ours, other)
        return text

    def _flow_run_ids(self) -> Iterator[tuple[str, str]]:
        """Yield the id of each flow run, and the one that pages have in its place."""
        yield self.flow_run.partition("/")[2], FLOW_RUN.partition("/")[2]
        for flow in sorted((self.sandbox.root / ".metaflow").iterdir()):
            if flow.name != "WineFlow":
                ids = sorted(run.name for run in flow.iterdir() if run.name.isdecimal())
                for number, own in enumerate(ids):
                    yield own, str(_FIRST_OF_OTHERS + number * 60_000_000)


def _read_all(terminal: int, process: Process, give_up: float) -> str:
    """Return what a process writes to a terminal until it ends."""
    result = b""
    ended = False
    while time.monotonic() < give_up:
        if select.select([terminal], [], [], 0 if ended else 0.02)[0]:
            result += os.read(terminal, 1 << 16)
        elif ended:
            break
        else:
            ended = process.poll() is not None
    return result.decode()
