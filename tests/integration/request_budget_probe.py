"""Sync a flow run with a budget of requests for a few seconds in place of a minute.

Usage: python request_budget_probe.py SECONDS REQUESTS PATHSPEC PROJECT METADATA
"""

from __future__ import annotations

import sys

import mfwb
from mfwb import request_budget


def main() -> None:
    """Sync, and print the status of the flow run and how many losses it has."""
    seconds, requests, pathspec, project, metadata = sys.argv[1:]
    vars(request_budget)["_WINDOW_SECONDS"] = float(seconds)
    result = mfwb.sync(
        pathspec,
        project=project,
        metadata=metadata,
        granularity="task",
        max_requests_per_minute=int(requests),
    )
    [flow_run] = result.flow_runs
    losses = sum(len(run.losses) for run in flow_run.wandb_runs)
    sys.stdout.write(f"{flow_run.status.value} {losses}\n")


if __name__ == "__main__":
    main()
