"""Metadata of a W&B run: names, tags, notes and config, planned or as W&B has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mfwb.planning import Plan, PlannedRun
from mfwb.sink.content.run_content import build_config

__all__ = ["RunMetadata", "planned_run_metadata", "read_run_metadata"]


@dataclass(frozen=True, slots=True)
class RunMetadata:
    """The metadata of a W&B run that can be changed in place, by mfwb and by people.

    Attributes:
        notes: empty if there are none.
        config: all of config without W&B's own part.
    """

    name: str
    group: str
    job_type: str
    tags: tuple[str, ...]
    notes: str
    config: Mapping[str, Any]


def planned_run_metadata(plan: Plan, run: PlannedRun, writer: str) -> RunMetadata:
    """Return the planned metadata of a W&B run."""
    return RunMetadata(
        name=run.name,
        group=run.group,
        job_type=run.job_type,
        tags=run.tags,
        notes=run.notes,
        config=build_config(plan, run, writer),
    )


def read_run_metadata(handle: Any) -> RunMetadata:
    """Return the metadata of a W&B run that W&B's public Api has just loaded."""
    return RunMetadata(
        name=handle.display_name or "",
        group=handle.group or "",
        job_type=handle.job_type or "",
        tags=tuple(handle.tags or ()),
        notes=handle.notes or "",
        config=dict(handle.config),
    )
