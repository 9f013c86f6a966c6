"""The result of a call, done or planned: the values behind `--json`; `mfwb.report` prints them."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields, replace
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from pydantic import TypeAdapter, ValidationError, computed_field
from pydantic_core import PydanticSerializationError
from typing_extensions import TypedDict

from mfwb.account import Account, Ending, Kind, add_accounts
from mfwb.errors import BUG_EXIT_CODE, FlowRunsFailed
from mfwb.notebook_display import ShownInNotebooks
from mfwb.redaction import Masked
from mfwb.safe_text import one_line
from mfwb.snapshot import Loss

__all__ = [
    "BackfillDocument",
    "Change",
    "Estimate",
    "FlowRunOutcome",
    "FlowRunOutcomes",
    "InputOutcome",
    "ItemCounts",
    "OutputOutcome",
    "Result",
    "ResultDocument",
    "RuleOutcome",
    "RunAction",
    "SetAside",
    "ShardOutcome",
    "ShardState",
    "Status",
    "WandbRunOutcome",
    "outcome_from_json",
    "outcome_to_json",
]


class Status(str, Enum):
    """How a flow run ended: `planned` in a plan, `synced` if something was written, `unchanged`
    if W&B had all of it, `skipped` if it is not to be synced now, `failed` if it could not be.
    """  # noqa: D205 - the schema shows it as one text

    PLANNED = "planned"
    SYNCED = "synced"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    FAILED = "failed"


class Change(str, Enum):
    """How a flow run differs from what was synced before, in a plan.

    An unfinished one was begun by an earlier sync, and not completed.
    """

    NEW = "new"
    CHANGED = "changed"
    UNFINISHED = "unfinished"
    UNCHANGED = "unchanged"


class RunAction(str, Enum):
    """What a sync would do with a W&B run, in a plan.

    To rewrite is to write all of it again, under the same id; to update, to change its texts or
    rules in place. Those that somebody deleted are skipped.
    """

    CREATE = "create"
    REWRITE = "rewrite"
    UPDATE = "update"
    KEEP = "keep"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a sync would cost; docs/plan.md says how the numbers come about.

    Attributes:
        size: bytes of the files that would be uploaded, or written into a bundle.
        size_is_estimate: whether some of these files are made by a conversion; else it is exact.
        requests: about how many requests would be sent to W&B.
        seconds: about how long it would take.
    """

    size: int = 0
    size_is_estimate: bool = False
    requests: int = 0
    seconds: float = 0.0

    def __add__(self, other: Estimate) -> Estimate:
        return Estimate(
            size=self.size + other.size,
            size_is_estimate=self.size_is_estimate or other.size_is_estimate,
            requests=self.requests + other.requests,
            seconds=round(self.seconds + other.seconds, 3),
        )


@dataclass(frozen=True, slots=True)
class Requests:
    """The requests to W&B that a call sent.

    Attributes:
        own: those of mfwb itself, counted one by one.
        wandb_core: about how many wandb-core, a part of W&B's SDK, sent for the W&B runs that were
            written; it does not tell, so they are computed.
    """

    own: int
    wandb_core: int


@dataclass(frozen=True, slots=True)
class InputOutcome:
    """A W&B artifact that a W&B run used.

    Attributes:
        name: its name in W&B.
        type: its type in W&B: dataset, model, other, ...
        digest: its digest in W&B; None: not known before it is written.
        producer: name of the W&B run that logged it.
        ground: the evidence for the use: read, available, foreach-input or parameter.
    """

    name: str
    type: str
    digest: str | None
    producer: str
    ground: str


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """What the rules of the settings gave to a W&B artifact.

    Attributes:
        aliases: aliases that the rules gave.
        link: the path of the collection that it was linked to; None: none.
        metadata: keys of metadata that the rules gave.
        notes: what they did not give, and why.
    """

    aliases: tuple[str, ...] = ()
    link: str | None = None
    metadata: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OutputOutcome:
    """A W&B artifact that a W&B run logged.

    Attributes:
        name: its name in W&B.
        type: its type in W&B: dataset, model, other, ...
        digest: its digest in W&B; None: not known before it is written.
        size: bytes; in a plan: as far as they are known before a conversion.
        files: names of its files.
        deduplicated: whether W&B had that content before.
        version: as in "v3"; None: offline, or a plan.
        items: number of Metaflow's artifacts that it is made from.
        referenced: how many of them are links to bytes that W&B does not have.
        rules: what the settings' rules gave to it; None: there is none for it.
        size_is_estimate: whether its files will be converted, so that their size is not known; in a
            plan alone.
    """

    name: str
    type: str
    digest: str | None
    size: int
    files: tuple[str, ...]
    deduplicated: bool = False
    version: str | None = None
    items: int = 1
    referenced: int = 0
    rules: RuleOutcome | None = None
    size_is_estimate: bool = False


