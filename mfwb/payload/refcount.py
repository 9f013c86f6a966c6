"""Reference counts of temporary files, which are deleted after their last use."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from threading import Lock

__all__ = ["RefCount"]


class RefCount:
    """Users of each key; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._users: defaultdict[str, set[str]] = defaultdict(set)  # by key
        self._keys: defaultdict[str, set[str]] = defaultdict(set)  # by user

    def acquire(self, user: str, keys: Iterable[str]) -> None:
        """Record that a user needs these keys until it calls `release`."""
        with self._lock:
            for key in keys:
                self._users[key].add(user)
                self._keys[user].add(key)

    def release(self, user: str) -> list[str]:
        """Remove a user; return the keys that nobody needs any more."""
        with self._lock:
            used = self._keys.pop(user, set())
            for key in used:
                self._users[key].remove(user)
            unused = [key for key in used if not self._users[key]]
            for key in unused:
                del self._users[key]
        return unused

    @property
    def is_empty(self) -> bool:
        """Whether no key is in use."""
        with self._lock:
            return not self._users
