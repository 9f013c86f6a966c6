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

__all__ = ["QUIET", "check_wandb_settings", "run_settings"]

QUIET: dict[str, Any] = {
    "init_timeout": 30.0,  # seconds; a deleted id is refused with 409, which W&B retries until then
    "silent": True,
    "console": "off",  # else our own output would land in every open run
    "disable_git": True,
    "disable_code": True,
    "x_disable_stats": True,
    "x_disable_meta": True,
    "x_disable_machine_info": True,
    "x_save_requirements": False,
    "x_server_side_derived_summary": True,  # keeps W&B from overwriting duration and summary
}
"""What every replayed run needs. `our_environment` says it by variables, if W&B still listens."""


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
    for place, fields in _tables(settings):
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


def _tables(settings: Settings) -> list[tuple[str, dict[str, Any]]]:
    tables = [("settings", settings.wandb)]
    for flow, table in settings.flow.items():
        tables.append((f"flow.{flow}.settings", table.wandb))
        for step, one in table.step.items():
            tables.append((f"flow.{flow}.step.{step}.settings", one.wandb))
    return tables
