"""Which checkpoints and models a task loaded when it began, from its metadata.

`@checkpoint` records the one that it loads, `@model(load=...)` a list of keys. What the code of the
step loads itself is not recorded; the source shows that it reads the reference.
"""

from __future__ import annotations

from collections.abc import Sequence

from mfwb.source.attempts import Record
from mfwb.source.json_records import parse_json
from mfwb.source.typed_values import DamagedError

__all__ = ["to_loaded_keys"]

_KEY_LIMIT = 1_000  # characters
_KEYS_LIMIT = 1_000


def to_loaded_keys(records: Sequence[Record], *, since: int) -> tuple[str, ...]:
    """Return the keys that a task recorded as loaded, sorted.

    Args:
        records: metadata of the task.
        since: when its latest attempt began, in epoch ms; what was recorded before is not of it.
    """
    keys: set[str] = set()
    for record in records:
        if record.created_at < since:
            continue
        if record.name == "checkpoint-load-key":
            keys.add(record.value)
        elif record.name == "loaded-models":
            keys.update(_keys(record.value))
    return tuple(sorted(key for key in keys if len(key) <= _KEY_LIMIT))


def _keys(recorded: str) -> list[str]:
    """Return the keys of `{"keys": [...]}`; none if it is damaged."""
    try:
        return parse_json(dict[str, list[str]], recorded).get("keys", [])[:_KEYS_LIMIT]
    except DamagedError:
        return []
