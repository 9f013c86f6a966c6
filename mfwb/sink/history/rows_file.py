"""A file for `wandb sync` with rows that are missing in a history that is there.

The W&B run is gone on with, so that they come behind those that are there, whatever a server says
of their number, and they may have any step.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from wandb.proto import wandb_internal_pb2 as pb

from mfwb.sink.offline import records
from mfwb.sink.offline.wandb_file import keep_steps, write_records

__all__ = ["write_rows"]


def write_rows(
    folder: Path, run: pb.RunRecord, added_records: Iterable[pb.Record], others: Mapping[str, Any]
) -> int:
    """Write the folder of an offline W&B run that goes on with one that is there.

    Args:
        folder: to be made.
        run: the W&B run.
        added_records: rows of any steps, and the end.
        others: what others wrote into its summary.

    Returns:
        How many bytes there are.
    """
    (folder / "files").mkdir(parents=True)
    file = folder / f"run-{run.run_id}.wandb"
    run.resume = True
    summary = records.summary_record(others)
    all_records = [records.header_record(), pb.Record(run=run), summary, *added_records]
    write_records(file, records.numbered(run.run_id, all_records))
    keep_steps(file)
    return file.stat().st_size