@dataclass(frozen=True, slots=True)
class ItemCounts:
    """How many artifacts of a step ended in which way; the parts add up to `total`.

    An artifact that a step merely passed on is counted at the step that wrote it.

    Attributes:
        total: all artifacts that the step wrote.
        values: those in summary, charts and table.
        written: those in W&B artifacts that were uploaded.
        deduplicated: those in W&B artifacts whose content W&B had already.
        switched_off: those that a setting excludes.
        lost: those that did not reach W&B; a loss has the reason.
    """

    total: int = 0
    values: int = 0
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
    """One W&B run.

    Attributes:
        id: its id in W&B, the same for each sync of the same flow run.
        name: its name in W&B: `Flow/123/train`; of an overview: `Flow/123`.
        job_type: its job type in W&B: the name of the step, or `flow`.
        state: finished or failed, as W&B shows it.
        url: its page in W&B; None: offline, or a plan.
        dir: its folder in the bundle; None: online, or a plan.
        inputs: the W&B artifacts that it used.
        outputs: the W&B artifacts that it logged.
        summary_keys: keys of its summary.
        passed_on: artifacts that the step passed on unchanged; they belong to another W&B run.
        switched_off: artifacts that a setting excludes.
        items: how the artifacts that the step wrote ended.
        losses: items of the step that did not reach W&B.
        complete: whether all arrived; if not, the next sync tries again to write the rest.
        deleted: whether somebody deleted it in W&B, so that it is not written again.
        edits_kept: what others changed of what mfwb wrote, and that was kept.
        edits_undone: the same, but it was overwritten (`--overwrite-edits`).
        account: how each item of the step ended, by kind; None: not known, as of what an older
            mfwb wrote.
        log_lines: lines in the Logs tab; None: not known, as of what an older mfwb wrote.
        log_bytes_left_out: bytes of the log that are too many for W&B.
        masked: items in which secrets were masked.
        fingerprint: of what it was made from; None: not known, as of what an older mfwb wrote.
        part_digests: of the parts of that, by name; a later plan compares them.
        action: what a sync would do with it; None: this is no plan.
        reasons: why, as in "tags" or "artifact model is new"; in a plan alone.
        bytes_written: of files that this call sent to W&B, or wrote into the bundle, for it; what
            was there before is not counted.
    """

    id: str
    name: str
    job_type: str
    state: str
    url: str | None = None
    dir: str | None = None
    inputs: tuple[InputOutcome, ...] = ()
    outputs: tuple[OutputOutcome, ...] = ()
    summary_keys: tuple[str, ...] = ()
    passed_on: tuple[str, ...] = ()
    switched_off: tuple[str, ...] = ()
    items: ItemCounts = field(default_factory=ItemCounts)
    losses: tuple[Loss, ...] = ()
    complete: bool = True
    deleted: bool = False
    edits_kept: tuple[str, ...] = ()
    edits_undone: tuple[str, ...] = ()
    account: Account | None = None
    log_lines: int | None = None
    log_bytes_left_out: int = 0
    masked: tuple[Masked, ...] = ()
    fingerprint: str | None = None
    part_digests: dict[str, str] = field(default_factory=dict)
    action: RunAction | None = None
    reasons: tuple[str, ...] = ()
    bytes_written: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class FlowRunOutcome:
    """One flow run.

    Attributes:
        pathspec: of Metaflow: `Flow/123`.
        status: how it ended.
        reason: why it was skipped or failed; None otherwise.
        group: the group of its W&B runs; None: it was not looked up.
        project: the project in W&B; None: it was not looked up.
        entity: the entity in W&B; None: your default one, or not looked up.
        mode: online or offline; None: it was not looked up.
        wandb_runs: its W&B runs, in the order of the lineage.
        losses: items of the flow run as a whole that did not reach W&B.
        exit_code: of the call, if all that failed in it failed in this way.
        bug: whether an error of mfwb's own ended it; the reason names its log.
        account: how each item ended, by kind; None: not known, as of one that failed, or is still
            running.
        artifacts_passed_on: how often a step passed an artifact on; the account has it at the step
            that wrote it.
        masked: items of the flow run as a whole in which secrets were masked.
        settings: those that decided what is written, and are not the default; None: not known.
        change: how it differs from what was synced before; None: this is no plan, or it would be
            skipped, or fail.
        reasons: what changed, as in "tag + prod"; in a plan alone.
        estimate: what a sync would cost, beside what a call costs in any case; in a plan alone.
        seconds: how long this call took to read and write it; None: it is unchanged, or was pushed.
        url: the page of its group in W&B; None: it has none, as offline.
    """

    pathspec: str
    status: Status
    reason: str | None = None
    group: str | None = None
    project: str | None = None
    entity: str | None = None
    mode: str | None = None
    wandb_runs: tuple[WandbRunOutcome, ...] = ()
    losses: tuple[Loss, ...] = ()
    exit_code: int = 1
    bug: bool = False
    account: Account | None = None
    artifacts_passed_on: int = 0
    masked: tuple[Masked, ...] = ()
    settings: dict[str, str] | None = None
    change: Change | None = None
    reasons: tuple[str, ...] = ()
    estimate: Estimate | None = None
    seconds: float | None = field(default=None, compare=False)
    url: str | None = field(default=None, compare=False)

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
        runs = tuple(
            replace(run, bytes_written=0) if run.bytes_written else run for run in self.wandb_runs
        )
        return replace(self, status=Status.UNCHANGED, wandb_runs=runs, seconds=None)

    def to_dict(self) -> dict[str, Any]:
        """Return the document that `--json` prints for this flow run."""
        document: dict[str, Any] = _adapter(FlowRunOutcome).dump_python(self, mode="json")
        return document

    def to_json(self) -> str:
        """Return that document as text, on one line."""
        try:
            return _adapter(FlowRunOutcome).dump_json(self).decode()
        except PydanticSerializationError:  # half of a surrogate pair, as in a name that is no text
            return json.dumps(self.to_dict())

    @property
    def numbers(self) -> Mapping[str, int]:
        """Its numbers, those that are 0 left out: `totals` adds them up.

        The names are those of the totals; `items/lost` is a number of items, and
        `account/artifacts/written` one of the account.
        """
        runs = self.wandb_runs
        items = _sum(run.items for run in runs)
        account = (
            (f"account/{kind.value}/{end.value}", number)
            for kind, endings in (self.account or {}).items()
            for end, number in endings.items()
        )
        numbers = {
            "wandb_runs": len(runs),
            "inputs": sum(len(run.inputs) for run in runs),
            "outputs": sum(len(run.outputs) for run in runs),
            "losses": len(self.all_losses),
            "masked": len(self.all_masked),
            "artifacts_passed_on": self.artifacts_passed_on,
            "log_lines": sum(run.log_lines or 0 for run in runs),
            "log_bytes_left_out": sum(run.log_bytes_left_out for run in runs),
            **{f"items/{item.name}": getattr(items, item.name) for item in fields(ItemCounts)},
            **dict(account),
        }
        return {name: number for name, number in numbers.items() if number}

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
        numbers = self.numbers
        return any(name in numbers for name in _LOST)


