"""`wandb.Settings` for one W&B run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import wandb
from pydantic import ValidationError
from wandb.errors import UsageError as WandbUsageError

from mfwb.config import Settings
from mfwb.errors import UsageError
from mfwb.sink.tables import tables_of

__all__ = ["check_wandb_settings", "run_settings"]


def run_settings(users: Mapping[str, Any], ours: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings for `wandb.init`, as a dict, which it checks only once.

    What the process's own settings say already is left out, since W&B takes its time for each
    one; and what this version of W&B does not know, of ours.

    Args:
        users: what `[settings]` says, which gives way to what follows.
        ours: what the sync decides.
    """
    general = dict(wandb.setup().settings)
    said = {**users, **{name: value for name, value in ours.items() if name in general}}
    return {name: value for name, value in said.items() if general.get(name) != value}


def check_wandb_settings(settings: Settings) -> None:
    """Refuse what `wandb.Settings` would refuse, before anything is written."""
    for place, fields in tables_of(settings):
        _check(place, fields)


def _check(place: str, fields: dict[str, Any]) -> None:
    try:
        wandb.Settings(**fields)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"[{place}] {name}: {first['msg']} (a field of wandb.Settings)") from None
    except (WandbUsageError, ValueError, TypeError) as error:  # the last: `run_tags = 5`
        raise UsageError(f"[{place}] {error}") from None
