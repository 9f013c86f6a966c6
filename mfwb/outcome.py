"""The result of a call, done or planned: the values behind `--json`; `mfwb.report` prints them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cache
from typing import Any

from pydantic import TypeAdapter, computed_field

from mfwb.account import Account, Ending, add_accounts, full_account
from mfwb.errors import BUG_EXIT_CODE, FlowRunsFailed
from mfwb.redaction import Masked
from mfwb.snapshot import Loss

__all__ = [
    "FlowRunOutcome",
    "InputOutcome",
    "ItemCounts",
    "OutputOutcome",
    "Result",
    "RuleOutcome",
    "Status",
    "WandbRunOutcome",
    "outcome_from_json",
    "outcome_to_json",
]


class Status(str, Enum):
    """The status of a flow run in the result of a call."""

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
class RuleOutcome:
    """What the rules of the settings gave to a W&B artifact."""

    aliases: tuple[str, ...] = ()
    link: str | None = None  # the path of the collection that it was linked to
    metadata: tuple[str, ...] = ()  # keys
    notes: tuple[str, ...] = ()  # what they did not give, and why


@dataclass(frozen=True, slots=True)
class OutputOutcome:
    """A W&B artifact that a W&B run logged."""

    name: str
    type: str
    digest: str | None  # None: not known before it is written
    size: int  # bytes; in a plan: those of the pickles that it will be made from
    files: tuple[str, ...]
    deduplicated: bool = False  # W&B had that content before
    version: str | None = None  # as in "v3"; None: offline
    items: int = 1  # number of Metaflow's artifacts that it is made from
    referenced: int = 0  # how many of them are links to bytes that W&B does not have
    rules: RuleOutcome | None = None  # None: the settings have none for it


@dataclass(frozen=True, slots=True)
class ItemCounts:
    """How many artifacts of a step ended in which way; the parts add up to `total`.

    An artifact that a step merely passed on is counted at the step that wrote it.
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
    state: str  # finished or failed, as W&B shows it
    url: str | None = None
    dir: str | None = None
    inputs: tuple[InputOutcome, ...] = ()
    outputs: tuple[OutputOutcome, ...] = ()
    summary_keys: tuple[str, ...] = ()
    passed_on: tuple[str, ...] = ()
    switched_off: tuple[str, ...] = ()
    items: ItemCounts = field(default_factory=ItemCounts)
    losses: tuple[Loss, ...] = ()
    complete: bool = True  # False: the next sync tries again to write what did not arrive
    deleted: bool = False  # somebody deleted it in W&B, so it is not written again
    edits_kept: tuple[str, ...] = ()  # what others changed of what mfwb wrote, and that was kept
    edits_undone: tuple[str, ...] = ()  # the same, but it was overwritten (--overwrite-edits)
    account: Account | None = None  # None: not known, as of what an older mfwb wrote
    log_lines: int | None = None  # None: not known, as of what an older mfwb wrote
    log_bytes_left_out: int = 0
    masked: tuple[Masked, ...] = ()  # items in which secrets were masked
    bytes_written: int = field(default=0, compare=False)  # see `FlowRunOutcome.bytes_written`


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
    exit_code: int = 1  # of the call, if all that failed in it failed in this way
    bug: bool = False  # an error of mfwb's own ended it; the reason names its log
    account: Account | None = None  # None: not known, as of one that failed, or is still running
    artifacts_passed_on: int = 0  # by steps; the account has them at the step that wrote them
    masked: tuple[Masked, ...] = ()  # items of the flow run as a whole in which secrets were masked
    seconds: float | None = field(default=None, compare=False)  # of reading and writing it
    url: str | None = field(default=None, compare=False)  # the page of its group in W&B

    @computed_field  # type: ignore[prop-decorator] # mypy knows none above a property
    @property
    def bytes_written(self) -> int:
        """The bytes of files that this call sent to W&B; offline, that it wrote into the bundle.

        Files that W&B, or the bundle, had before are not counted. Of a push it is what the files
        have whose artifacts W&B did not have.
        """
        return sum(run.bytes_written for run in self.wandb_runs)

    def as_unchanged(self) -> FlowRunOutcome:
        """Return the outcome of a call that had nothing to do, as an earlier one did all this."""
        runs = tuple(replace(run, bytes_written=0) for run in self.wandb_runs)
        return replace(self, status=Status.UNCHANGED, wandb_runs=runs, seconds=None)

    def to_dict(self) -> dict[str, Any]:
        """Return the document that `--json` prints for this flow run."""
        document: dict[str, Any] = _adapter(FlowRunOutcome).dump_python(self, mode="json")
        return document

    @property
    def all_losses(self) -> tuple[Loss, ...]:
        """The losses of the flow run and of its W&B runs."""
        return (*self.losses, *(loss for run in self.wandb_runs for loss in run.losses))

    @property
    def all_masked(self) -> tuple[Masked, ...]:
        """The items of the flow run and of its W&B runs in which secrets were masked."""
        return (*self.masked, *(masked for run in self.wandb_runs for masked in run.masked))

    @property
    def has_losses(self) -> bool:
        """Whether anything is lost; a lost item without a loss of its own counts, too."""
        return bool(self.all_losses or _lost_in(self.account or {}))


