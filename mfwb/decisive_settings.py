"""Decisive settings: what decided what is written for a flow, in short texts without secrets.

They are kept with each sync, so that a later plan can say which setting changed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from mfwb.config import Settings

__all__ = ["compare_settings", "describe_settings"]

_DEFAULT = "default"
_DIGEST = "#"  # before a digest, of what may be long or secret
_SHORT = 40  # letters


def describe_settings(settings: Settings, flow: str) -> dict[str, str]:
    """Return the settings that decide what is written for a flow, and are not the default.

    The value of a switch, a number or a name is its text; of anything else, a digest: values of
    W&B's own settings, patterns and paths stay out.
    """
    default, own = _defaults(), _flow_settings(settings, flow)
    described = {name: _text(value) for name, value in own.items() if value != default.get(name)}
    table = settings.flow.get(flow)
    for step in table.step if table else ():
        for name, value in _step_settings(settings, flow, step).items():
            if value != own.get(name):
                described[f"step.{step}.{name}"] = _text(value)
    return dict(sorted(described.items()))


def compare_settings(before: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    """Return what changed between two descriptions, as in "setting models: true → false"."""
    changes = []
    for name in sorted({*before, *now}):
        old, new = before.get(name, _DEFAULT), now.get(name, _DEFAULT)
        if old != new:
            is_hidden = old.startswith(_DIGEST) and new.startswith(_DIGEST)
            values = "" if is_hidden else f": {_shown(old)} \N{RIGHTWARDS ARROW} {_shown(new)}"
            changes.append(f"setting {name}{values}")
    return tuple(changes)


def _shown(value: str) -> str:
    return "set" if value.startswith(_DIGEST) else value


@cache
def _defaults() -> dict[str, Any]:
    return _flow_settings(Settings.model_validate({}), "")


def _flow_settings(settings: Settings, flow: str) -> dict[str, Any]:
    return {
        **_step_settings(settings, flow, ""),
        "granularity": settings.granularity_of(flow),
        "overview": settings.overview_of(flow),
        "code": settings.code_of(flow),
        "redact": settings.redact.digest,
    }


def _step_settings(settings: Settings, flow: str, step: str) -> dict[str, Any]:
    values = settings.for_step(flow, step).model_dump(mode="json")
    wandb = values.pop("wandb")
    return {**values, **{f"settings.{name}": (value,) for name, value in wandb.items()}}


def _text(value: Any) -> str:
    if value is None or isinstance(value, (bool, int)):
        return json.dumps(value)
    if isinstance(value, str) and len(value) <= _SHORT and value.isidentifier():
        return value
    text = json.dumps(value, sort_keys=True, default=str)
    return f"{_DIGEST}{hashlib.sha256(text.encode()).hexdigest()[:8]}"
