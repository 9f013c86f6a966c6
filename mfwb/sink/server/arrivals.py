"""Arrivals: checks that all that was written has reached W&B.

`finish` reports success in any case. Only what was read back is marked as complete, so that no
later sync relies on data that W&B does not have.
"""

from __future__ import annotations

import json
import threading
import time
import zlib
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from mfwb.errors import SinkError
from mfwb.planning import PlannedRun, WandbRunId
from mfwb.sink.content.receipt import Receipt
from mfwb.sink.content.run_content import done
from mfwb.sink.content.run_metadata import RunMetadata
from mfwb.sink.history.read_rows import History, Row, count_foreign_rows, missing_rows
from mfwb.sink.server.existing_runs import ExistingRun, ExistingRuns
from mfwb.sink.server.run_files import MAX_LISTED
from mfwb.sink.server.update_run import write_run_metadata
from mfwb.snapshot import Loss

__all__ = ["Arrivals", "SentRun", "compare_rows", "describe_missing"]

_PAUSES = (0.0, 0.5, 2.0, 5.0)  # seconds before each; a server may take a moment
_PAUSE_FOR_OTHERS = 2.0  # seconds before each further check, if another sync writes the same
_MARK_THREADS = 8


@dataclass(frozen=True, slots=True)
class SentRun:
    """A W&B run that was sent whole.

    Attributes:
        run: the planned run.
        token: shows that its summary is the one of this sync.
        receipt: the receipt to write once all of it has arrived.
        rows: the rows of its history, compressed: there may be many, in many W&B runs.
        job_type: in the first request of wandb-core; once it has arrived, that request has.
        uses: ids of the artifact versions that the run uses.
        complaint: the first error in wandb-core's log.
        run_metadata: the metadata to write again, where wandb-core leaves out a part of it.
        axes: the x axis of each chart that has one.
    """

    run: PlannedRun
    token: str
    receipt: Receipt
    rows: bytes = field(repr=False)
    uses: frozenset[str] = frozenset()
    job_type: str = ""
    complaint: str = ""
    run_metadata: RunMetadata | None = None
    axes: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, run: PlannedRun, receipt: Receipt, rows: Iterable[Row], **more: Any) -> SentRun:
        """Return a sent run, with its rows compressed."""
        packed = zlib.compress(json.dumps(list(rows)).encode())
        return cls(run, receipt=receipt, rows=packed, **more)

    @property
    def history(self) -> list[Row]:
        """The planned rows of its history, uncompressed."""
        rows: list[Row] = [(step, row) for step, row in json.loads(zlib.decompress(self.rows))]
        return rows