@dataclass(frozen=True, slots=True)
class SetAside:
    """What is known of unchanged flow runs together; there may be a hundred thousand.

    Attributes:
        number: how many they are.
        numbers: the sum of their `FlowRunOutcome.numbers`.
        pages: the pages of their projects.
        folders: those of their W&B runs in a bundle.
    """

    number: int = 0
    numbers: Mapping[str, int] = field(default_factory=dict)
    pages: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()

    @property
    def has_losses(self) -> bool:
        """Whether anything of them is lost."""
        return any(name in self.numbers for name in _LOST)


class FlowRunOutcomes(Sequence[FlowRunOutcome]):
    """The outcomes of a call that does not keep all of them in memory.

    Within mfwb, a `Result` may have these in the place of its tuple: see `Result.in_memory`.
    """

    @property
    @abstractmethod
    def others(self) -> Sequence[FlowRunOutcome]:
        """Those that are not set aside."""

    @property
    @abstractmethod
    def set_aside(self) -> SetAside:
        """What is known of those that are set aside."""


if TYPE_CHECKING:
    FlowRunDocument = dict[str, Any]
    ItemsDocument = dict[str, int]
    AccountDocument = dict[str, dict[str, int]]
    EstimateDocument = dict[str, Any]
    RequestsDocument = dict[str, int]
