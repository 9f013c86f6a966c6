"""W&B runs as values."""

from __future__ import annotations

from typing import Any

from mfwb.verification.recorded import RecordedRun

__all__ = ["recorded_run"]


def recorded_run(**fields: Any) -> RecordedRun:
    """Return the finished W&B run F/1/fit, which has nothing but these fields."""
    values: dict[str, Any] = {
        "id": "i",
        "name": "F/1/fit",
        "group": "F/1",
        "job_type": "fit",
        "state": "finished",
        "tags": frozenset(),
        "notes": "",
        "config": {},
        "summary": {},
        "history": {},
        "log": None,
        "files": {},
        "logged": [],
        "used": [],
        **fields,
    }
    return RecordedRun(**values)
