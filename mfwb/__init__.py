"""Replay completed Metaflow runs into Weights & Biases, lineage included.

import mfwb

print(mfwb.plan("TrainFlow/123", project="wines").to_dict())
result = mfwb.sync("TrainFlow/latest", project="wines")
assert not result.failed
"""

from __future__ import annotations

from mfwb.version import __version__

# `python -m mfwb` looks for modules in the current folder until `__main__` ends that; so nothing
# is imported here that may lie there, not even `typing`.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mfwb import errors
    from mfwb.api import explain, plan, push, rebuild, status, sync
    from mfwb.outcome import Result

__all__ = [
    "Result",
    "__version__",
    "errors",
    "explain",
    "plan",
    "push",
    "rebuild",
    "status",
    "sync",
]

_HOMES = {
    "explain": "mfwb.api",
    "plan": "mfwb.api",
    "push": "mfwb.api",
    "rebuild": "mfwb.api",
    "status": "mfwb.api",
    "sync": "mfwb.api",
    "Result": "mfwb.outcome",
    "errors": "mfwb.errors",
}


def __getattr__(name: str) -> Any:
    """Import the public names when they are first asked for: `mfwb --help` needs none of them."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - for the same reason

    module = import_module(_HOMES[name])
    return module if name == "errors" else getattr(module, name)
