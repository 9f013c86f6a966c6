"""A file for `wandb sync` with rows that are missing in an existing history.

The file resumes the W&B run. So its rows follow the existing ones, whatever row count the server
reports, and they may have any step.
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
    """Write the folder of an offline W&B run that resumes an existing one.

    Args:
        folder: the folder to create.
        run: the W&B run.
        added_records: rows with any steps, and the exit record.
        others: the summary values of other people.

    Returns:
        The size of the file in bytes.
    """
    (folder / "files").mkdir(parents=True)
    file = folder / f"run-{run.run_id}.wandb"
    run.resume = True
    summary = records.summary_record(others)
    all_records = [records.header_record(), pb.Record(run=run), summary, *added_records]
    write_records(file, records.number_records(run.run_id, all_records))
    keep_steps(file)
    return file.stat().st_size
