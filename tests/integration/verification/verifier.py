"""mfwb in one process, verifying as often as it is asked: most of a command is its start."""

from __future__ import annotations

import json
import os
from typing import Any

from tests.support.sandbox import Sandbox
from tests.support.warm import Constraints, Process

__all__ = ["Verifier"]

_PROGRAM = """
import json, sys
import mfwb

out = sys.stdout
sys.stdout = sys.stderr
for line in sys.stdin:
    arguments = json.loads(line)
    if arguments is None:
        break
    done = mfwb.verify(arguments.pop("pathspec"), **arguments)
    out.write(json.dumps({**done.to_dict(), "exit_code": done.exit_code}) + "\\n")
    out.flush()
"""


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
        questions, answers = sandbox.root / "questions", sandbox.root / "answers"
        os.mkfifo(questions)
        os.mkfifo(answers)
        self._process = Process(
            (),
            folder=sandbox.root,
            environment=sandbox.environment,
            constraints=Constraints({"0": str(questions), "1": str(answers)}),
            program=_PROGRAM,
        )
        self._questions = questions.open("w", encoding="utf-8")
        self._answers = answers.open(encoding="utf-8")

    def __call__(self, **arguments: Any) -> dict[str, Any]:
        """Return the document of one verification, with its exit code as `exit_code`."""
        self._ask({**self._fixed, **arguments})
        return dict(json.loads(self._answers.readline()))

    def close(self) -> None:
        """End the process."""
        self._ask(None)
        self._process.communicate(60)
        self._questions.close()
        self._answers.close()

    def _ask(self, question: dict[str, Any] | None) -> None:
        self._questions.write(json.dumps(question) + "\n")
        self._questions.flush()
