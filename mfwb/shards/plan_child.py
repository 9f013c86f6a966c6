"""A program that plans the shards of a backfill for a task of a flow, in a process of its own.

Metaflow's client has one provider for a process, and in a task that is the flow's. The program
reads a `PlanJob` as JSON from standard input, and writes the shard plan to standard output. An
error is a line on stderr, and the exit code is that of `mfwb`.
"""

from __future__ import annotations

import os
import sys

from mfwb.errors import MfwbError
from mfwb.pipeline.selection import make_selection
from mfwb.report.progress import progress_on_stderr
from mfwb.shards.backfill import make_shard_plan
from mfwb.shards.document import plan_to_json
from mfwb.shards.messages import PlanJob, plan_job_from_json

__all__ = ["main", "plan_as_json"]


def plan_as_json(job: PlanJob) -> str:
    """Return the shard plan of a job, as JSON."""
    settings = job.settings.make()
    selection = make_selection(
        **{**job.selectors, "pathspecs": job.selectors.get("pathspecs", ())},
        namespace=settings.namespace,
    )
    with progress_on_stderr(quiet=False) as progress:
        plan = make_shard_plan(
            selection,
            settings,
            progress,
            shards=job.shards,
            request={"selectors": dict(job.selectors), "shards": job.shards},
            may_ask=True,
        )
    return plan_to_json(plan)


def main() -> None:
    """Read a job, write its shard plan, and end the process with an exit code."""
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as output:
        os.dup2(2, 1)  # what the SDKs print is not the plan
        try:
            output.write(plan_as_json(plan_job_from_json(sys.stdin.read())))
        except MfwbError as error:
            sys.stderr.write(f"mfwb: {error}\n")
            sys.exit(error.exit_code)
