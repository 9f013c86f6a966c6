"""Private parts of wandb that mfwb uses. Seen in wandb 0.31.0.

The contract tests are in tests/integration/sink.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import wandb
from pydantic import ValidationError
from wandb.errors import Error
from wandb.proto import wandb_internal_pb2 as pb
from wandb.proto import wandb_server_pb2 as spb
from wandb.sdk.artifacts.artifact_manifest_entry import ArtifactManifestEntry
from wandb.sdk.lib.paths import LogicalPath
from wandb.sdk.lib.service.service_connection import WandbApiFailedError
from wandb.sdk.lib.service.service_port_file import ServicePollForTokenError
from wandb.sdk.mailbox.mailbox import MailboxClosedError
from wandb.sdk.mailbox.mailbox_handle import HandleAbandonedError, ServerResponseError

from mfwb.operations import noted

__all__ = [
    "CORE_DEATHS",
    "CORE_EXIT_SECONDS",
    "FAILURES",
    "ServicePollForTokenError",
    "add_local_file",
    "add_reference_entry",
    "bytes_uploaded_by",
    "execute_graphql",
    "find_core_death",
    "http_status",
    "is_unreadable_answer",
    "log_artifact_with_aliases",
    "publish_history",
    "publish_started_at",
    "surround_requests",
    "uploaded_bytes",
]

CORE_EXIT_SECONDS = 3.0
"""Seconds; wandb-core checks every second whether its parent process still runs."""

FAILURES = (
    Error,
    ServerResponseError,
    HandleAbandonedError,
    MailboxClosedError,
    WandbApiFailedError,
    ConnectionError,
    TimeoutError,
)
"""Errors of wandb, of wandb-core or of the server. Only the first class is public."""

CORE_DEATHS = (MailboxClosedError, HandleAbandonedError, ConnectionError)
"""Errors after wandb-core has ended: until `wandb.teardown()` no request works any more."""


def find_core_death(error: BaseException) -> BaseException | None:
    """Return the error that shows that wandb-core has ended; None if the cause is another one.

    The public Api hides it behind its own Error.
    """
    if isinstance(error, CORE_DEATHS):
        return error
    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, (MailboxClosedError, HandleAbandonedError)):
        seen = seen.__cause__ or seen.__context__
    return seen


def http_status(error: BaseException) -> int | None:
    """Return the HTTP status in an error; None if the server did not answer."""
    inner = getattr(error, "exc", None) or error
    response = getattr(inner, "response", None)
    status = getattr(response, "http_status", None)
    return int(status) if status else None


_UNREADABLE = (TypeError, AttributeError, LookupError, AssertionError, ValidationError)


def is_unreadable_answer(error: BaseException) -> bool:
    """Whether wandb's own code failed on an answer of W&B, such as `null` for an object."""
    if not isinstance(error, _UNREADABLE):
        return False
    frame, names = error.__traceback__, [""]
    while frame is not None:
        names.append(str(frame.tb_frame.f_globals.get("__name__", "")))
        frame = frame.tb_next
    last = names[-1].partition(".")[0]
    return last == "wandb" or (
        last in _PARSERS and any(name.startswith("wandb.") for name in names)
    )


_PARSERS = frozenset({"pydantic", "json"})  # called by wandb; they fail on a bad answer


def execute_graphql(
    api: wandb.Api, text: str, variables: dict[str, Any], **options: Any
) -> dict[str, Any]:
    """Return the answer to a GraphQL request for which the public Api has no method.

    Args:
        api: W&B's public Api.
        text: of the request.
        variables: of the request.
        **options: such as fields that an old server does not know.
    """
    with noted("W&B", f"GraphQL {_operation_name(text)}"):
        answer: dict[str, Any] = api._service_api.execute_graphql(  # noqa: SLF001
            text, variables, **options
        )
    return answer


def _operation_name(text: str) -> str:
    """Return `query Runs` of `query Runs($entity: String!) {...}`."""
    return " ".join(text.partition("{")[0].partition("(")[0].split())


def surround_requests(api: wandb.Api, context: Callable[[], AbstractContextManager[None]]) -> None:
    """Let each request of a public Api, and of the objects it returns, be sent within a context.

    All of them go through one object, which has no public counterpart. What the server can do is
    no such request: wandb-core knows it after the first time.
    """
    service_api = api._service_api  # noqa: SLF001
    send = service_api.send_api_request

    def send_within(request: Any, *arguments: Any, **options: Any) -> Any:
        if request.WhichOneof("request") == "features_request":
            return send(request, *arguments, **options)
        with context():
            return send(request, *arguments, **options)

    vars(service_api)["send_api_request"] = send_within


