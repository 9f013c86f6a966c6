"""`wandb.Settings` for one W&B run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import wandb
from pydantic import ValidationError
from wandb.errors import UsageError as WandbUsageError

from mfwb.config import Settings
from mfwb.errors import UsageError

__all__ = ["check_wandb_settings", "run_settings"]

_INIT_TIMEOUT = 30.0  # seconds; a deleted id is refused with 409, which W&B retries until then
_QUIET: dict[str, Any] = {
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


def run_settings(users: Mapping[str, Any] | None = None, **ours: Any) -> dict[str, Any]:
    """Return settings for `wandb.init`, as a dict, which it checks only once.

    Args:
        users: what `[settings]` says, which gives way to what follows.
        **ours: what the sync decides.
    """
    known = wandb.Settings.model_fields
    quiet = {name: value for name, value in _QUIET.items() if name in known}
    return {"init_timeout": _INIT_TIMEOUT, **quiet, **(users or {}), **ours}


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
