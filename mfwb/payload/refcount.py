"""Who still needs what: files of the temporary folder go with their last user."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from threading import Lock

__all__ = ["RefCount"]


class RefCount:
    """Holders by key; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._holders: defaultdict[str, set[str]] = defaultdict(set)

    def hold(self, holder: str, keys: Iterable[str]) -> None:
        """Note that a holder needs these keys until it lets go."""
        with self._lock:
            for key in keys:
                self._holders[key].add(holder)

    def let_go(self, holder: str) -> list[str]:
        """Return the keys that nobody needs any more, now that this holder does not."""
        with self._lock:
            held = [key for key, holders in self._holders.items() if holder in holders]
            for key in held:
                self._holders[key].remove(holder)
            free = [key for key in held if not self._holders[key]]
            for key in free:
                del self._holders[key]
        return free

    @property
    def is_empty(self) -> bool:
        """Whether nobody needs anything."""
        with self._lock:
            return not self._holders
