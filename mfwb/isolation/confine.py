"""Confinement of a process that loads pickles: sandbox and audit hook together."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from mfwb.isolation.audit_hook import install_audit_hook
from mfwb.isolation.child_environment import list_readable_paths
from mfwb.isolation.sandbox import confine

__all__ = ["confine_process"]


def confine_process(
    may_read: Sequence[str], may_write: Sequence[str], *, plugins: bool = False
) -> tuple[str, ...]:
    """Give up all rights that no conversion needs; return the names of the active mechanisms.

    Args:
        may_read: readable paths, in addition to those of Python's libraries.
        may_write: writable paths.
        plugins: whether converters of other packages will be used.
    """
    may_read = (*list_readable_paths(plugins=plugins), *may_read)
    sys.dont_write_bytecode = True  # for modules that are imported later
    mechanisms = confine(may_read, may_write)
    install_audit_hook(may_read, may_write)
    return (*mechanisms, "audit hook")
