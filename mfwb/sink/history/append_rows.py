"""Appending rows that are missing inside a history: the SDK accepts only rows after the last."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from wandb.proto import wandb_internal_pb2 as pb

from mfwb.files.tempdirs import scratch
from mfwb.planning import PlannedRun, WandbRunId
from mfwb.ports import ChartAxis
from mfwb.sink.client.api import ApiClient
from mfwb.sink.history.read_rows import Row
from mfwb.sink.history.rows_file import write_rows
from mfwb.sink.offline import records
from mfwb.sink.wandb_sync.sender import Sender

__all__ = ["append_rows"]


def append_rows(  # noqa: PLR0913, PLR0917 - all of them describe the rows
    client: ApiClient,
    destination: tuple[str, str, WandbRunId],
    run: PlannedRun,
    rows: Sequence[Row],
    others: Mapping[str, Any],
    axes: Iterable[ChartAxis] = (),
) -> None:
    """Append rows to the history of an existing W&B run; SinkError.

    The caller has to check whether they arrived. Only the summary of other people is left, so that
    mfwb's own summary has to be written again.

    Args:
        client: the client of W&B's Api.
        destination: entity, project, and the run's id in W&B.
        run: the planned run.
        rows: rows with any steps.
        others: the summary values of other people.
        axes: the x axes of the charts.
    """
    entity, project, run_id = destination
    start = run.started_at or 0
    record = pb.RunRecord(run_id=run_id, entity=entity, project=project)
    record.start_time.FromMilliseconds(start)
    added_records = [
        *records.axis_records(axes),
        *records.history_records(rows, records.row_times(start)),
        records.exit_record(run.exit_code),
    ]
    with scratch() as folder:
        size = write_rows(
            folder / f"offline-run-20000101_000000-{run_id}", record, added_records, others
        )
        Sender(client).send(folder, runs=1, size=size)
