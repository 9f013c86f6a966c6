"""A place of their own for the programs that tests start: nothing is read or written elsewhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.json_documents import assert_as_published
from tests.support.warm import Constraints, Process
from tests.support.warm_flows import start_script

FLOWS = Path(__file__).parents[1] / "flows"
_OURS = ("WANDB_", "METAFLOW_", "MFWB_")
_DEAD_END = "http://127.0.0.1:9"
_WANDB = "import runpy; runpy.run_module('wandb', run_name='__main__', alter_sys=True)"


@dataclass(frozen=True)
class Finished:
    """A program that ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """What it printed, as JSON."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Sandbox:
    """A folder with a home, and the environment that keeps programs inside it."""

    root: Path
    extra: Mapping[str, str] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    patience: float = 240  # seconds; what takes longer has failed

    @property
    def environment(self) -> dict[str, str]:
        """The environment of this process, moved into the sandbox; the network is a dead end."""
        kept = {name: text for name, text in os.environ.items() if not name.startswith(_OURS)}
        home = self.root / "home"
        home.mkdir(parents=True, exist_ok=True)
        all_names = {
            **kept,
            "HOME": str(home),
            "NETRC": str(home / "netrc"),
            "HTTP_PROXY": _DEAD_END,
            "HTTPS_PROXY": _DEAD_END,
            "NO_PROXY": "127.0.0.1,localhost",
            "METAFLOW_HOME": str(home / "metaflowconfig"),
            "METAFLOW_USER": "tester",
            "METAFLOW_DEFAULT_METADATA": "local",
            "METAFLOW_DEFAULT_DATASTORE": "local",
            "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(self.root),
            "MFWB_STATE_DIR": str(self.root / "state"),
            "WANDB_CONFIG_DIR": str(home / "wandb-config"),
            "WANDB_DATA_DIR": str(home / "wandb-data"),
            "WANDB_CACHE_DIR": str(home / "wandb-cache"),
            "WANDB_ERROR_REPORTING": "false",
            **self.extra,
        }
        return {name: text for name, text in all_names.items() if name not in self.without}

    def run(self, *command: str, **environment: str) -> Finished:
        """Run a program to its end, in the sandbox's folder."""
        done = subprocess.run(
            command,
            cwd=self.root,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=self.patience,
            check=False,
        )
        return Finished(done.returncode, done.stdout, done.stderr)

    def mfwb(self, *arguments: str, **environment: str) -> Finished:
        """Run mfwb as a user does, but for the time that imports take.

        A document that it prints has to be as its published schema says.
        """
        if any(name.startswith("PYTHON") for name in (*self.extra, *environment)):
            done = self.run(sys.executable, "-m", "mfwb", *arguments, **environment)
        else:
            done = end(self.start_mfwb(*arguments, **environment), within=self.patience)
        assert_as_published(arguments, done.out)
        return done

    def constrained_mfwb(
        self, constraints: Constraints, *arguments: str, **environment: str
    ) -> Finished:
        """Run mfwb without some of what a process usually has."""
        process = Process(
            arguments,
            folder=self.root,
            environment={**self.environment, **environment},
            constraints=constraints,
        )
        return end(process, within=self.patience)

    def python(self, program: str, *arguments: str, **environment: str) -> Finished:
        """Run `python -c program arguments`, but for the time that imports take.

        What mfwb uses is imported already, wandb included; only Metaflow is not.
        """
        everything = {**self.environment, **environment}
        process = Process(arguments, folder=self.root, environment=everything, program=program)
        return end(process, within=self.patience)

    def wandb(self, *arguments: str, **environment: str) -> Finished:
        """Run the command line of W&B's SDK, `python -m wandb`, in the same way."""
        return self.python(_WANDB, *arguments, **environment)

    def start_mfwb(self, *arguments: str, **environment: str) -> Process:
        """Start mfwb as a user does, but for the time that imports take."""
        everything = {**self.environment, **environment}
        return Process(arguments, folder=self.root, environment=everything)

    def flow(self, name: str, *arguments: str, **environment: str) -> Finished:
        """Run one of `tests/flows` with Metaflow."""
        return self.script(FLOWS / f"{name}.py", "--quiet", *(arguments or ("run",)), **environment)

    def script(self, path: str | Path, *arguments: str, **environment: str) -> Finished:
        """Run the script of a flow as a user does, but for the time that imports take."""
        everything = {**self.environment, **environment}
        process = start_script(str(path), *arguments, folder=self.root, environment=everything)
        return end(process, within=self.patience)


def end(process: Process | subprocess.Popen[str], *, within: float = 120) -> Finished:
    """Wait for the end of a process; TimeoutExpired if it takes more seconds than that."""
    out, err = process.communicate(timeout=within)
    assert process.returncode is not None
    return Finished(process.returncode, out, err)
