"""Tables of settings that are passed to wandb unchanged."""

from __future__ import annotations

from typing import Any

from mfwb.config import Settings

__all__ = ["wandb_settings_tables"]


def wandb_settings_tables(settings: Settings) -> list[tuple[str, dict[str, Any]]]:
    """Return the tables that are not empty, by their names in mfwb.toml."""
    tables = [("settings", settings.wandb)]
    for flow, table in settings.flow.items():
        tables.append((f"flow.{flow}.settings", table.wandb))
        for step, step_settings in table.step.items():
            tables.append((f"flow.{flow}.step.{step}.settings", step_settings.wandb))
    return [(name, fields) for name, fields in tables if fields]
