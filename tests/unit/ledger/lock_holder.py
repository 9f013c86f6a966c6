"""A process that holds locks, as another sync does.

    python -m tests.unit.ledger.lock_holder FOLDER WAIT PROJECT...     until its stdin ends
    python -m tests.unit.ledger.lock_holder --times N FOLDER WAIT PROJECT...     N times, for 1 ms

A project is `entity/project`. It prints `held` each time, or the error.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from mfwb.errors import LockHeld
from mfwb.ledger.locks import hold_locks
from mfwb.ports import Destination


def main(arguments: list[str]) -> None:
    """Hold the locks."""
    times = 0
    if arguments[0] == "--times":
        times, arguments = int(arguments[1]), arguments[2:]
    folder, wait, *projects = arguments
    destinations = [Destination("online", "x", *project.split("/")) for project in projects]
    try:
        for _ in range(times or 1):
            with hold_locks(Path(folder), destinations, wait=float(wait)):
                _print_line("held")
                if times:
                    time.sleep(0.001)
                else:
                    sys.stdin.read()
    except LockHeld as error:
        _print_line(str(error))


def _print_line(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - it is what the test reads


if __name__ == "__main__":
    main(sys.argv[1:])
