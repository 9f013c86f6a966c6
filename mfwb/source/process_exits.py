"""How the process of an attempt ended, as Metaflow's scheduler recorded it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ProcessExit"]


@dataclass(frozen=True, slots=True)
class ProcessExit:
    """How the process of an attempt ended.

    Attributes:
        at: when that was recorded, in epoch ms; None: the datastore has no times of files.
        return_code: of the process; negative: a signal.
        killed: whether Metaflow's scheduler killed it, as it does when it gives up.
    """

    at: int | None
    return_code: int
    killed: bool
