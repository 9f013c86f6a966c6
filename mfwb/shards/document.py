"""Shard plans as files: a restart reads the choice again, so that new flow runs change no shard."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from mfwb.errors import MfwbError, UsageError
from mfwb.files.private_files import overwrite
from mfwb.shards.model import ShardPlan

__all__ = ["plan_from_json", "plan_to_json", "read_shard_plan", "write_shard_plan"]

_FORMAT = "mfwb shards"
_VERSION = 1


def plan_to_json(plan: ShardPlan) -> str:
    """Return a plan as JSON; `plan_from_json` returns an equal value."""
    return json.dumps({"format": _FORMAT, "version": _VERSION, **asdict(plan)}, indent=1)


def plan_from_json(text: str | bytes, where: str) -> ShardPlan:
    """Return the plan that `plan_to_json` wrote.

    Args:
        text: the JSON.
        where: names it in an error.

    Raises:
        UsageError: it is no such plan, or one of a newer mfwb.
    """
    try:
        document: dict[str, Any] = json.loads(text)
        if document.pop("format") != _FORMAT:
            raise ValueError("it has another format")  # noqa: TRY301
        version = document.pop("version")
        if version != _VERSION:
            raise UsageError(
                f"{where} was written by another mfwb (version {version}, this one knows "
                f"{_VERSION}); use that one, or remove its folder"
            )
        plan = _adapter().validate_python(document)
    except (ValueError, KeyError, TypeError, AttributeError, ValidationError) as error:
        reason = str(error).splitlines()[0]
        raise UsageError(
            f"{where} is no shard plan of mfwb ({reason}); remove its folder"
        ) from None
    names = plan.flow_runs
    if len(set(names)) < len(names):
        raise UsageError(f"{where} is no shard plan of mfwb (a flow run twice); remove its folder")
    return plan


def write_shard_plan(path: Path, plan: ShardPlan) -> None:
    """Write a plan in one step; MfwbError."""
    try:
        overwrite(path, f"{plan_to_json(plan)}\n".encode("utf-8", "surrogatepass"))
    except OSError as error:
        raise MfwbError(f"the shard plan {path} can't be written: {error}") from error


def read_shard_plan(path: Path) -> ShardPlan | None:
    """Return the plan in a file; None if there is no file; UsageError."""
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"the shard plan {path} can't be read: {error.strerror}") from None
    return plan_from_json(text, str(path))


@cache
def _adapter() -> TypeAdapter[ShardPlan]:
    return TypeAdapter(ShardPlan)  # built on first use, since that is slow
