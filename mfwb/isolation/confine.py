"""All that holds a process that looks at pickles."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from mfwb.isolation.audit_hook import watch
from mfwb.isolation.child_environment import readable
from mfwb.isolation.sandbox import confine

__all__ = ["confined"]


def confined(
    may_read: Sequence[str], may_write: Sequence[str], *, plugins: bool = False
) -> tuple[str, ...]:
    """Give up whatever no conversion needs, and return what sees to that.

    Args:
        may_read: paths, beside those of Python's libraries.
        may_write: paths.
        plugins: whether the converters of other packages are going to be used.
    """
    may_read = (*readable(plugins=plugins), *may_read)
    sys.dont_write_bytecode = True  # of what is imported later on
    found = confine(may_read, may_write)
    watch(may_read, may_write)
    return (*found, "audit hook")
