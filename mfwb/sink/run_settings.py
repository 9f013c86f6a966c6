"""`wandb.Settings` for one W&B run."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import wandb
from pydantic import ValidationError
from wandb.errors import UsageError as WandbUsageError

from mfwb.config import Settings
from mfwb.errors import UsageError
from mfwb.sink.quiet import QUIET
from mfwb.sink.tables import tables_of

__all__ = ["check_wandb_settings", "run_settings"]


def run_settings(users: Mapping[str, Any] | None = None, **ours: Any) -> dict[str, Any]:
    """Return settings for `wandb.init`, as a dict, which it checks only once.

    Args:
        users: what `[settings]` says, which gives way to what follows.
        **ours: what the sync decides.
    """
    return {**_not_yet_in_force(), **(users or {}), **ours}


@cache
def _not_yet_in_force() -> dict[str, Any]:
    """Return what of QUIET the process's own settings don't say: W&B checks each one anew.

    All of it, if W&B was set up before us, as in a notebook.
    """
    general = wandb.setup().settings
    known = wandb.Settings.model_fields
    return {
        name: value
        for name, value in QUIET.items()
        if name in known and getattr(general, name) != value
    }


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
    except (WandbUsageError, ValueError) as error:
        raise UsageError(f"[{place}] {error}") from None
