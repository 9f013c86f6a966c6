"""A process that uses the W&B SDK on behalf of the tests, which never import it themselves."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import ParamSpec, TypeVar

from tests.support.wandb_server import WandbServer

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

_TIMEOUT_SECONDS = 60


class Client:
    """Carries out functions of `deeds` in a process with an environment of its own."""

    def __init__(self, server: WandbServer, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.env = client_environment(server, folder)
        spawn = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(1, spawn, initializer=_enter, initargs=(self.env,))

    def do(
        self,
        deed: Callable[Arguments, Result],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Result:
        """Carry out a deed and return what it returns."""
        return self._pool.submit(deed, *args, **kwargs).result(_TIMEOUT_SECONDS)

    def start(
        self,
        deed: Callable[Arguments, Result],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Callable[[], Result]:
        """Begin a deed and return a function that waits for its end."""
        future = self._pool.submit(deed, *args, **kwargs)
        return lambda: future.result(_TIMEOUT_SECONDS)

    def wandb(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the W&B command line."""
        return subprocess.run(
            [sys.executable, "-m", "wandb", *arguments],
            env=self.env,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )

    def close(self) -> None:
        """End the process."""
        self._pool.shutdown()


def client_environment(server: WandbServer, folder: Path) -> dict[str, str]:
    """Return an environment in which nothing but the server is known to W&B."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("WANDB_")}
    return {**inherited, **server.env(folder)}


@contextmanager
def client_of(server: WandbServer, folder: Path) -> Iterator[Client]:
    """Give a client of the server and end it afterwards."""
    client = Client(server, folder)
    try:
        yield client
    finally:
        client.close()


def _enter(env: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(env)
    os.chdir(env["WANDB_DIR"])
