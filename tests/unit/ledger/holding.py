"""Holds locks, as another sync does.

    python -m tests.unit.ledger.holding FOLDER WAIT PLACE...     until its stdin ends
    python -m tests.unit.ledger.holding --times N FOLDER WAIT PLACE...     so often, for a moment

A place is `entity/project`. It says `held` for each time, or why it could not.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from mfwb.errors import LockHeld
from mfwb.ledger.locks import hold_locks
from mfwb.ports import Destination


def main(arguments: list[str]) -> None:
    """Hold them."""
    times = 0
    if arguments[0] == "--times":
        times, arguments = int(arguments[1]), arguments[2:]
    folder, wait, *places = arguments
    destinations = [Destination("online", "x", *place.split("/")) for place in places]
    try:
        for _ in range(times or 1):
            with hold_locks(Path(folder), destinations, wait=float(wait)):
                _say("held")
                if times:
                    time.sleep(0.001)
                else:
                    sys.stdin.read()
    except LockHeld as error:
        _say(str(error))


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - it is what the test reads


if __name__ == "__main__":
    main(sys.argv[1:])
