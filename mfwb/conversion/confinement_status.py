"""Confinement of the processes that load pickles on this machine, for `mfwb config`."""

from __future__ import annotations

import json
import tempfile
from contextlib import suppress

from mfwb.conversion import inspector_child
from mfwb.conversion.inspector import MAX_MEMORY
from mfwb.isolation.forkserver import Forkserver

__all__ = ["read_confinement"]

_ANSWER_LIMIT = 65_536  # bytes


def read_confinement() -> tuple[str, ...]:
    """Return the mechanisms that such a process reports: "Landlock 7", "seccomp", "audit hook".

    The result is empty if no such process can start; then no pickle is loaded.
    """
    forkserver = Forkserver(inspector_child.__name__, MAX_MEMORY)
    try:
        with suppress(OSError, ValueError):
            process = forkserver.start_process(tempfile.gettempdir())
            with process.requests, process.responses:
                report = json.loads(process.responses.readline(_ANSWER_LIMIT))
                process.kill()
            return tuple(filter(None, str(report["confined"]).split(", ")))
    finally:
        forkserver.close()
    return ()
