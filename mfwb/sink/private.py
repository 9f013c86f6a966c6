"""What mfwb touches of wandb that is not public. Seen in wandb 0.31.0.

The contract test is tests/integration/sink/test_wandb_contract.py.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import wandb
from wandb.errors import Error
from wandb.proto import wandb_internal_pb2 as pb
from wandb.sdk.lib.service.service_connection import WandbApiFailedError
from wandb.sdk.mailbox.mailbox import MailboxClosedError
from wandb.sdk.mailbox.mailbox_handle import HandleAbandonedError, ServerResponseError

__all__ = [
    "FAILURES",
    "copy_manifest",
    "publish_started_at",
    "publish_use",
    "without_launch_inputs",
]


FAILURES = (
    Error,
    ServerResponseError,
    HandleAbandonedError,
    MailboxClosedError,
    WandbApiFailedError,
    ConnectionError,
    TimeoutError,
)
"""What wandb raises when it, wandb-core or the server fails. Only the first is public."""


@contextmanager
def without_launch_inputs() -> Iterator[None]:
    """Keep inputs that a user staged for W&B Launch off replayed runs, for offline sessions.

    Every `wandb.init` imports `wandb.sdk.launch.inputs.internal`, and with it all of Launch and
    the public API, to look for such inputs; it goes on without if that fails. Not for online
    sessions: `wandb.Api` needs the real module.
    """
    if _LAUNCH_INPUTS in sys.modules:
        yield
        return
    nothing = ModuleType(_LAUNCH_INPUTS)
    nothing.StagedLaunchInputs = _NoLaunchInputs  # type: ignore[attr-defined]
    sys.modules[_LAUNCH_INPUTS] = nothing
    try:
        yield
    finally:
        del sys.modules[_LAUNCH_INPUTS]


_LAUNCH_INPUTS = "wandb.sdk.launch.inputs.internal"


class _NoLaunchInputs:
    def apply(self, run: wandb.Run) -> None:
        """Apply nothing."""


def publish_use(run: wandb.Run, artifact: wandb.Artifact) -> None:
    """Record, offline, that a run uses an artifact that another run logs.

    Public `use_artifact` refuses to work offline. This is what it does online with a draft: the
    artifact is created for the user rather than for this run, and used once it is committed. By
    `run._interface` rather than `run._log_artifact`, as only that adds no alias `latest`.
    """
    artifact.finalize()
    _interface(run).publish_artifact(
        run, artifact, aliases=[], finalize=True, is_user_created=True, use_after_commit=True
    )


def publish_started_at(run: wandb.Run, epoch_ms: int, **facts: str) -> None:
    """Record when the work began; W&B's own clock says when the run was written.

    Args:
        run: an open run.
        epoch_ms: when the work began.
        **facts: fields of EnvironmentRecord such as host, program, python, username.
    """
    record = pb.EnvironmentRecord(**facts)
    record.started_at.FromMilliseconds(epoch_ms)
    _interface(run).publish_environment(record)


def copy_manifest(source: wandb.Artifact, target: wandb.Artifact) -> None:
    """Give an artifact the files of another one, without reading them again for their digests.

    `manifest` is a property without documentation.
    """
    entries: Sequence[Any] = list(source.manifest.entries.values())
    for entry in entries:
        target.manifest.add_entry(entry)


def _interface(run: wandb.Run) -> Any:
    return run._interface  # noqa: SLF001