class Arrivals:
    """The W&B runs of one flow run that were sent and have to arrive."""

    def __init__(self, existing_runs: ExistingRuns, *, writer: str, wait_seconds: float) -> None:
        """Start with no W&B run.

        Args:
            existing_runs: the W&B runs of the project.
            writer: the id of this sync's ledger.
            wait_seconds: seconds to wait for another sync that writes the same.
        """
        self._existing_runs = existing_runs
        self._writer = writer
        self._wait_seconds = wait_seconds
        self._sent: dict[WandbRunId, SentRun] = {}
        self._losses: dict[str, tuple[Loss, ...]] = {}  # by name of the W&B run
        self._lock = threading.Lock()

    def add(self, sent: SentRun) -> None:
        """Add a W&B run that was sent."""
        with self._lock:
            self._sent[sent.run.id] = sent

    def confirm(self) -> dict[str, tuple[Loss, ...]]:
        """Read all W&B runs back and mark those that have arrived; SinkError if one has not.

        Returns:
            The losses of W&B runs that have arrived, by their names.
        """
        pending, missing = dict(self._sent), dict[WandbRunId, str]()
        existing: Mapping[WandbRunId, ExistingRun] = {}
        pauses, began = iter(_PAUSES), time.monotonic()
        while pending:
            pause = next(pauses, None)
            if pause is None:
                has_timed_out = time.monotonic() - began >= self._wait_seconds
                if has_timed_out or not any(
                    self._is_written_by_others(existing.get(run_id)) for run_id in pending
                ):
                    break
                pause = _PAUSE_FOR_OTHERS
            time.sleep(pause)
            existing = self._existing_runs.fetch(sent.run for sent in pending.values())
            missing = self._check(pending, existing)
            arrived = {
                run_id: run
                for run_id, run in existing.items()
                if run_id not in missing and not self._is_written_by_others(run)
            }
            self._mark([(pending[run_id], run) for run_id, run in arrived.items()])
            pending = {run_id: pending[run_id] for run_id in missing}
        if missing:
            details = "; ".join(
                _describe(self._sent[run_id], text) for run_id, text in missing.items()
            )
            raise SinkError(f"W&B does not have all that was sent: {details}")
        return self._losses

    def _check(
        self, pending: Mapping[WandbRunId, SentRun], existing: Mapping[WandbRunId, ExistingRun]
    ) -> dict[WandbRunId, str]:
        """Return what is missing, for each W&B run that is not whole."""
        missing = {
            run_id: self._describe_missing(sent, existing.get(run_id))
            for run_id, sent in pending.items()
        }
        rows = {
            run_id: sent.history
            for run_id, sent in pending.items()
            if not missing[run_id] and not self._is_written_by_others(existing.get(run_id))
        }
        histories = self._existing_runs.read_histories(
            run_id for run_id, planned in rows.items() if planned
        )
        for run_id, planned in rows.items():
            sent = pending[run_id]
            missing[run_id], losses = compare_rows(
                sent.run.name, planned, histories.get(run_id, History()), sent.axes
            )
            if losses:
                self._losses[sent.run.name] = losses
        return {run_id: text for run_id, text in missing.items() if text}

    def _is_written_by_others(self, existing: ExistingRun | None) -> bool:
        """Whether another sync wrote a W&B run after this one, and so is responsible for it."""
        return existing is not None and existing.writer not in {"", self._writer}

    def _describe_missing(self, sent: SentRun, existing: ExistingRun | None) -> str:
        """Return what is missing of a W&B run apart from its history; empty if nothing is."""
        if existing and self._is_written_by_others(existing):
            is_complete = existing.complete == sent.run.fingerprint
            return "" if is_complete else "another sync has begun to write it, and has not ended"
        expected = {
            "fingerprint": sent.run.fingerprint,
            "job_type": sent.job_type,
            "token": sent.token,
        }
        missing = describe_missing(existing, **expected)
        if (
            not missing
            and existing
            and len(existing.uses) < MAX_LISTED
            and not existing.uses >= sent.uses
        ):
            return "artifacts that it uses are missing"
        return missing

    def _mark(self, proven: list[tuple[SentRun, ExistingRun]]) -> None:
        marks = [
            (existing, self._mark_of(sent), f"mark {sent.run.name} as complete")
            for sent, existing in proven
            if sent.run_metadata is None
        ]
        self._existing_runs.update_summaries(marks)
        others = [pair for pair in proven if pair[0].run_metadata is not None]
        if others:
            with ThreadPoolExecutor(min(_MARK_THREADS, len(others)), "mfwb-mark") as pool:
                list(pool.map(self._rewrite_run, *zip(*others, strict=True)))

    def _mark_of(self, sent: SentRun) -> dict[str, Any]:
        """Return what the summary of a W&B run gets once all of it has arrived."""
        receipt = sent.receipt
        if losses := self._losses.get(sent.run.name):
            receipt = replace(receipt, losses=(*receipt.losses, *losses))
        summary = done(sent.run.fingerprint, receipt)
        if rows := sent.history:  # W&B sets `_step` itself, unless all rows existed already
            summary["_step"] = rows[-1][0]
        return summary

    def _rewrite_run(self, sent: SentRun, existing: ExistingRun) -> None:
        """Mark a W&B run, and write the parts of its config that wandb-core leaves out."""
        run_metadata, summary = sent.run_metadata, self._mark_of(sent)
        if run_metadata is None:
            return
        purpose = f"mark {sent.run.name} as complete"

        def write_all(handle: Any) -> None:
            write_run_metadata(handle, run_metadata)
            handle.summary.update(summary)

        # W&B replaces the whole config: `_wandb`, with the x axes, has to be in the request.
        self._existing_runs.call_with_reloaded_run(existing, write_all, purpose)


def _describe(sent: SentRun, missing: str) -> str:
    why = f" ({sent.complaint})" if sent.complaint else ""
    return f"{sent.run.name}: {missing}{why}"


def compare_rows(
    name: str, planned: Sequence[Row], stored: History, axes: Mapping[str, str]
) -> tuple[str, tuple[Loss, ...]]:
    """Return what is missing of a history, empty if nothing is, and the losses to report.

    Args:
        name: the name of the W&B run.
        planned: the planned rows.
        stored: the history that was read back.
        axes: the x axis of each chart that has one.
    """
    if missing := missing_rows(planned, stored.rows, axes):
        return (
            f"{len(planned) - len(missing)} of {len(planned)} rows of its history have arrived",
            (),
        )
    if without_axis := sum(stored.axes.get(chart) != axis for chart, axis in axes.items()):
        return f"{without_axis} of {len(axes)} x axes of its charts are missing", ()
    if foreign := count_foreign_rows(planned, stored.rows, axes):
        rows = "a row" if foreign == 1 else f"{foreign} rows"
        why = f"W&B has {rows} too many, with other values or twice, and can't delete rows"
        return "", (Loss(f"{name}/history", why),)
    return "", ()


def describe_missing(
    existing: ExistingRun | None, *, fingerprint: str, job_type: str, token: str
) -> str:
    """Return what is missing of a W&B run without history and uses; empty if nothing is.

    Args:
        existing: the W&B run that was read back.
        fingerprint: the expected one in its config.
        job_type: in the first request of wandb-core; once it has arrived, that request has.
        token: the expected one in its summary.
    """
    if existing is None:
        return "the run does not exist"
    if existing.is_open:
        return f"its state is {existing.state}"
    if existing.fingerprint != fingerprint or existing.job_type != job_type:
        return "its config or its other metadata is not complete"
    if existing.sent != token:
        return "its summary or its files are not complete"
    return ""