else:  # the schema of the document is made from these types
    FlowRunDocument = FlowRunOutcome
    ItemsDocument = ItemCounts
    AccountDocument = Account
    EstimateDocument = Estimate
    RequestsDocument = Requests


class ShardState(str, Enum):
    """How a shard ended: `planned` in a plan, `done` if all of its flow runs are, else `failed`."""

    PLANNED = "planned"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ShardOutcome:
    """A part of the flow runs of a backfill.

    Attributes:
        name: `first`, a number, or `last`: the order in which they are synced.
        state: how it ended.
        reason: what ended it before its last flow run; None: nothing did.
        flow_runs: how many it has.
        wandb_runs: how many were to be written when it was planned.
        requests: about how many requests to W&B that takes.
        since: the start of its oldest flow run, in epoch ms.
        until: the start of its newest flow run, in epoch ms.
    """

    name: str
    state: ShardState
    reason: str | None
    flow_runs: int
    wandb_runs: int
    requests: int
    since: int
    until: int


class Totals(TypedDict):
    """Numbers over all flow runs of a call.

    Attributes:
        flow_runs: flow runs by status.
        wandb_runs: W&B runs.
        inputs: uses of W&B artifacts.
        outputs: W&B artifacts that were logged.
        items: how the artifacts ended.
        losses: items that did not reach W&B.
        masked: items in which secrets were masked.
        account: how each item ended, by kind.
        artifacts_passed_on: how often a step passed an artifact on.
        log_lines: lines in the Logs tabs.
        log_bytes_left_out: bytes of logs that are too many for W&B.
        changes: flow runs by how they differ from what was synced before; in a plan.
        estimate: what a sync would cost; all 0 if this is no plan.
        bytes_written: of files that this call sent to W&B, or wrote into the bundle.
        seconds: how long the call took; None: not known, as of a plan.
        requests: to W&B; None: not known, as of a push, or of a plan.
    """

    flow_runs: dict[str, int]
    wandb_runs: int
    inputs: int
    outputs: int
    items: ItemsDocument
    losses: int
    masked: int
    account: AccountDocument
    artifacts_passed_on: int
    log_lines: int
    log_bytes_left_out: int
    changes: dict[str, int]
    estimate: EstimateDocument
    bytes_written: int
    seconds: float | None
    requests: RequestsDocument | None


class ResultDocument(TypedDict):
    """What `mfwb sync`, `mfwb plan` and `mfwb push` print with `--json`.

    Attributes:
        version: of the form of this document; keys may be added without a new one.
        command: sync, plan or push.
        flow_runs: the flow runs of the call.
        notes: remarks about the call, not about a flow run.
        totals: numbers over all flow runs.
    """

    version: Literal[1]
    command: str
    flow_runs: list[FlowRunDocument]
    notes: list[str]
    totals: Totals


if TYPE_CHECKING:
    ShardDocument = dict[str, Any]
else:
    ShardDocument = ShardOutcome


