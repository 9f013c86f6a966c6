"""A limit on requests, with the headers by which W&B says how many are left."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from .journal import Kind

_LIMITED: tuple[Kind, ...] = ("graphql", "file_stream")  # files go to another service


@dataclass(slots=True)
class RateLimit:
    """So many requests within each stretch of time; further ones are answered with 429.

    Attributes:
        requests: how many.
        seconds: the length of a stretch.
        retry_after: whether a refusal has the header `Retry-After`, too.
    """

    requests: int
    seconds: float
    retry_after: bool = True
    refused: int = 0
    _began: float = field(default=float("-inf"))
    _taken: int = 0

    def take(self, kind: Kind) -> tuple[bool, dict[str, str]]:
        """Count a request; return whether it is allowed, and the headers of its answer."""
        if kind not in _LIMITED:
            return True, {}
        now = time.monotonic()
        if now - self._began >= self.seconds:
            self._began, self._taken = now, 0
        self._taken += 1
        is_allowed = self._taken <= self.requests
        reset = max(0.0, self._began + self.seconds - now)
        headers = {
            "RateLimit-Limit": str(self.requests),
            "RateLimit-Remaining": str(max(0, self.requests - self._taken)),
            "RateLimit-Reset": f"{reset:.0f}",
        }
        if not is_allowed:
            self.refused += 1
            if self.retry_after:
                headers["Retry-After"] = f"{max(1.0, reset):.0f}"
        return is_allowed, headers
