"""Objects below an object of Metaflow's client, and their pathspecs as far as they are known."""

from __future__ import annotations

from dataclasses import replace

from mfwb.lineage.static_analysis.domain.text_values import join_parts
from mfwb.lineage.static_analysis.domain.values import Client
from mfwb.lineage.static_analysis.result import ANY, KINDS, LookedUpRun, TextParts

__all__ = ["child_of", "looked_up_run"]

_RUN, _TASK, _ARTIFACT = 1, 3, 4


def child_of(atom: Client, name: TextParts | None = None) -> Client:
    """Return the object below a client object; without a name, any of the objects below.

    The end of a run stands for the run, and any task for its step; any step is a separate case.
    """
    level = min(atom.level + 1, _ARTIFACT)
    if _named_level(atom) != atom.level or level > _TASK:
        return replace(atom, level=level)
    if name is None and atom.level == 0:
        return looked_up_run(atom)
    if name is None and atom.level != _RUN:
        return replace(atom, level=level)
    kind = atom.kind if atom.kind == "trigger" else KINDS[level]
    parts = join_parts(atom.parts, ("/",) if atom.parts else (), name or (ANY,))
    return Client(kind, parts, level, atom.sure)


def looked_up_run(flow: Client) -> Client:
    """Return a run of a flow that code looks up."""
    return Client(
        KINDS[_RUN], join_parts(flow.parts, ("/",), (LookedUpRun(flow.parts),)), _RUN, flow.sure
    )


def _named_level(atom: Client) -> int:
    """Return the level that the pathspec names; the pathspec of a trigger begins below its run."""
    if atom.kind != "trigger":
        return KINDS.index(atom.kind)
    slashes = sum(part.count("/") for part in atom.parts if isinstance(part, str))
    return _RUN + (slashes + 1 if atom.parts else 0)