class BackfillDocument(ResultDocument):
    """What `mfwb backfill` prints with `--json`.

    Attributes:
        command: backfill.
        shards: the parts that were synced one beside the other.
    """

    shards: list[ShardDocument]


@dataclass(frozen=True, slots=True)
class Result(ShownInNotebooks):
    """All flow runs of one call."""

    command: str
    flow_runs: tuple[FlowRunOutcome, ...]
    version: Literal[1] = 1
    notes: tuple[str, ...] = ()  # remarks about the call, not about a flow run
    shards: tuple[ShardOutcome, ...] = ()  # of a backfill
    estimate: Estimate | None = None  # in a plan: what a sync of all flow runs would cost
    seconds: float | None = field(default=None, compare=False)  # of the whole call; None: not known
    requests: Requests | None = field(default=None, compare=False)  # to W&B; None: not known

    def __repr__(self) -> str:
        """Return `<mfwb sync: 2 synced, 1 failed, 3 losses; Flow/3: the reason>`: one line."""
        numbers = [f"{n:,} {s}" for s, n in self.totals["flow_runs"].items() if n]
        lost = self.totals["losses"]
        numbers += [f"{lost:,} {'loss' if lost == 1 else 'losses'}"] if lost else []
        failed = [run for run in self.others if run.status is Status.FAILED]
        why = f"; {failed[0].pathspec}: {failed[0].reason}" if failed else ""
        return f"<mfwb {self.command}: {', '.join(numbers) or 'no flow runs'}{one_line(why, 300)}>"

    @property
    def others(self) -> Sequence[FlowRunOutcome]:
        """The flow runs that are not set aside."""
        stored = self._stored
        return self.flow_runs if stored is None else stored.others

    @property
    def set_aside(self) -> SetAside:
        """What is known of many unchanged flow runs without a look at each; none for a few."""
        stored = self._stored
        return SetAside() if stored is None else stored.set_aside

    @property
    def _stored(self) -> FlowRunOutcomes | None:
        flow_runs: object = self.flow_runs  # a tuple for all that import mfwb
        return flow_runs if isinstance(flow_runs, FlowRunOutcomes) else None

    def in_memory(self) -> Result:
        """Return this result with all outcomes in a tuple."""
        return self if self._stored is None else replace(self, flow_runs=tuple(self.flow_runs))

    @property
    def totals(self) -> Totals:
        """Counts over all flow runs: by status, W&B runs, artifacts and losses."""
        others, set_aside = self.others, self.set_aside
        numbers = _add_up((*(run.numbers for run in others), set_aside.numbers))
        statuses = Counter(run.status for run in others)
        statuses[Status.UNCHANGED] += set_aside.number
        changes = Counter(run.change for run in others)
        return {
            "flow_runs": {status.value: statuses[status] for status in Status},
            "wandb_runs": numbers["wandb_runs"],
            "inputs": numbers["inputs"],
            "outputs": numbers["outputs"],
            "items": {item.name: numbers[f"items/{item.name}"] for item in fields(ItemCounts)},
            "losses": numbers["losses"],
            "masked": numbers["masked"],
            "account": {
                kind.value: {
                    end.value: numbers[f"account/{kind.value}/{end.value}"] for end in Ending
                }
                for kind in Kind
            },
            "artifacts_passed_on": numbers["artifacts_passed_on"],
            "log_lines": numbers["log_lines"],
            "log_bytes_left_out": numbers["log_bytes_left_out"],
            "changes": {change.value: changes[change] for change in Change},
            "estimate": _adapter(Estimate).dump_python(self.estimate or Estimate(), mode="json"),
            "bytes_written": self.bytes_written,
            "seconds": self.seconds,
            "requests": asdict(self.requests) if self.requests else None,
        }

    @property
    def bytes_written(self) -> int:
        """The bytes of files that this call sent to W&B, or wrote into the bundle."""
        return sum(run.bytes_written for run in self.others)

    @property
    def account(self) -> Account:
        """How the items of all flow runs ended, by kind, as far as it is known."""
        return add_accounts(run.account for run in self.flow_runs if run.account is not None)

    @property
    def failed(self) -> bool:
        """Whether some flow run could not be synced."""
        return any(run.status is Status.FAILED for run in self.others)

    @property
    def exit_code(self) -> int:
        """What the command line ends with, losses aside: 0 if no flow run failed.

        Otherwise 70 for an error of mfwb's own, 4 if W&B refused all that failed, else 1.
        """
        if self.has_bugs:
            return BUG_EXIT_CODE
        codes = {run.exit_code for run in self.others if run.status is Status.FAILED}
        return codes.pop() if len(codes) == 1 else int(bool(codes))

    @property
    def has_bugs(self) -> bool:
        """Whether an error of mfwb's own ended some flow run."""
        return any(run.bug for run in self.others)

    @property
    def losses(self) -> tuple[Loss, ...]:
        """The losses of all flow runs."""
        return tuple(loss for run in self.flow_runs for loss in run.all_losses)

    @property
    def has_losses(self) -> bool:
        """Whether anything is lost, also by the earlier syncs of unchanged flow runs."""
        return self.set_aside.has_losses or any(run.has_losses for run in self.others)

    def raise_for_failures(self) -> Result:
        """Return this result if no flow run failed.

        Raises:
            FlowRunsFailed: naming the flow runs that failed, each with its reason.
        """
        if not self.failed:
            return self
        raise FlowRunsFailed(
            {run.pathspec: run.reason or "" for run in self.others if run.status is Status.FAILED},
            total=len(self.flow_runs),
            exit_code=self.exit_code,
        )

    def to_dict(self) -> ResultDocument | BackfillDocument:
        """Return the document that `--json` prints; later versions may add keys, not remove any."""
        return {**self.without_flow_runs(), "flow_runs": [run.to_dict() for run in self.flow_runs]}

    def without_flow_runs(self) -> ResultDocument | BackfillDocument:
        """Return that document without its flow runs, of which there may be many."""
        document: ResultDocument = {
            "version": self.version,
            "command": self.command,
            "flow_runs": [],
            "notes": list(self.notes),
            "totals": self.totals,
        }
        if self.command != "backfill":
            return document
        shards = [_adapter(ShardOutcome).dump_python(shard, mode="json") for shard in self.shards]
        return {**document, "shards": shards}


