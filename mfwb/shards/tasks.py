"""A backfill in the tasks of a flow: their artifacts hold the shard plan and the shards' ledgers.

A task may run on a machine of its own, so it is given all that it needs as values, and returns
values. W&B's key is none of them: a task has it in its environment, as a secret of the cluster.
Metaflow's client has one provider for a process, and in a task that is the flow's; so what reads
flow runs does so in processes of their own.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mfwb.config import Settings, load_settings
from mfwb.errors import MfwbError, UsageError
from mfwb.ledger import merge_ledgers
from mfwb.outcome import Result, Status
from mfwb.own_command import own_program
from mfwb.pipeline.selection import SELECTORS
from mfwb.report.progress import progress_on_stderr
from mfwb.shards.backfill import add_up
from mfwb.shards.document import plan_from_json
from mfwb.shards.folder import BackfillFolder
from mfwb.shards.messages import PlanJob, SentSettings, job_to_json, outcome_of, outcome_to_send
from mfwb.shards.model import FIRST, LAST, ShardPlan
from mfwb.shards.processes import ShardEnd, not_begun, run_shards

__all__ = [
    "OUTPUT",
    "Output",
    "Request",
    "describe_failures",
    "has_failed",
    "leave_output",
    "merge",
    "names_of_shards",
    "plan_shards",
    "result",
    "sync",
]

_PLAN_CHILD = "mfwb.shards.plan_child"
_STATE_DIR = "MFWB_STATE_DIR"


@dataclass(frozen=True, slots=True)
class Request:
    """What a backfill is given, as the parameters of a flow have it.

    Attributes:
        options: JSON: arguments of `mfwb.backfill` that select flow runs, and settings.
        settings_file: the content of an `mfwb.toml`; empty: that of the current folder counts,
            which a task on another machine does not have.
    """

    options: str
    settings_file: str = ""

    def selectors(self) -> dict[str, Any]:
        """Return the given arguments that select flow runs; UsageError."""
        return {name: value for name, value in self._given().items() if name in SELECTORS}

    def settings(self) -> Settings:
        """Return the settings; UsageError."""
        flags = {name: value for name, value in self._given().items() if name not in SELECTORS}
        if not self.settings_file:
            return load_settings(flags)
        with TemporaryDirectory() as folder:
            file = Path(folder) / "mfwb.toml"
            file.write_text(self.settings_file, encoding="utf-8")
            return load_settings(flags, file=file)

    def _given(self) -> dict[str, Any]:
        try:
            given = json.loads(self.options)
        except ValueError as error:
            raise UsageError(f"--options: this is not JSON: {error}") from None
        if not isinstance(given, dict):
            raise UsageError(f"--options: give a JSON object of options, not {self.options}")
        return given


def plan_shards(request: Request, shards: int) -> str:
    """Return the shard plan, as JSON; MfwbError, whose reason is on stderr."""
    job = PlanJob(request.selectors(), shards, SentSettings.of(request.settings()))
    done = subprocess.run(  # noqa: S603 - our own program
        own_program(_PLAN_CHILD),
        input=job_to_json(job),
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        raise MfwbError(f"the shards could not be planned (exit code {done.returncode})")
    return done.stdout


def names_of_shards(plan: str) -> list[str]:
    """Return the names of the shards that may be synced at once; at least one, maybe empty.

    Metaflow's foreach needs an item, and the shards `first` and `last` may have all flow runs.
    """
    names = [shard.name for shard in _read(plan).shards]
    return [name for name in names if name not in {FIRST, LAST}] or [""]


def sync(
    plan: str, name: str, request: Request, before: Iterable[Mapping[str, Any]]
) -> tuple[dict[str, Any], bytes]:
    """Sync one shard, and return its report, as JSON has it, and the content of its ledger.

    Args:
        plan: of the backfill, as JSON.
        name: of the shard; if the plan has no such shard, the report is empty.
        request: of the backfill.
        before: the reports of the shards that it comes after. If one of them was ended by an
            error, this one is not begun.
    """
    whole = _read(plan)
    own = [shard for shard in whole.shards if shard.name == name]
    if not own:
        return {}, b""
    ends = [_end(report) for report in before if report]
    if why := not_begun(ends):
        return _report(replace(why, name=name)), b""
    part = replace(whole, shards=tuple(own))
    with _state_folder(), progress_on_stderr(quiet=False) as progress:
        folder = BackfillFolder("task")
        folder.make(name)
        progress.selected(len(part.flow_runs))
        [end] = run_shards(part, folder, request.settings(), progress, processes=1)
        ledger = folder.ledger(name)
        return _report(end), ledger.read_bytes() if ledger.exists() else b""


def _report(end: ShardEnd) -> dict[str, Any]:
    return {
        "name": end.name,
        "outcomes": [outcome_to_send(outcome) for outcome in end.outcomes.values()],
        "notes": end.notes,
        "error": end.error,
        "exit_code": end.exit_code,
    }


def has_failed(report: Mapping[str, Any]) -> bool:
    """Return whether another try to sync a shard may do more."""
    failed = Status.FAILED.value
    outcomes = report.get("outcomes", ())
    return bool(report.get("error")) or any(outcome["status"] == failed for outcome in outcomes)


def describe_failures(report: Mapping[str, Any]) -> str:
    """Return what failed in a shard, in one line."""
    outcomes = report["outcomes"]
    failed = [outcome for outcome in outcomes if outcome["status"] == Status.FAILED.value]
    reasons = [f"{outcome['pathspec']}: {outcome['reason']}" for outcome in failed[:3]]
    more = [f"{len(failed) - 3} more flow runs"] if len(failed) > 3 else []  # noqa: PLR2004
    return "; ".join(filter(None, [report["error"], *reasons, *more]))


def merge(ledgers: Iterable[bytes]) -> bytes:
    """Return the content of a ledger with the entries of all these; empty ones have none."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        target = folder / "merged" / "ledger.sqlite"
        sources = []
        for number, content in enumerate(filter(None, ledgers)):
            source = folder / f"{number}.sqlite"
            source.write_bytes(content)
            sources.append(source)
        merge_ledgers(target, sources)
        return target.read_bytes()


