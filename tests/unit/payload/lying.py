"""A program for `Forkserver`: an inspecting process that was taken over, and answers what it likes.

Its answer is the very pickle that it is asked about; if that is empty, there is none.
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
            said = requests.read(sum(json.loads(line)["sizes"]))
            if not said:
                time.sleep(600)
            with os.fdopen(os.dup(1), "wb") as answers:
                answers.write(said + b"\n")
    os._exit(0)
