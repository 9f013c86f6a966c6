"""What a call did, or would do: the values behind `--json`, printed by `mfwb.report`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from mfwb.errors import BUG_EXIT_CODE, FlowRunsFailed
from mfwb.snapshot import Loss

__all__ = [
    "FlowRunOutcome",
    "InputOutcome",
    "ItemCounts",
    "OutputOutcome",
    "Result",
    "Status",
    "WandbRunOutcome",
    "outcome_from_json",
    "outcome_to_json",
]


class Status(str, Enum):
    """What became of a flow run."""

    PLANNED = "planned"
    SYNCED = "synced"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class InputOutcome:
    """A W&B artifact that a W&B run used."""

    name: str
    type: str
    digest: str | None  # None: not known before it is written
    producer: str  # name of the W&B run that logged it
    ground: str


@dataclass(frozen=True, slots=True)
class OutputOutcome:
    """A W&B artifact that a W&B run logged."""

    name: str
    type: str
    digest: str | None  # None: not known before it is written
    size: int  # bytes; of a plan: of the pickles it will be made of
    files: tuple[str, ...]
    deduplicated: bool = False  # W&B had that content already
    version: str | None = None  # as in "v3"; None: offline
    items: int = 1  # Metaflow's artifacts that it is made of


@dataclass(frozen=True, slots=True)
class ItemCounts:
    """How each artifact that a step wrote ended; the parts add up to `total`.

    What a step merely passed on is counted by the step that wrote it.
    """

    total: int = 0
    values: int = 0  # in summary, charts and table
    written: int = 0
    deduplicated: int = 0
    switched_off: int = 0
    lost: int = 0

    def __add__(self, other: ItemCounts) -> ItemCounts:
        return ItemCounts(
            total=self.total + other.total,
            values=self.values + other.values,
            written=self.written + other.written,
            deduplicated=self.deduplicated + other.deduplicated,
            switched_off=self.switched_off + other.switched_off,
            lost=self.lost + other.lost,
        )


@dataclass(frozen=True, slots=True)
class WandbRunOutcome:
    """One W&B run."""

    id: str
    name: str
    job_type: str
    state: str  # finished or failed, as W&B will say
    url: str | None = None
    dir: str | None = None
    inputs: tuple[InputOutcome, ...] = ()
    outputs: tuple[OutputOutcome, ...] = ()
    summary_keys: tuple[str, ...] = ()
    passed_on: tuple[str, ...] = ()
    switched_off: tuple[str, ...] = ()
    items: ItemCounts = field(default_factory=ItemCounts)
    losses: tuple[Loss, ...] = ()
    complete: bool = True  # False: the next sync tries again to bring what did not arrive
    deleted: bool = False  # somebody deleted it in W&B, so it stays away
    edits_kept: tuple[str, ...] = ()  # others changed that of what mfwb wrote, and it stayed
    edits_undone: tuple[str, ...] = ()  # the same, and it was written over (--overwrite-edits)


@dataclass(frozen=True, slots=True)
class FlowRunOutcome:
    """One flow run."""

    pathspec: str
    status: Status
    reason: str | None = None
    group: str | None = None
    project: str | None = None
    entity: str | None = None
    mode: str | None = None
    wandb_runs: tuple[WandbRunOutcome, ...] = ()
    losses: tuple[Loss, ...] = ()
    exit_code: int = 1  # of the call if it failed, and none failed otherwise
    bug: bool = False  # it failed by an error of mfwb's own, which the reason names with its log

    def to_dict(self) -> dict[str, Any]:
        """Return what `--json` prints of it."""
        document: dict[str, Any] = _adapter(FlowRunOutcome).dump_python(self, mode="json")
        return document

    @property
    def all_losses(self) -> tuple[Loss, ...]:
        """Losses of the flow run and of its W&B runs."""
        return (*self.losses, *(loss for run in self.wandb_runs for loss in run.losses))


@dataclass(frozen=True, slots=True)
class Result:
    """All flow runs of one call."""

    command: str
    flow_runs: tuple[FlowRunOutcome, ...]
    version: int = 1
    notes: tuple[str, ...] = ()  # what is worth knowing, and about no flow run

    @property
    def totals(self) -> dict[str, Any]:
        """Counts over all flow runs: by status, W&B runs, artifacts and losses."""
        runs = [run for one in self.flow_runs for run in one.wandb_runs]
        return {
            "flow_runs": {
                status.value: sum(one.status is status for one in self.flow_runs)
                for status in Status
            },
            "wandb_runs": len(runs),
            "inputs": sum(len(run.inputs) for run in runs),
            "outputs": sum(len(run.outputs) for run in runs),
            "items": _adapter(ItemCounts).dump_python(_sum(run.items for run in runs)),
            "losses": sum(len(one.all_losses) for one in self.flow_runs),
        }

    @property
    def failed(self) -> bool:
        """Whether some flow run could not be synced."""
        return any(one.status is Status.FAILED for one in self.flow_runs)

    @property
    def exit_code(self) -> int:
        """What the command line ends with, losses aside: 0 if no flow run failed.

        Otherwise 70 for an error of mfwb's own, 4 if W&B refused all that failed, else 1.
        """
        if self.has_bugs:
            return BUG_EXIT_CODE
        codes = {run.exit_code for run in self.flow_runs if run.status is Status.FAILED}
        return codes.pop() if len(codes) == 1 else int(bool(codes))

    @property
    def has_bugs(self) -> bool:
        """Whether some flow run failed by an error of mfwb's own."""
        return any(one.bug for one in self.flow_runs)

    @property
    def losses(self) -> tuple[Loss, ...]:
        """All losses."""
        return tuple(loss for one in self.flow_runs for loss in one.all_losses)

    def raise_for_failures(self) -> Result:
        """Return this result if no flow run failed.

        Raises:
            FlowRunsFailed: naming the flow runs that failed, each with its reason.
        """
        if not self.failed:
            return self
        raise FlowRunsFailed(
            {
                run.pathspec: run.reason or ""
                for run in self.flow_runs
                if run.status is Status.FAILED
            },
            total=len(self.flow_runs),
            exit_code=self.exit_code,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return what `--json` prints; keys may be added in later versions, none removed."""
        return {**self.without_flow_runs(), "flow_runs": [one.to_dict() for one in self.flow_runs]}

    def without_flow_runs(self) -> dict[str, Any]:
        """Return the same, in that order, but for the flow runs, of which there may be many."""
        return {
            "version": self.version,
            "command": self.command,
            "flow_runs": [],
            "notes": list(self.notes),
            "totals": self.totals,
        }


def outcome_to_json(outcome: FlowRunOutcome) -> str:
    """Return a flow run's outcome as JSON; `outcome_from_json` gives an equal value back."""
    return _adapter(FlowRunOutcome).dump_json(outcome).decode()


def outcome_from_json(text: str | bytes) -> FlowRunOutcome:
    """Return the outcome that `outcome_to_json` wrote."""
    outcome: FlowRunOutcome = _adapter(FlowRunOutcome).validate_json(text)
    return outcome


def _sum(counts: Iterable[ItemCounts]) -> ItemCounts:
    return sum(counts, start=ItemCounts())


@cache
def _adapter(of: type) -> TypeAdapter[Any]:
    return TypeAdapter(of)  # built when it is first needed: that takes a while