def result(plan: str, reports: Sequence[Mapping[str, Any]]) -> Result:
    """Return the result of a backfill, of the reports of its shards; empty ones do not count."""
    whole = _read(plan)
    ends = {report["name"]: _end(report) for report in reports if report}
    missing = [shard.name for shard in whole.shards if shard.name not in ends]
    ends |= {name: ShardEnd(name, error="its task left no report") for name in missing}
    return add_up(whole, list(ends.values()))


OUTPUT = "_MFWB_BACKFILL_OUTPUT"
"""The variable with the folder in which `mfwb backfill --on metaflow` waits for the account."""


@dataclass(frozen=True, slots=True)
class Output:
    """What the last task of a flow leaves for the call that ran it on this machine.

    Attributes:
        result: of the backfill.
        ledger: the file of the merged ledger.
    """

    result: Result
    ledger: Path

    @classmethod
    def read(cls, folder: Path) -> Output | None:
        """Return what a folder has; None: the flow did not come to its end."""
        file = folder / "reports.json"
        if not file.exists():
            return None
        document = json.loads(file.read_text(encoding="utf-8"))
        return cls(result(document["plan"], document["reports"]), folder / "ledger.sqlite")


def leave_output(plan: str, reports: Sequence[Mapping[str, Any]], ledger: bytes) -> None:
    """Write plan, reports and ledger for the call that waits for them; without one, nothing."""
    if not (name := os.environ.get(OUTPUT)):
        return
    folder = Path(name)
    (folder / "ledger.sqlite").write_bytes(ledger)
    document = json.dumps({"plan": plan, "reports": list(reports)})
    (folder / "reports.json").write_text(document, encoding="utf-8")


def _end(report: Mapping[str, Any]) -> ShardEnd:
    outcomes = {document["pathspec"]: outcome_of(document) for document in report["outcomes"]}
    return ShardEnd(
        report["name"], outcomes, [*report["notes"]], report["error"], report["exit_code"]
    )


def _read(plan: str) -> ShardPlan:
    return plan_from_json(plan, "the artifact shard_plan")


@contextmanager
def _state_folder() -> Iterator[None]:
    """Let mfwb remember things in a folder that goes with the task: its machine may be shared."""
    before = os.environ.get(_STATE_DIR)
    with TemporaryDirectory() as folder:
        os.environ[_STATE_DIR] = folder
        try:
            yield
        finally:
            if before is None:
                del os.environ[_STATE_DIR]
            else:
                os.environ[_STATE_DIR] = before
