"""Checks of the rules for artifacts; each raises ValueError with what a value should be."""

from __future__ import annotations

import re

from mfwb.conditions import parse_condition
from mfwb.safe_text import one_line

__all__ = ["check_aliases", "check_link", "check_metadata_names", "check_when"]

_LONGEST_NAME = 128  # characters of an alias and of a collection's name, as W&B limits them
_NAMES_LIMIT = 50  # W&B takes 100 keys of metadata

_COLLECTION_PATH = re.compile(
    r"(?:[^/:\s](?:[^/:]{0,126}[^/:\s])?/){1,2}[^/:\s](?:[^/:]{0,126}[^/:\s])?"
)
"""With or without an entity; W&B limits each part to 128 characters."""

_RESERVED = re.compile(r"latest|v\d+|run-.*", re.IGNORECASE)
"""Aliases that W&B or mfwb itself sets."""


def check_aliases(aliases: tuple[str, ...]) -> tuple[str, ...]:
    """Return aliases that W&B accepts and that neither W&B nor mfwb sets itself."""
    for alias in aliases:
        if not alias.strip() or len(alias) > _LONGEST_NAME or alias != one_line(alias):
            raise ValueError(f"an alias is one line of 1 to {_LONGEST_NAME} characters")
        if "/" in alias or ":" in alias:
            raise ValueError("an alias has no / and no :")
        if _RESERVED.fullmatch(alias):
            raise ValueError(
                "they are aliases that W&B and mfwb do not set themselves, as they set latest, v3 "
                "and run-7"
            )
    return aliases


def check_when(condition: str | None) -> str | None:
    """Return a condition that can be evaluated."""
    if condition is not None:
        parse_condition(condition)
    return condition


def check_metadata_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return names of values, as `accuracy` or `report.f1`."""
    if len(names) > _NAMES_LIMIT:
        raise ValueError(f"they are {_NAMES_LIMIT} names at most")
    for name in names:
        if not all(name.split(".")) or name != one_line(name):
            raise ValueError("they are names of values, as accuracy or report.f1")
    return names


def check_link(path: str | None) -> str | None:
    """Return the path of a collection, as `wandb-registry-model/classifier`."""
    if path is None:
        return None
    if not _COLLECTION_PATH.fullmatch(path) or path != one_line(path):
        raise ValueError(
            "it is the path of a collection, as wandb-registry-model/classifier or "
            "entity/project/collection"
        )
    return path
