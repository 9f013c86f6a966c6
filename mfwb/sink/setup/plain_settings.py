"""Settings for wandb that need no check by wandb, whose import takes long."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["is_surely_valid"]

_TEXT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 ./_-]{0,62}[A-Za-z0-9])?")
_TEXT_FIELDS = frozenset(
    {"entity", "host", "run_group", "run_job_type", "run_name", "run_notes", "username"}
)
_MODES = frozenset({"online", "offline"})


def is_surely_valid(name: str, value: Any) -> bool:
    """Return whether `wandb.Settings` accepts a value of a field; False if only wandb can tell.

    These are the fields that people set most, with values without anything unusual. The contract
    test tests/contracts/test_plain_settings.py compares them with wandb.
    """
    if name == "run_tags":
        return isinstance(value, list) and all(map(_is_plain_text, value))
    if name == "mode":
        return isinstance(value, str) and value in _MODES
    if name == "project":
        return _is_plain_text(value) and "/" not in value
    return name in _TEXT_FIELDS and _is_plain_text(value)


def _is_plain_text(value: Any) -> bool:
    return isinstance(value, str) and _TEXT.fullmatch(value) is not None
