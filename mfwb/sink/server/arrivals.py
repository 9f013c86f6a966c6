"""Whether what was written is there: `finish` returns as if it were, whatever became of it.

Only what was read back is marked as complete, so that no other sync trusts what is not there.
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
from mfwb.sink.content.run_texts import Words
from mfwb.sink.history.read_rows import History, Row, foreign_rows, missing_rows
from mfwb.sink.server.existing_runs import Existing, ExistingRuns
from mfwb.sink.server.run_files import MOST
from mfwb.sink.server.update_run import write_words
from mfwb.snapshot import Loss

__all__ = ["Arrivals", "Sent", "judge_rows", "lacks_of"]

_LOOKS = (0.0, 0.5, 2.0, 5.0)  # seconds before each; a server may take a moment
_LOOKS_FOR_OTHERS = 2.0  # seconds before each further look, if another sync writes the same
_MARKING_WORKERS = 8  # marks


@dataclass(frozen=True, slots=True)
class Sent:
    """A W&B run all of which was sent.

    Attributes:
        run: as planned.
        token: by which its summary is known for that of this sync.
        receipt: what is to be said of it when it is proven to be there.
        rows: of its history, packed: there may be many, and many W&B runs.
        job_type: as was said: it is there if all is that wandb-core says at first.
        uses: ids of the artifact versions that it uses.
        complaint: what wandb-core complained of meanwhile.
        words: what it is to say beside that, where wandb-core leaves out a part of them.
    """

    run: PlannedRun
    token: str
    receipt: Receipt
    rows: bytes = field(repr=False)
    uses: frozenset[str] = frozenset()
    job_type: str = ""
    complaint: str = ""
    words: Words | None = None

    @classmethod
    def of(cls, run: PlannedRun, receipt: Receipt, rows: Iterable[Row], **more: Any) -> Sent:
        """Return it, with its rows packed."""
        packed = zlib.compress(json.dumps(list(rows)).encode())
        return cls(run, receipt=receipt, rows=packed, **more)

    @property
    def history(self) -> list[Row]:
        """The planned rows of its history."""
        rows: list[Row] = [(step, row) for step, row in json.loads(zlib.decompress(self.rows))]
        return rows


class Arrivals:
    """The W&B runs of one flow run that were written and are to be there."""

    def __init__(self, existing: ExistingRuns, *, writer: str, patience: float) -> None:
        """Begin with none.

        Args:
            existing: the W&B runs of the project.
            writer: the ledger of this sync.
            patience: seconds to wait for another sync that writes the same.
        """
        self._existing = existing
        self._writer = writer
        self._patience = patience
        self._sent: dict[WandbRunId, Sent] = {}
        self._losses: dict[str, tuple[Loss, ...]] = {}  # by name of the W&B run
        self._lock = threading.Lock()

    def expect(self, sent: Sent) -> None:
        """Hear that a W&B run was sent."""
        with self._lock:
            self._sent[sent.run.id] = sent

    def confirm(self) -> dict[str, tuple[Loss, ...]]:
        """Read all back and mark what is there as complete; SinkError if something is not.

        Returns:
            What is to be told of W&B runs that are there, by their names.
        """
        waiting, lacks = dict(self._sent), dict[WandbRunId, str]()
        pauses, began = iter(_LOOKS), time.monotonic()
        while waiting:
            pause = next(pauses, None)
            if pause is None:
                is_late = time.monotonic() - began >= self._patience
                if is_late or not any(map(self._is_taken, waiting.values())):
                    break
                pause = _LOOKS_FOR_OTHERS
            time.sleep(pause)
            lacks = self._look(waiting)
            here = [sent for run_id, sent in waiting.items() if run_id not in lacks]
            self._mark([sent for sent in here if not self._is_taken(sent)])
            waiting = {run_id: waiting[run_id] for run_id in lacks}
        if lacks:
            told = "; ".join(_told(self._sent[one], text) for one, text in lacks.items())
            raise SinkError(f"W&B does not have all that was sent: {told}")
        return self._losses

    def _look(self, waiting: Mapping[WandbRunId, Sent]) -> dict[WandbRunId, str]:
        """Return what each W&B run lacks, for those that lack something."""
        self._existing.look(sent.run for sent in waiting.values())
        lacks = {run_id: self._lacks(one) for run_id, one in waiting.items()}
        rows = {
            run_id: one.history
            for run_id, one in waiting.items()
            if not lacks[run_id] and not self._is_taken(one)
        }
        there = self._existing.histories(run_id for run_id, planned in rows.items() if planned)
        for run_id, planned in rows.items():
            sent = waiting[run_id]
            lacks[run_id], losses = judge_rows(sent.run.name, planned, there.get(run_id, History()))
            if losses:
                self._losses[sent.run.name] = losses
        return {run_id: text for run_id, text in lacks.items() if text}

    def _is_taken(self, sent: Sent) -> bool:
        """Whether another sync wrote a W&B run after this one: then that one answers for it."""
        found = self._existing.get(sent.run.id)
        return found is not None and found.writer not in {"", self._writer}

    def _lacks(self, sent: Sent) -> str:
        """Return what is missing of a W&B run but for its history; empty if nothing is."""
        found = self._existing.get(sent.run.id)
        if found and self._is_taken(sent):
            is_there = found.complete == sent.run.fingerprint
            return "" if is_there else "another sync has begun to write it, and does not end"
        said = {"fingerprint": sent.run.fingerprint, "job_type": sent.job_type, "token": sent.token}
        lacks = lacks_of(found, **said)
        if not lacks and found and len(found.uses) < MOST and not found.uses >= sent.uses:
            return "artifacts that it uses are missing"
        return lacks

    def _mark(self, proven: list[Sent]) -> None:
        if proven:
            with ThreadPoolExecutor(min(_MARKING_WORKERS, len(proven)), "mfwb-mark") as pool:
                list(pool.map(self._mark_one, proven))

    def _mark_one(self, sent: Sent) -> None:
        found = self._existing.get(sent.run.id)
        if found is None:
            raise AssertionError(sent.run.id)
        receipt = sent.receipt
        if losses := self._losses.get(sent.run.name):
            receipt = replace(receipt, losses=(*receipt.losses, *losses))
        said = done(sent.run.fingerprint, receipt)
        if rows := sent.history:  # W&B says it itself, but not if all rows were there already
            said["_step"] = rows[-1][0]

        def deed(handle: Any) -> None:
            if sent.words is not None:
                write_words(handle, sent.words)
            handle.summary.update(said)

        self._existing.ask_of(found, deed, f"mark {sent.run.name} as complete")


def _told(sent: Sent, lacks: str) -> str:
    why = f" ({sent.complaint})" if sent.complaint else ""
    return f"{sent.run.name}: {lacks}{why}"


def judge_rows(name: str, planned: Sequence[Row], there: History) -> tuple[str, tuple[Loss, ...]]:
    """Return what a history lacks, empty if nothing, and what is in it that is to be told.

    Args:
        name: of the W&B run.
        planned: its rows.
        there: what was read back.
    """
    if missing := missing_rows(planned, there.rows):
        return f"{len(planned) - len(missing)} of {len(planned)} rows of its history are there", ()
    if foreign := foreign_rows(planned, there.rows):
        rows = "a row" if foreign == 1 else f"{foreign} rows"
        why = f"W&B has {rows} too many, with other values or twice, and takes no row back"
        return "", (Loss(f"{name}/history", why),)
    return "", ()


def lacks_of(found: Existing | None, *, fingerprint: str, job_type: str, token: str) -> str:
    """Return what is missing of a W&B run itself that was sent; empty if nothing is.

    Args:
        found: what was read back.
        fingerprint: as its config is to say.
        job_type: as was said: it is there if all is that wandb-core says at first.
        token: as its summary is to say.
    """
    if found is None:
        return "the run is not there"
    if found.is_open:
        return f"its state is {found.state}"
    if found.fingerprint != fingerprint or found.job_type != job_type:
        return "its config, or what is said of it beside that, is not all there"
    if found.sent != token:
        return "its summary or its files are not all there"
    return ""
