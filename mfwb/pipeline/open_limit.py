"""Open limit: how many W&B runs are written at a time while W&B says "too many requests".

It is the rule by which TCP finds its share of a line: half as many after a refusal, and then one
more for each round without any. A refusal counts once for all W&B runs that were open with it.
"""

from __future__ import annotations

__all__ = ["OpenLimit"]


class OpenLimit:
    """The number of W&B runs that may be written at a time; its owner guards it with a lock."""

    def __init__(self, highest: int) -> None:
        """Start with the highest number."""
        self._highest = highest
        self._limit = float(highest)
        self._spared = 0  # W&B runs to come that were open when the limit was halved

    @property
    def now(self) -> int:
        """The number of W&B runs that may be written at a time; at least 1."""
        return int(self._limit)

    def note(self, refused: int) -> None:
        """Note a W&B run that was written.

        Args:
            refused: how many of its requests W&B refused because they were too many.
        """
        if self._spared:
            self._spared -= 1
            return
        if refused:
            self._spared = self.now - 1
            self._limit = max(1.0, self._limit / 2)
        else:
            self._limit = min(float(self._highest), self._limit + 1 / self._limit)