def outcome_to_json(outcome: FlowRunOutcome) -> str:
    """Return a flow run's outcome as JSON; `outcome_from_json` returns an equal value.

    What this call alone took is not in it: a later call that finds a thousand flow runs unchanged
    would have to copy all their W&B runs to reset it.
    """
    return replace(outcome.as_unchanged(), status=outcome.status).to_json()


def outcome_from_json(text: str | bytes) -> FlowRunOutcome:
    """Return the outcome that `outcome_to_json` wrote."""
    adapter: TypeAdapter[FlowRunOutcome] = _adapter(FlowRunOutcome)
    try:
        return adapter.validate_json(text)
    except ValidationError:
        # Half of a surrogate pair only Python reads; what it does not read either, fails as before.
        with suppress(RecursionError, ValueError):
            return adapter.validate_python(json.loads(text))
        raise


def _sum(counts: Iterable[ItemCounts]) -> ItemCounts:
    return sum(counts, start=ItemCounts())


_LOST = ("losses", *(f"account/{kind.value}/{Ending.LOST.value}" for kind in Kind))
"""Numbers of a flow run; if it has one of them, something is lost."""


def _add_up(numbers: Iterable[Mapping[str, int]]) -> Counter[str]:
    """Return the sum of the numbers of flow runs; most unchanged ones share theirs."""
    shared: dict[int, tuple[Mapping[str, int], int]] = {}
    for each in numbers:
        _, times = shared.get(id(each), (each, 0))
        shared[id(each)] = each, times + 1
    total: Counter[str] = Counter()
    for each, times in shared.values():
        for name, number in each.items():
            total[name] += times * number
    return total


@cache
def _adapter(type_: Any) -> TypeAdapter[Any]:
    return TypeAdapter(type_)  # built on first use, since that is slow
