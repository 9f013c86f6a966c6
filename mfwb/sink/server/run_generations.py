"""Ids of W&B runs that replace deleted ones: W&B refuses a deleted id for a week."""

from __future__ import annotations

from mfwb.planning import WandbRunId

__all__ = ["digest_of_id", "generation_of", "id_in_generation"]

_LIMIT = 64


def id_in_generation(run_id: WandbRunId, generation: int) -> WandbRunId:
    """Return the id of a planned W&B run in a generation.

    The id of the first generation is the planned id. It ends in a hash, which later ones keep.
    """
    if generation == 0:
        return run_id
    readable, _, digest = run_id.rpartition("-")
    suffix = f"-g{generation}-{digest}"
    return WandbRunId(readable[: _LIMIT - len(suffix)] + suffix)


def generation_of(run_id: str) -> int:
    """Return the generation of an id."""
    parts = run_id.split("-")[-2:-1]
    number = parts[0].removeprefix("g") if parts and parts[0].startswith("g") else ""
    return int(number) if number.isdecimal() else 0


def digest_of_id(run_id: str) -> str:
    """Return the hash that the ids of all generations of a W&B run share."""
    return run_id.rpartition("-")[2]
