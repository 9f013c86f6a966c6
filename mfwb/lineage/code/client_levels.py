"""What is below an object of Metaflow's client, and how much of it the code names."""

from __future__ import annotations

from mfwb.lineage.code.facts import ANY
from mfwb.lineage.code.values import Client

__all__ = ["KINDS", "part_of"]

KINDS = ("flow", "run", "step", "task", "artifact")  # by level
_RUN, _TASK, _ARTIFACT = 1, 3, 4


def part_of(atom: Client, name: str | None = None) -> Client:
    """Return what is below an object of the client; without a name, any of what is there.

    The end of a run stands for the run, and any task for its step; any step is its own case.
    """
    level = min(atom.level + 1, _ARTIFACT)
    if _level_said(atom) != atom.level or level > _TASK:
        return Client(atom.kind, atom.pathspec, level)
    if name is None and atom.level != _RUN:
        return Client(atom.kind, atom.pathspec, level)
    kind = atom.kind if atom.kind == "trigger" else KINDS[level]
    return Client(kind, f"{atom.pathspec}/{name or ANY}".lstrip("/"), level)


def _level_said(atom: Client) -> int:
    """Return the level that the pathspec names; that of a trigger begins below its run."""
    parts = atom.pathspec.count("/") + 1 if atom.pathspec else 0
    return _RUN + parts if atom.kind == "trigger" else parts - 1
