"""Processes that look at pickles, for tests of others: the server that forks them starts once."""

from __future__ import annotations

import atexit
from functools import cache

from mfwb.conversion import inspector_child
from mfwb.conversion.inspector import MAX_MEMORY, Inspector
from mfwb.isolation.forkserver import Forkserver

__all__ = ["shared_forkserver", "shared_inspector"]


@cache
def shared_forkserver() -> Forkserver:
    """Return the fork server of inspectors, which lives as long as this process."""
    server = Forkserver(inspector_child.__name__, MAX_MEMORY)
    atexit.register(server.close)
    return server


def shared_inspector() -> Inspector:
    """Return an inspector with processes of its own, which that server forks."""
    return Inspector(shared_forkserver())
