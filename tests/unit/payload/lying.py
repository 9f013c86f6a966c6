"""Program for `Forkserver`: a compromised inspection process that sends arbitrary answers.

Its answer is the pickle of the request itself; for an empty pickle it does not answer.
"""

from __future__ import annotations

import json
import os
import time

__all__ = ["preload", "preload_more", "run_worker"]


def preload(*, trusted: bool) -> None:
    """Need nothing."""


def preload_more() -> None:
    """Need nothing."""


def run_worker(_max_memory: int, _folder: str, *, trusted: bool) -> None:
    """Answer one request after the other."""
    del trusted
    os.write(1, b"{}\n")
    with os.fdopen(0, "rb") as requests:
        for line in requests:
            answer = requests.read(sum(json.loads(line)["sizes"]))
            if not answer:
                time.sleep(600)
            with os.fdopen(os.dup(1), "wb") as answers:
                answers.write(answer + b"\n")
    os._exit(0)
