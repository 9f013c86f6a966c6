"""Requests that writing one W&B run takes. Pure.

The numbers were counted by the stand-in server of the tests, with wandb 0.31;
tests/integration/test_plan_truth.py holds them against syncs.
"""

from __future__ import annotations

from mfwb.planning import Form, PlannedRun, Preview
from mfwb.ports import ReadyRun

__all__ = [
    "REQUESTS_OF_FLOW_RUN",
    "REQUESTS_OF_UPDATE",
    "count_panels",
    "count_requests",
    "requests_of",
]

REQUESTS_OF_FLOW_RUN = 4
"""What exists, its files, and what has arrived, for all W&B runs of a flow run together."""

REQUESTS_OF_UPDATE = 3
"""An update of the metadata of a complete W&B run."""

_RUN = 10  # claim, open, config, files, start and end of the stream, and the mark
_FIRST_ARTIFACT = 4  # what wandb-core and the SDK find out once for each open run with artifacts
_ARTIFACT = 8  # draft, manifest, upload of the manifest, commit, and the version
_FILE = 1
_USE = 1
_PANEL = 1  # a file of the W&B run: a card, an image, a table


def count_requests(*, artifacts: int, files: int, uses: int, panels: int) -> int:
    """Return the requests of a W&B run that is written whole, without those of its flow run.

    Args:
        artifacts: the W&B artifacts that it logs, each with new contents.
        files: the files of all of them together, without references.
        uses: the artifacts that it uses.
        panels: the files of the W&B run itself.
    """
    first = _FIRST_ARTIFACT if artifacts or uses else 0
    return _RUN + first + _ARTIFACT * artifacts + _FILE * files + _USE * uses + _PANEL * panels


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
        artifacts=artifacts, files=files, uses=len(run.inputs), panels=count_panels(run)
    )


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
