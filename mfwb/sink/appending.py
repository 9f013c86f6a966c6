"""Rows that are missing between others of a history: the SDK takes only steps behind the last one.

A file of an offline W&B run may have any step. It is made to go on with the W&B run that is there,
so that its rows come behind those that are there, whatever a server says of their number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from wandb.proto import wandb_internal_pb2 as pb

from mfwb.planning import PlannedRun, WandbRunId
from mfwb.scratch import scratch
from mfwb.sink import records
from mfwb.sink.histories import Row
from mfwb.sink.push.sending import Sender
from mfwb.sink.service import Service
from mfwb.sink.transaction_log import keep_steps, write_records

__all__ = ["append_rows"]


def append_rows(
    service: Service,
    place: tuple[str, str, WandbRunId],
    run: PlannedRun,
    rows: Sequence[Row],
    others: Mapping[str, Any],
) -> None:
    """Append rows to the history of a W&B run that is there; SinkError.

    Whether they arrived has to be looked up. Of its summary only what others wrote is left, so that
    it has to be written anew.

    Args:
        service: the way to W&B.
        place: entity, project, and the id under which it is there.
        run: as planned.
        rows: of any steps.
        others: what others wrote into its summary.
    """
    entity, project, run_id = place
    record = pb.RunRecord(run_id=run_id, entity=entity, project=project, resume=True)
    with scratch() as folder:
        own = folder / f"offline-run-20000101_000000-{run_id}"
        (own / "files").mkdir(parents=True)
        file = own / f"run-{run_id}.wandb"
        write_records(file, _said(record, run, rows, others))
        keep_steps(file)
        size = file.stat().st_size
        Sender(service).send(folder, runs=1, size=size)


def _said(
    record: pb.RunRecord, run: PlannedRun, rows: Sequence[Row], others: Mapping[str, Any]
) -> Iterator[pb.Record]:
    begin = run.started_at or 0
    record.start_time.FromMilliseconds(begin)
    moment = {"_timestamp": begin / 1000, "_runtime": 0.0}
    said = [
        records.header_record(),
        pb.Record(run=record),
        *(records.history_record(step, {**row, **moment}) for step, row in rows),
        records.summary_record(others),
        records.exit_record(run.exit_code),
    ]
    for number, one in enumerate(said, start=1):
        one.num = number
        one._info.stream_id = record.run_id  # noqa: SLF001 - a field of the message
        yield one
