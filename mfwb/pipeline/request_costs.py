"""Requests that writing one W&B run takes. Pure.

The numbers were counted by the stand-in server of the tests, with wandb 0.31;
tests/integration/test_request_counts.py names them by kind, and test_plan_truth.py beside it holds
plans against syncs.
"""

from __future__ import annotations

from mfwb.outcome import Requests
from mfwb.planning import Form, PlannedRun, Preview
from mfwb.ports import ReadyRun
from mfwb.request_budget import RequestBudget

__all__ = [
    "REQUESTS_OF_FLOW_RUN",
    "REQUESTS_OF_UPDATE",
    "count_panels",
    "count_requests",
    "count_sent",
    "count_tables",
    "requests_of",
]

REQUESTS_OF_FLOW_RUN = 12
"""For all W&B runs of a flow run together: what exists, claims, new versions, uses, and checks."""

REQUESTS_OF_UPDATE = 3
"""An update of the metadata of a complete W&B run."""

_RUN = 5  # to open it, config, files, and the stream twice
_FIRST_ARTIFACT = 1  # what the server can do, which wandb-core requests for each open run
_ARTIFACT = 6  # draft, manifest twice and its upload, addresses for its files, commit
_FILE = 1
_PANEL = 1  # a file of the W&B run: a card, an image, a table
_TABLE = 9  # beside its file: W&B's SDK makes an artifact of it, with an Api and its type


def count_requests(*, artifacts: int, files: int, panels: int, tables: int) -> int:
    """Return the requests of a W&B run that is written whole, without those of its flow run.

    Args:
        artifacts: the W&B artifacts that it logs, each with new contents.
        files: the files of all of them together, without references.
        panels: the files of the W&B run itself.
        tables: how many of these are tables.
    """
    first = _FIRST_ARTIFACT if artifacts or tables else 0
    of_artifacts = _ARTIFACT * artifacts + _FILE * files
    return _RUN + first + of_artifacts + _PANEL * panels + _TABLE * tables


def requests_of(run: PlannedRun, ready: ReadyRun | None) -> int:
    """Return the requests that a W&B run takes if it is written whole; those that fail not counted.

    Args:
        run: the planned W&B run.
        ready: its values and files; None if they are not known yet.
    """
    if ready is None:
        artifacts = len(run.outputs)
        files = sum(max(1, len(output.files)) for output in run.outputs)
    else:
        artifacts = len(ready.artifacts)
        files = sum(file.uri is None for artifact in ready.artifacts for file in artifact.files)
    return count_requests(
        artifacts=artifacts, files=files, panels=count_panels(run), tables=count_tables(run)
    )


def count_sent(budget: RequestBudget) -> Requests:
    """Return the requests of a call so far."""
    return Requests(own=budget.own, wandb_core=budget.by_core)


def count_panels(run: PlannedRun) -> int:
    """Return the number of files that the W&B run itself has, for panels."""
    tables = 1 if run.merged or run.overview is not None else 0
    figures = 3 if run.overview is not None else 0
    previews = sum(
        file.preview not in {None, Preview.CHART} or file.form is Form.IMAGE
        for artifact in run.outputs
        for file in artifact.files
    )
    return len(run.cards) + tables + figures + previews


def count_tables(run: PlannedRun) -> int:
    """Return how many of these files are tables: of tasks, of an overview, and previews."""
    own = 1 if run.merged or run.overview is not None else 0
    return own + sum(
        file.preview is Preview.TABLE for artifact in run.outputs for file in artifact.files
    )
