"""Whether what was sent is there: `wandb sync` says that all is well, whatever became of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import wandb

from mfwb.sink.existing import ExistingRuns
from mfwb.sink.push.derived import Derivation
from mfwb.sink.push.recorded import RecordedRun
from mfwb.sink.run_files import ALWAYS_THERE

__all__ = ["Arrival", "check"]


@dataclass(frozen=True, slots=True)
class Arrival:
    """What is there of a W&B run.

    Attributes:
        lacks: what is missing; empty if nothing is.
        unlogged: artifacts that it should have logged, by name and digest; all else is there.
        logged: the artifacts that it logged, by name and digest.
    """

    lacks: str = ""
    unlogged: frozenset[tuple[str, str]] = frozenset()
    logged: Mapping[tuple[str, str], wandb.Artifact] = field(default_factory=dict)


def check(sent: Derivation, existing: ExistingRuns) -> Arrival:
    """Return what is there of a W&B run that was just looked up; SinkError."""
    run = sent.run
    if lacks := _lacks(run, existing):
        return Arrival(lacks)
    logged = _by_content(existing.logged(run.title.id)) if run.logged else {}
    unlogged = {sent.as_called(one).content for one in run.logged} - logged.keys()
    uses = {sent.as_called(one).content for one in run.used if one.content not in sent.without}
    unused = uses - _by_content(existing.used(run.title.id)).keys() if uses else set()
    if unused:
        return Arrival(f"artifacts that it uses are missing: {_names(unused)}")
    if unlogged:
        lacks = f"artifacts that it logs are missing: {_names(unlogged)}"
        return Arrival(lacks, frozenset(unlogged), logged)
    return Arrival(logged=logged)


def _lacks(run: RecordedRun, existing: ExistingRuns) -> str:
    """Return what is missing of a W&B run itself; empty if nothing is."""
    found = existing.get(run.title.id)
    if found is None:
        return "the run is not there"
    if found.is_open:
        return f"its state is {found.state}"
    if found.rows < run.rows:
        return f"{found.rows} of {run.rows} rows of its history are there"
    lost = (ALWAYS_THERE | run.media) - existing.files(run.title.id).keys()
    return f"files are missing: {', '.join(sorted(lost))}" if lost else ""


def _names(contents: Iterable[tuple[str, str]]) -> str:
    return ", ".join(sorted({name for name, _ in contents}))


def _by_content(artifacts: Iterable[wandb.Artifact]) -> dict[tuple[str, str], wandb.Artifact]:
    return {(one.name.rpartition(":")[0], one.digest): one for one in artifacts}
