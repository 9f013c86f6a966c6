"""What mfwb touches of wandb that is not public. Seen in wandb 0.31.0.

The contract test is tests/integration/sink/test_wandb_contract.py.
"""

from __future__ import annotations

from typing import Any

import wandb
from wandb.errors import Error
from wandb.proto import wandb_internal_pb2 as pb
from wandb.sdk.lib.service.service_connection import WandbApiFailedError
from wandb.sdk.mailbox.mailbox import MailboxClosedError
from wandb.sdk.mailbox.mailbox_handle import HandleAbandonedError, ServerResponseError

__all__ = [
    "FAILURES",
    "publish_started_at",
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


def _interface(run: wandb.Run) -> Any:
    return run._interface  # noqa: SLF001
