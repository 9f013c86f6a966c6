"""The result of a verification: the values behind `mfwb verify --json`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from math import isfinite, isnan
from typing import TYPE_CHECKING, Any, Literal

from pydantic import TypeAdapter
from typing_extensions import TypedDict

from mfwb.errors import BUG_EXIT_CODE, FlowRunsDiffer, FlowRunsFailed
from mfwb.notebook_display import ShownInNotebooks
from mfwb.safe_text import one_line

__all__ = [
    "Difference",
    "FlowRunVerification",
    "Verdict",
    "Verification",
    "VerificationDocument",
]


class Verdict(str, Enum):
    """How a flow run stands in W&B: `skipped` if it is still running or switched off, so that there
    is nothing to compare; `failed` if it could not be read, so that nothing is known.
    """  # noqa: D205 - the schema shows it as one text

    SAME = "same"
    DIFFERENT = "different"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Difference:
    """One item that differs between W&B and Metaflow, or that one of the two lacks.

    Attributes:
        kind: what the item is: `run`, `group`, `job_type`, `name`, `tags`, `state`, `config`,
            `summary`, `history`, `log`, `panel`, `artifact`, `file`, `bytes`, `edge`, `alias`,
            `link`, `time`, `notes`, ...
        item: its name, which is unique in the flow run.
        wandb_run: name of the W&B run; None for one of the flow run as a whole.
        metaflow: the value in Metaflow, as short JSON; None if Metaflow has none.
        wandb: the value in W&B, as short JSON; None if W&B has none.
        cause: the likely cause, one sentence.
        repairable: whether a sync can write it again.
    """

    kind: str
    item: str
    wandb_run: str | None
    metaflow: Any
    wandb: Any
    cause: str
    repairable: bool = True


@dataclass(frozen=True, slots=True)
class FlowRunVerification:
    """One flow run.

    Attributes:
        pathspec: of Metaflow: `Flow/123`.
        verdict: how it stands.
        reason: why it was skipped or failed.
        group: the group of its W&B runs; None: it was not looked up.
        project: the project in W&B; None: it was not looked up.
        entity: the entity in W&B; None: your default one, or not looked up.
        written_by: versions of mfwb, as the W&B runs name them.
        compared: number of items that were compared, by kind; None: nothing was.
        differences: the items that differ.
        unknown: items that can't be decided, each with the reason: what Metaflow keeps in a form
            that can't be read safely, or what an older mfwb did not write yet.
        requests: sent to W&B.
        bytes_read: of artifacts, from W&B (`--read-data`).
        exit_code: of the call, if all that failed in it failed in this way.
        bug: whether an error of mfwb's own ended it; the reason names its log.
        wandb_runs: names of those that the flow run should have.
        repaired: differences that `--repair` mended; None: it was not requested.
    """

    pathspec: str
    verdict: Verdict
    reason: str | None = None
    group: str | None = None
    project: str | None = None
    entity: str | None = None
    written_by: tuple[str, ...] = ()
    compared: dict[str, int] | None = None
    differences: tuple[Difference, ...] = ()
    unknown: tuple[tuple[str, str], ...] = ()
    requests: int = 0
    bytes_read: int = 0
    exit_code: int = 1
    bug: bool = False
    wandb_runs: tuple[str, ...] = ()
    repaired: int | None = None


if TYPE_CHECKING:
    FlowRunDocument = dict[str, Any]
else:  # the schema of the document is made from these types
    FlowRunDocument = FlowRunVerification


class Totals(TypedDict):
    """Numbers over all flow runs of a call.

    Attributes:
        flow_runs: flow runs by verdict.
        compared: items that were compared.
        differences: items that differ.
        unknown: items that can't be decided.
        repaired: differences that `--repair` mended.
        requests: requests to W&B.
        bytes_read: bytes of artifacts that were read from W&B.
    """

    flow_runs: dict[str, int]
    compared: int
    differences: int
    unknown: int
    repaired: int
    requests: int
    bytes_read: int


class VerificationDocument(TypedDict):
    """What `mfwb verify` prints with `--json`.

    Attributes:
        version: of the form of this document; keys may be added without a new one.
        command: verify.
        flow_runs: the flow runs of the call.
        notes: remarks about the call, not about a flow run.
        totals: numbers over all flow runs.
    """

    version: Literal[1]
    command: str
    flow_runs: list[FlowRunDocument]
    notes: list[str]
    totals: Totals


@dataclass(frozen=True, slots=True)
class Verification(ShownInNotebooks):
    """All flow runs of one call."""

    flow_runs: tuple[FlowRunVerification, ...]
    version: Literal[1] = 1
    command: str = "verify"
    notes: tuple[str, ...] = ()  # remarks about the call, not about a flow run

    def __repr__(self) -> str:
        """Return `<mfwb verify: 2 same, 1 different; Flow/3: the first cause>`: one line."""
        numbers = [f"{n:,} {v}" for v, n in self.totals["flow_runs"].items() if n]
        reasons = [
            f"{run.pathspec}: {run.differences[0].cause if run.differences else run.reason}"
            for run in self.flow_runs
            if run.verdict in (Verdict.DIFFERENT, Verdict.FAILED)
        ]
        why = f"; {reasons[0]}" if reasons else ""
        return f"<mfwb verify: {', '.join(numbers) or 'no flow runs'}{one_line(why, 300)}>"

    @property
    def totals(self) -> Totals:
        """Counts over all flow runs: by verdict, items compared, differences, requests."""
        return {
            "flow_runs": {
                verdict.value: sum(run.verdict is verdict for run in self.flow_runs)
                for verdict in Verdict
            },
            "compared": sum(sum((run.compared or {}).values()) for run in self.flow_runs),
            "differences": sum(len(run.differences) for run in self.flow_runs),
            "unknown": sum(len(run.unknown) for run in self.flow_runs),
            "repaired": sum(run.repaired or 0 for run in self.flow_runs),
            "requests": sum(run.requests for run in self.flow_runs),
            "bytes_read": sum(run.bytes_read for run in self.flow_runs),
        }

    @property
    def differs(self) -> bool:
        """Whether W&B differs from Metaflow in any flow run."""
        return any(run.verdict is Verdict.DIFFERENT for run in self.flow_runs)

    @property
    def exit_code(self) -> int:
        """What the command line ends with: 0 if nothing differs and no flow run failed.

        Otherwise 70 for an error of mfwb's own, 6 for differences, 4 if W&B or Metaflow refused or
        could not be reached in all that failed, else 1.
        """
        failed = [run for run in self.flow_runs if run.verdict is Verdict.FAILED]
        if any(run.bug for run in failed):
            return BUG_EXIT_CODE
        if self.differs:
            return FlowRunsDiffer.exit_code
        codes = {run.exit_code for run in failed}
        return codes.pop() if len(codes) == 1 else int(bool(codes))

    def raise_for_differences(self) -> Verification:
        """Return this result if no flow run differs and none failed.

        Raises:
            FlowRunsDiffer: naming the flow runs that differ, each with its items.
            FlowRunsFailed: if none differs, but some could not be verified.
        """
        if self.differs:
            raise FlowRunsDiffer(
                {
                    run.pathspec: tuple(difference.item for difference in run.differences)
                    for run in self.flow_runs
                    if run.verdict is Verdict.DIFFERENT
                },
                total=len(self.flow_runs),
            )
        failed = {
            run.pathspec: run.reason or ""
            for run in self.flow_runs
            if run.verdict is Verdict.FAILED
        }
        if failed:
            raise FlowRunsFailed(failed, total=len(self.flow_runs), exit_code=self.exit_code)
        return self

    def to_dict(self) -> VerificationDocument:
        """Return the document that `--json` prints; later versions may add keys.

        Numbers that JSON does not have are texts, as they are in W&B: "NaN", "Infinity".
        """
        values = _finite(TypeAdapter(Verification).dump_python(self))
        document = TypeAdapter(Any).dump_python(values, mode="json")
        return {
            "version": self.version,
            "command": self.command,
            "flow_runs": document["flow_runs"],
            "notes": document["notes"],
            "totals": self.totals,
        }


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _finite(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(inner) for inner in value]
    if isinstance(value, float) and not isfinite(value):
        return "NaN" if isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value
