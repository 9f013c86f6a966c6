"""Ids, names, tags and keys that W&B accepts, made from Metaflow's: stable and without collisions.

The limits are the server's (facts about wandb 0.31); the client checks few of them offline.
"""

from __future__ import annotations

import hashlib
import re

from mfwb.planning.plan import WandbRunId

__all__ = ["artifact_name", "config_key", "run_alias", "run_id", "shortened", "summary_key"]

RUN_NAME_LIMIT = 128
JOB_TYPE_LIMIT = 64
TAG_LIMIT = 64
_RUN_ID_LIMIT = 64
_ARTIFACT_NAME_LIMIT = 128
_HASH_LENGTH = 12  # enough for a hundred thousand tasks whose readable parts are the same

_CONFIG_TAKEN = frozenset({"metaflow", "mfwb", "_wandb"})
_SUMMARY_TAKEN = frozenset(
    {"metaflow", "mfwb", "tasks", "card", "_wandb", "_step", "_runtime", "_timestamp"}
)


def run_id(*parts: str) -> WandbRunId:
    """Return the W&B run id of (flow, run id, step[, task]).

    Readable as far as 64 characters go, and told apart by a hash of all parts.
    """
    slug = re.sub(r"[^A-Za-z0-9_]+", "-", "-".join(parts)).strip("-")
    return WandbRunId(_with_hash(slug, "\0".join(parts), _RUN_ID_LIMIT))


def shortened(text: str, limit: int) -> str:
    """Return the text, or its beginning and a hash of the whole if it is too long."""
    return text if len(text) <= limit else _with_hash(text, text, limit)


def artifact_name(name: str) -> str:
    """Return an attribute name as a W&B artifact name; other alphabets become `_` and a hash."""
    safe = re.sub(r"[^A-Za-z0-9_\-.]", "_", name)
    if safe != name:
        return _with_hash(safe, name, _ARTIFACT_NAME_LIMIT)
    return shortened(name, _ARTIFACT_NAME_LIMIT)


def run_alias(run: str) -> str:
    """Return the alias that says which flow run made a version: `run-123`."""
    return f"run-{re.sub(r'[/:]', '-', run)}"


def config_key(name: str) -> str:
    """Return the config key of a parameter; a name that config needs itself gets a `_` behind."""
    return f"{name}_" if name.rstrip("_") in _CONFIG_TAKEN else name  # metaflow_ moves on, too


def summary_key(name: str) -> str:
    """Return the summary key of an artifact; a name that is taken there gets a `_` behind."""
    return f"{name}_" if name.rstrip("_") in _SUMMARY_TAKEN else name


def _with_hash(readable: str, whole: str, limit: int) -> str:
    digest = hashlib.sha256(whole.encode()).hexdigest()[:_HASH_LENGTH]
    return f"{readable[: limit - _HASH_LENGTH - 1]}-{digest}"
