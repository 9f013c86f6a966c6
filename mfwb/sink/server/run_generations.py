"""Ids of W&B runs that take the place of deleted ones: W&B refuses a deleted id for a week."""

from __future__ import annotations

from mfwb.planning import WandbRunId

__all__ = ["digest_of_id", "generation_of", "id_in_generation"]

_LIMIT = 64


def id_in_generation(run_id: WandbRunId, generation: int) -> WandbRunId:
    """Return the id under which a planned W&B run is written in some generation.

    The first one's is the planned id. It ends in a hash, which later ones keep behind a mark.
    """
    if generation == 0:
        return run_id
    readable, _, digest = run_id.rpartition("-")
    end = f"-g{generation}-{digest}"
    return WandbRunId(readable[: _LIMIT - len(end)] + end)


def generation_of(run_id: str) -> int:
    """Return which generation an id is of."""
    mark = run_id.split("-")[-2:-1]
    number = mark[0].removeprefix("g") if mark and mark[0].startswith("g") else ""
    return int(number) if number.isdecimal() else 0


def digest_of_id(run_id: str) -> str:
    """Return what the ids of all generations of a W&B run have in common: the hash."""
    return run_id.rpartition("-")[2]
