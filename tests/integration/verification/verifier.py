"""mfwb in one process, verifying as often as it is asked: most of a command is its imports."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support.sandbox import Sandbox

__all__ = ["Verifier"]

_REPOSITORY = Path(__file__).parents[3]


class Verifier:
    """`mfwb.verify` of one flow run, in a process that stays."""

    def __init__(self, sandbox: Sandbox, pathspec: str, **settings: Any) -> None:
        """Start the process.

        Args:
            sandbox: where it runs.
            pathspec: the flow run.
            **settings: of each call.
        """
        self._fixed = {"pathspec": pathspec, **settings}
        self._process = subprocess.Popen(
            (sys.executable, "-m", __name__),
            cwd=sandbox.root,
            env={**sandbox.environment, "PYTHONPATH": str(_REPOSITORY)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, **arguments: Any) -> dict[str, Any]:
        """Return the document of one verification, with its exit code as `exit_code`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({**self._fixed, **arguments}) + "\n")
        self._process.stdin.flush()
        return dict(json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def _answer(question: Mapping[str, Any]) -> dict[str, Any]:
    import mfwb  # noqa: PLC0415 - only in the process of its own

    arguments = dict(question)
    done = mfwb.verify(arguments.pop("pathspec"), **arguments)
    return {**done.to_dict(), "exit_code": done.exit_code}


if __name__ == "__main__":
    out = sys.stdout
    sys.stdout = sys.stderr
    for line in sys.stdin:
        out.write(json.dumps(_answer(json.loads(line))) + "\n")
        out.flush()