@dataclass(frozen=True, slots=True)
class Result:
    """All flow runs of one call."""

    command: str
    flow_runs: tuple[FlowRunOutcome, ...]
    version: int = 1
    notes: tuple[str, ...] = ()  # remarks about the call, not about a flow run
    seconds: float | None = field(default=None, compare=False)  # of the whole call; None: not known

    @property
    def totals(self) -> dict[str, Any]:
        """Counts over all flow runs: by status, W&B runs, artifacts and losses."""
        runs = [run for flow_run in self.flow_runs for run in flow_run.wandb_runs]
        return {
            "flow_runs": {
                status.value: sum(run.status is status for run in self.flow_runs)
                for status in Status
            },
            "wandb_runs": len(runs),
            "inputs": sum(len(run.inputs) for run in runs),
            "outputs": sum(len(run.outputs) for run in runs),
            "items": _adapter(ItemCounts).dump_python(_sum(run.items for run in runs)),
            "losses": sum(len(run.all_losses) for run in self.flow_runs),
            "masked": sum(len(run.all_masked) for run in self.flow_runs),
            "account": _adapter(Account).dump_python(full_account(self.account), mode="json"),
            "artifacts_passed_on": sum(run.artifacts_passed_on for run in self.flow_runs),
            "log_lines": sum(run.log_lines or 0 for run in runs),
            "log_bytes_left_out": sum(run.log_bytes_left_out for run in runs),
            "bytes_written": self.bytes_written,
            "seconds": self.seconds,
        }

    @property
    def bytes_written(self) -> int:
        """The bytes of files that this call sent to W&B, or wrote into the bundle."""
        return sum(run.bytes_written for run in self.flow_runs)

    @property
    def account(self) -> Account:
        """How the items of all flow runs ended, by kind, as far as it is known."""
        return add_accounts(run.account for run in self.flow_runs if run.account is not None)

    @property
    def failed(self) -> bool:
        """Whether some flow run could not be synced."""
        return any(run.status is Status.FAILED for run in self.flow_runs)

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
        """Whether an error of mfwb's own ended some flow run."""
        return any(run.bug for run in self.flow_runs)

    @property
    def losses(self) -> tuple[Loss, ...]:
        """The losses of all flow runs."""
        return tuple(loss for run in self.flow_runs for loss in run.all_losses)

    @property
    def has_losses(self) -> bool:
        """Whether anything is lost, also by the earlier syncs of unchanged flow runs."""
        return any(run.has_losses for run in self.flow_runs)

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
        """Return the document that `--json` prints; later versions may add keys, not remove any."""
        return {**self.without_flow_runs(), "flow_runs": [run.to_dict() for run in self.flow_runs]}

    def without_flow_runs(self) -> dict[str, Any]:
        """Return that document without its flow runs, of which there may be many."""
        return {
            "version": self.version,
            "command": self.command,
            "flow_runs": [],
            "notes": list(self.notes),
            "totals": self.totals,
        }


def outcome_to_json(outcome: FlowRunOutcome) -> str:
    """Return a flow run's outcome as JSON; `outcome_from_json` returns an equal value."""
    return _adapter(FlowRunOutcome).dump_json(outcome).decode()


def outcome_from_json(text: str | bytes) -> FlowRunOutcome:
    """Return the outcome that `outcome_to_json` wrote."""
    outcome: FlowRunOutcome = _adapter(FlowRunOutcome).validate_json(text)
    return outcome


def _sum(counts: Iterable[ItemCounts]) -> ItemCounts:
    return sum(counts, start=ItemCounts())


def _lost_in(account: Account) -> int:
    return sum(numbers.get(Ending.LOST, 0) for numbers in account.values())


@cache
def _adapter(type_: Any) -> TypeAdapter[Any]:
    return TypeAdapter(type_)  # built on first use, since that is slow
