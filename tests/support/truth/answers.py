"""What mfwb says about flow runs: `mfwb lineage --format json`.

Run as a program, this answers one pathspec per line. To start mfwb anew for each of dozens of flow
runs would take longer than all its answers.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typing_extensions import Self

from tests.support.sandbox import Sandbox

__all__ = ["Answer", "Asked", "Edge", "parse"]

_REPOSITORY = Path(__file__).parents[3]


@dataclass(frozen=True, order=True)
class Edge:
    """A task used an artifact, and who is said to have produced it."""

    consumer: str
    artifact: str
    producer: str
    ground: str


@dataclass(frozen=True)
class Answer:
    """Keys are task pathspecs."""

    parents: Mapping[str, frozenset[str]]
    reads: Mapping[str, frozenset[str] | None]  # None: not known
    writes: Mapping[str, frozenset[str]]
    edges: frozenset[Edge]


class Asked:
    """mfwb, waiting for questions about the flow runs of a folder."""

    def __init__(self, root: Path) -> None:
        """Remember the folder; mfwb is started with the first question."""
        self._root = root
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.communicate()  # closes its stdin, which ends it

    def about(self, pathspec: str) -> dict[str, Any]:
        """Return mfwb's document about a flow run."""
        process = self._process = self._process or self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{pathspec}\n")
        process.stdin.flush()
        answer = json.loads(process.stdout.readline())
        assert answer["code"] == 0, f"mfwb lineage {pathspec} ended with {answer['code']}"
        return dict(json.loads(answer["out"]))

    def _started(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            (sys.executable, "-m", __name__, f"local@{self._root}"),
            cwd=self._root,
            env={**Sandbox(self._root).environment, "PYTHONPATH": str(_REPOSITORY)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )


def parse(document: Mapping[str, Any]) -> Answer:
    """Return the document as values."""
    tasks = document["tasks"]
    return Answer(
        parents={task["pathspec"]: frozenset(task["parents"]) for task in tasks},
        reads={
            task["pathspec"]: None if task["reads"] is None else frozenset(task["reads"])
            for task in tasks
        },
        writes={task["pathspec"]: frozenset(task["writes"]) for task in tasks},
        edges=frozenset(
            Edge(edge["consumer"], edge["artifact"], edge["producer"], edge["ground"])
            for edge in document["edges"]
        ),
    )


def _answer_questions(metadata: str) -> None:
    from mfwb.cli import main  # noqa: PLC0415 - this is the program

    for line in sys.stdin:
        printed = io.StringIO()
        code: object = 0
        try:
            with redirect_stdout(printed):
                main(["lineage", line.strip(), "--format", "json", "--metadata", metadata])
        except SystemExit as ending:
            code = ending.code
        sys.stdout.write(json.dumps({"code": code, "out": printed.getvalue()}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _answer_questions(sys.argv[1])
