"""What mfwb touches of wandb that is not public. Seen in wandb 0.31.0.

The contract tests are in tests/integration/sink.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import wandb
from pydantic import ValidationError
from wandb.errors import Error
from wandb.proto import wandb_internal_pb2 as pb
from wandb.sdk.artifacts._internal_artifact import sanitize_artifact_name
from wandb.sdk.artifacts.artifact_manifest_entry import ArtifactManifestEntry
from wandb.sdk.lib.paths import LogicalPath
from wandb.sdk.lib.service.service_connection import WandbApiFailedError
from wandb.sdk.lib.service.service_port_file import ServicePollForTokenError
from wandb.sdk.mailbox.mailbox import MailboxClosedError
from wandb.sdk.mailbox.mailbox_handle import HandleAbandonedError, ServerResponseError

__all__ = [
    "CORE_DEATHS",
    "CORE_EXIT_SECONDS",
    "FAILURES",
    "ServicePollForTokenError",
    "add_local_file",
    "add_reference_entry",
    "execute_graphql",
    "find_core_death",
    "http_status",
    "is_unreadable_answer",
    "log_artifact_without_latest",
    "publish_started_at",
    "table_artifact_name",
]

CORE_EXIT_SECONDS = 3.0
"""Seconds; wandb-core looks every second whether who started it still lives."""

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

CORE_DEATHS = (MailboxClosedError, HandleAbandonedError, ConnectionError)
"""What it raises when wandb-core is gone: until `wandb.teardown()` nothing works any more."""


def find_core_death(error: BaseException) -> BaseException | None:
    """Return the end of wandb-core that an error tells of; None: it is about something else.

    The public Api hides it behind an Error of its own.
    """
    if isinstance(error, CORE_DEATHS):
        return error
    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, (MailboxClosedError, HandleAbandonedError)):
        seen = seen.__cause__ or seen.__context__
    return seen


def http_status(error: BaseException) -> int | None:
    """Return what the server answered, if an error is about an answer; None: there was none."""
    inner = getattr(error, "exc", None) or error
    response = getattr(inner, "response", None)
    status = getattr(response, "http_status", None)
    return int(status) if status else None


_NONSENSE = (TypeError, AttributeError, LookupError, AssertionError, ValidationError)


def is_unreadable_answer(error: BaseException) -> bool:
    """Whether wandb's own code failed at what it was given: by W&B, as `null` for an object."""
    if not isinstance(error, _NONSENSE):
        return False
    frame, names = error.__traceback__, [""]
    while frame is not None:
        names.append(str(frame.tb_frame.f_globals.get("__name__", "")))
        frame = frame.tb_next
    last = names[-1].partition(".")[0]
    return last == "wandb" or (last in _HELPERS and any(one.startswith("wandb.") for one in names))


_HELPERS = frozenset({"pydantic", "json"})  # of wandb's, which fail in its place


def execute_graphql(api: wandb.Api, text: str, variables: dict[str, Any]) -> dict[str, Any]:
    """Return the answer to a GraphQL request of ours, where the public Api has none like it."""
    answer: dict[str, Any] = api._service_api.execute_graphql(text, variables)  # noqa: SLF001
    return answer


def log_artifact_without_latest(
    run: wandb.Run, artifact: wandb.Artifact, aliases: Iterable[str]
) -> None:
    """Log an artifact under these aliases alone; public `log_artifact` always adds `latest`.

    It does what that does, word for word, but for the aliases.
    """
    artifact.finalize()
    run._assert_can_log_artifact(artifact)  # noqa: SLF001
    handle = _interface(run).deliver_artifact(
        run, artifact, list(aliases), None, run.step, finalize=True, is_user_created=False
    )
    run._public_api()._set_artifact_save_handle(artifact, handle)  # noqa: SLF001


def add_reference_entry(  # noqa: PLR0913 - one for each field
    artifact: wandb.Artifact, *, path: str, ref: str, digest: str, size: int, extra: dict[str, str]
) -> None:
    """Add a reference whose size and checksum are known.

    Public `add_reference` asks the network for them, or leaves them out; and for either it sets
    boto3 up anew, which takes a quarter of a second.

    Args:
        artifact: a draft.
        path: in the artifact.
        ref: the URI.
        digest: as W&B's handler of the URI's scheme takes it: the ETag.
        size: in bytes.
        extra: what the handler notes besides.
    """
    entry = ArtifactManifestEntry(
        path=LogicalPath(path), ref=ref, digest=digest, size=size, extra=extra
    )
    artifact.manifest.add_entry(entry)


def add_local_file(
    artifact: wandb.Artifact, path: str, local: Path | None, *, md5: str, size: int
) -> None:
    """Add a file whose checksum is known; public `add_file` maps it into memory to work it out.

    Args:
        artifact: a draft.
        path: in the artifact.
        local: the file, which stays where it is.
        md5: in base64.
        size: in bytes.
    """
    artifact.manifest.add_entry(
        ArtifactManifestEntry(
            path=LogicalPath(path), digest=md5, size=size, local_path=str(local), skip_cache=True
        )
    )


def table_artifact_name(run_id: str, key: str) -> str:
    """Return what W&B calls the artifact that it makes of a table in a summary."""
    return sanitize_artifact_name(f"run-{run_id}-{key}")


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