def log_artifact_with_aliases(
    run: wandb.Run,
    artifact: wandb.Artifact,
    aliases: Iterable[str],
    *,
    reads: object,
    commit: bool = True,
) -> None:
    """Log an artifact with exactly these aliases; public `log_artifact` always adds `latest`.

    This is a copy of that method apart from the aliases; from the commit, which that method can
    only leave out for artifacts that several W&B runs write together; and from three requests. For
    each run that method makes an Api of its own, which finds out again who is logged in and what
    the server can do, and requests the type that artifacts of this name have: W&B refuses another
    type in any case, and `wait` of the artifact tells.

    Args:
        run: an open run.
        artifact: a draft.
        aliases: all aliases that it gets.
        reads: sends the request by which the artifact reads its version, as W&B's own way does.
        commit: whether wandb-core commits it once its files are uploaded; else `commit_versions`
            has to follow.
    """
    artifact.finalize()
    handle = _interface(run).deliver_artifact(
        run, artifact, list(aliases), None, run.step, finalize=commit, is_user_created=False
    )
    artifact._set_save_handle(handle, reads)  # type: ignore[arg-type] # noqa: SLF001


def add_reference_entry(  # noqa: PLR0913 - one for each field
    artifact: wandb.Artifact,
    *,
    path: str,
    ref: str,
    digest: str,
    size: int,
    extra: dict[str, str | int],
) -> None:
    """Add a reference whose size and checksum are known.

    Public `add_reference` requests them over the network, or leaves them out. For each reference
    it also sets up boto3 again, which takes a quarter of a second.

    Args:
        artifact: a draft.
        path: in the artifact.
        ref: the URI.
        digest: the ETag, as W&B's handler of the URI's scheme uses it.
        size: in bytes.
        extra: the handler's other values.
    """
    entry = ArtifactManifestEntry(
        path=LogicalPath(path), ref=ref, digest=digest, size=size, extra=extra
    )
    artifact.manifest.add_entry(entry)


def add_local_file(
    artifact: wandb.Artifact, path: str, local: Path | None, *, md5: str, size: int
) -> None:
    """Add a file whose checksum is known; public `add_file` maps it into memory.

    Args:
        artifact: a draft.
        path: in the artifact.
        local: the file, which stays in place.
        md5: in base64.
        size: in bytes.
    """
    artifact.manifest.add_entry(
        ArtifactManifestEntry(
            path=LogicalPath(path), digest=md5, size=size, local_path=str(local), skip_cache=True
        )
    )


def publish_started_at(run: wandb.Run, epoch_ms: int, **facts: str) -> None:
    """Publish when the work began; W&B's own clock shows when the run was written.

    Args:
        run: an open run.
        epoch_ms: the start of the work.
        **facts: fields of EnvironmentRecord such as host, program, python, username.
    """
    record = pb.EnvironmentRecord(**facts)
    record.started_at.FromMilliseconds(epoch_ms)
    _interface(run).publish_environment(record)


def publish_history(run: wandb.Run, rows: Iterable[bytes]) -> None:
    """Publish rows of history as they are; public `log` replaces `_runtime` by the sync's own time.

    wandb sends each record from a thread that all runs share, and waits for it each time. These go
    together, a thousand at a time: half of a usual run's records are rows.

    Args:
        run: an open run.
        rows: each a serialized HistoryRecord, with its step and with W&B's own columns.
    """
    interface = _interface(run)

    async def publish(part: Sequence[bytes]) -> None:
        for row in part:
            record = interface._make_record(history=pb.HistoryRecord.FromString(row))  # noqa: SLF001
            interface._assign(record)  # noqa: SLF001
            request = spb.ServerRequest()
            request.record_publish.CopyFrom(record)
            await interface._client.publish(request)  # noqa: SLF001

    rest = iter(rows)
    while part := list(islice(rest, _ROWS_AT_ONCE)):
        interface._asyncer.run(partial(publish, part))  # noqa: SLF001


_ROWS_AT_ONCE = 1_000


def uploaded_bytes(run: wandb.Run) -> tuple[int, int] | None:
    """Return the bytes that wandb-core has sent for a W&B run, and those it has to send.

    They are what `finish` shows, and it can be asked at any time; an answer takes a millisecond.
    Both grow while uploads begin. None if wandb-core does not answer.

    Args:
        run: an open run.
    """
    try:
        answer = _interface(run).deliver_poll_exit().wait_or(timeout=_POLL_SECONDS)
    except FAILURES:
        return None
    stats = answer.response.poll_exit_response.pusher_stats
    return int(stats.uploaded_bytes), int(stats.total_bytes)


_POLL_SECONDS = 5.0


def _interface(run: wandb.Run) -> Any:
    return run._interface  # noqa: SLF001


def bytes_uploaded_by(finished: wandb.Run) -> int:
    """Return how many bytes of files a finished W&B run has uploaded; 0 if that is not known.

    wandb-core counts what it sends: neither contents that the server had already, nor files that
    are only links.
    """
    response = finished._poll_exit_response  # noqa: SLF001 - no public counterpart
    return int(response.pusher_stats.uploaded_bytes) if response is not None else 0
