"""Plant a bug into each stage of a sync, one after the other, and say how mfwb ended.

A program, since mfwb runs in it: `planted_bugs.py SECRETS ARGUMENT...`. A function of Python or of
another package raises an error that mfwb does not know, if it is called from one of mfwb's parts.
The error's text is the secrets.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

import metaflow
import wandb  # before mfwb does: its temporary folder must outlive a call
from rich.console import Console

from mfwb.cli import main as mfwb


class Planted(Exception):  # noqa: N818 - a bug, not an error that somebody foresees
    """The planted bug."""


@dataclass(frozen=True)
class Stage:
    """A stage, and the function that breaks if that part of mfwb calls it."""

    name: str
    module: ModuleType | type
    function: str
    caller: str


def _stages() -> Iterator[Stage]:
    yield Stage("source", metaflow.Run, "__iter__", "mfwb.source")
    yield Stage("lineage", ast, "iter_child_nodes", "mfwb.lineage.")
    yield Stage("planning", json, "dumps", "mfwb.planning.")
    yield Stage("payload", hashlib, "sha1", "mfwb.payload.builder.prepare")
    yield Stage("sink", wandb, "init", "mfwb.sink")
    yield Stage("ledger", sqlite3, "connect", "mfwb.ledger")
    yield Stage("report", Console, "print", "mfwb.report.result")


@contextmanager
def _planted(stage: Stage, text: str) -> Iterator[None]:
    owner: Any = stage.module
    original = getattr(owner, stage.function)

    def broken(*arguments: Any, **options: Any) -> Any:
        if any(name.startswith(stage.caller) for name in _callers()):
            raise Planted(text)
        return original(*arguments, **options)

    setattr(owner, stage.function, broken)
    try:
        yield
    finally:
        setattr(owner, stage.function, original)


def _callers() -> Iterator[str]:
    """Yield the functions that are being called, with their modules, the innermost first."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        yield f"{frame.f_globals.get('__name__')}.{frame.f_code.co_name}"
        frame = frame.f_back


def _run(arguments: list[str]) -> tuple[object, str, list[str]]:
    printed = StringIO()
    before = set(_logs())
    with redirect_stdout(printed), redirect_stderr(printed):
        try:
            mfwb(arguments)
        except SystemExit as end:
            code = end.code
    return code, printed.getvalue(), sorted(map(str, set(_logs()) - before))


def _logs() -> Iterator[Path]:
    return Path(os.environ["MFWB_STATE_DIR"]).glob("bug-*.log")


def main() -> None:
    """Print a JSON object: stage -> [exit code, output, paths of new logs]."""
    secrets, *arguments = sys.argv[1:]
    ends = {}
    for number, stage in enumerate(_stages()):
        with _planted(stage, f"planted into {stage.name}: {secrets}"):
            ends[stage.name] = _run([*arguments, "--project", f"{stage.name}{number}"])
    sys.stdout.write(json.dumps(ends))


if __name__ == "__main__":
    main()
