"""Messages between a backfill and the processes of its shards: one JSON document a line.

The backfill sends one job. The process sends what it is notified of, and at its end either `end`
or `error`. If it sends neither, it was killed.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from threading import Lock
from typing import Any

from pydantic import TypeAdapter

from mfwb.config import Settings
from mfwb.outcome import FlowRunOutcome
from mfwb.ports import Ended, NoProgress, Progress

__all__ = [
    "Job",
    "PlanJob",
    "SentProgress",
    "SentSettings",
    "apply_message",
    "job_from_json",
    "job_to_json",
    "outcome_of",
    "outcome_to_send",
    "plan_job_from_json",
]


@dataclass(frozen=True, slots=True)
class SentSettings:
    """The settings of a call, for another process of this machine.

    Attributes:
        values: those that were given, in any way, by alias.
        explicit: the names of those that variables and flags set.
        origins: where each of W&B's settings comes from.
    """

    values: dict[str, Any]
    explicit: tuple[str, ...]
    origins: dict[str, str]

    @classmethod
    def of(cls, settings: Settings) -> SentSettings:
        """Return settings as they are sent; plugins are found anew."""
        given = settings.model_dump(mode="json", by_alias=True, exclude_unset=True)
        return cls(given, tuple(sorted(settings.explicit)), dict(settings.origins))

    def make(self) -> Settings:
        """Return the settings."""
        return Settings(
            **self.values, explicit=frozenset(self.explicit), origins=dict(self.origins)
        )


@dataclass(frozen=True, slots=True)
class Job:
    """The flow runs that a process syncs.

    Attributes:
        flow_runs: of its shard.
        failed: as in `Selection`.
        ledger: the path of the shard's ledger.
        settings: of the backfill.
    """

    flow_runs: tuple[str, ...]
    failed: bool | None
    ledger: str
    settings: SentSettings


@dataclass(frozen=True, slots=True)
class PlanJob:
    """The choice that a process cuts into shards.

    Attributes:
        selectors: arguments of `make_selection`, as they were given.
        shards: how many.
        settings: of the backfill.
    """

    selectors: dict[str, Any]
    shards: int
    settings: SentSettings


def job_to_json(job: Job | PlanJob) -> str:
    """Return a job as one line of JSON."""
    return json.dumps(asdict(job))


def job_from_json(line: str) -> Job:
    """Return the job that `job_to_json` wrote."""
    job: Job = _adapter(Job).validate_json(line)
    return job


def plan_job_from_json(text: str) -> PlanJob:
    """Return the job that `job_to_json` wrote."""
    job: PlanJob = _adapter(PlanJob).validate_json(text)
    return job


class SentProgress(NoProgress):
    """Sends what it is notified of to another process; may be called from several threads."""

    def __init__(self, send: Callable[[str], None]) -> None:
        """Make it.

        Args:
            send: takes one line.
        """
        self._send_line = send
        self._lock = Lock()

    def send(self, kind: str, *arguments: Any) -> None:
        """Send a message."""
        line = json.dumps([kind, *arguments])
        with self._lock:
            self._send_line(line)

    def flow_run(self, pathspec: str, position: int, total: int) -> None:
        """Send that work on a flow run begins."""
        self.send("flow_run", pathspec, position, total)

    def planned(self, flow_run: str, wandb_runs: int) -> None:
        """Send the number of W&B runs that a flow run becomes."""
        self.send("planned", flow_run, wandb_runs)

    def writing(self, flow_run: str, wandb_run: str) -> None:
        """Send that a W&B run begins to be written."""
        self.send("writing", flow_run, wandb_run)

    def written(self, flow_run: str, wandb_run: str) -> None:
        """Send that a W&B run is written."""
        self.send("written", flow_run, wandb_run)

    def finished(self, ended: Ended) -> None:
        """Send how a flow run ended."""
        if isinstance(ended, FlowRunOutcome):
            self.send("finished", outcome_to_send(ended))


def apply_message(progress: Progress, kind: str, arguments: list[Any]) -> bool:
    """Notify of a message about the work in a flow run; return whether it was one."""
    if kind not in {"planned", "writing", "written"}:
        return False
    getattr(progress, kind)(*arguments)
    return True


def outcome_to_send(outcome: FlowRunOutcome) -> dict[str, Any]:
    """Return an outcome as a document; `outcome_of` returns an equal value."""
    document: dict[str, Any] = json.loads(outcome.to_json())
    return document


def outcome_of(document: Any) -> FlowRunOutcome:
    """Return the outcome in a message `finished`."""
    outcome: FlowRunOutcome = _adapter(FlowRunOutcome).validate_python(document)
    return outcome


@cache
def _adapter(of: Any) -> TypeAdapter[Any]:
    return TypeAdapter(of)  # built on first use, since that is slow
