"""The pauses between two syncs of a watch."""

from __future__ import annotations

import random

__all__ = ["pause_seconds"]

_JITTER = 0.1  # of the pause


def pause_seconds(every: float, chance: random.Random) -> float:
    """Return the seconds of the next pause: up to a tenth more than asked for.

    So watches that were started by the same event do not send their requests at the same moment for
    ever.
    """
    return every * (1 + _JITTER * chance.random())
