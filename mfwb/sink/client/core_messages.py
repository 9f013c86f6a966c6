"""Messages to wandb-core: sent and awaited by the thread that has something to say.

wandb sends each message, and waits for each answer, by a task of a thread that all runs share.
That takes two changes of threads, 48 times for each run, while 64 workers wait for Python's lock:
a quarter of all processor time. During a call, a worker puts its message into an outbox, which that
thread sends in one piece, and an answer wakes the worker. Messages keep their order.

While runs are replayed, nobody looks at their progress, and nobody stops one in W&B: wandb need
not ask wandb-core for either. Seen in wandb 0.30.0 and 0.31.0; others keep their own way.
"""

from __future__ import annotations

import itertools
import math
import secrets
import struct
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

import wandb
from wandb.proto import wandb_server_pb2 as spb
from wandb.sdk import wandb_init, wandb_run
from wandb.sdk.interface.interface_sock import InterfaceSock
from wandb.sdk.lib import asyncio_manager, run_messages
from wandb.sdk.lib.service.service_client import ServiceClient
from wandb.sdk.lib.service.service_connection import ServiceConnection
from wandb.sdk.mailbox import mailbox
from wandb.sdk.mailbox.mailbox_handle import HandleAbandonedError
from wandb.sdk.mailbox.response_handle import MailboxResponseHandle

__all__ = ["direct_messages", "is_replaying", "replaying"]

T = TypeVar("T")

_SEEN_IN = ("0.30.", "0.31.")
_HEADER = struct.Struct("<BI")
_MAGIC = ord("W")
_MAX_BUFFERED = 4_000_000
"""Bytes of messages that wandb-core has not taken, from which on a worker waits for it."""


class _ThreadState(threading.local):
    """Whether this thread writes one of mfwb's runs."""

    is_replaying = False


_THREAD_STATE = _ThreadState()


def is_replaying() -> bool:
    """Return whether this thread writes one of mfwb's runs."""
    return _THREAD_STATE.is_replaying


@contextmanager
def replaying() -> Iterator[None]:
    """Mark the runs of this thread as replayed ones meanwhile; the program may have others."""
    before = _THREAD_STATE.is_replaying
    _THREAD_STATE.is_replaying = True
    try:
        yield
    finally:
        _THREAD_STATE.is_replaying = before


@contextmanager
def direct_messages() -> Iterator[None]:
    """Let each thread send its own messages to wandb-core, and wait for the answers."""
    if not wandb.__version__.startswith(_SEEN_IN):
        yield
        return
    with ExitStack() as undo:
        for owner, name, value in _REPLACED:
            undo.callback(setattr, owner, name, vars(owner)[name])
            setattr(owner, name, value)
        yield


class _Outbox:
    """The messages of one connection that its thread has not sent yet; thread-safe."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._asyncer = client._mailbox._asyncer  # noqa: SLF001
        self._parts: list[bytes] = []
        self._bytes = 0
        self._lock = threading.Lock()

    @classmethod
    def of(cls, client: Any) -> _Outbox:
        """Return the outbox of a connection."""
        outbox: _Outbox | None = vars(client).get(_OUTBOX)
        return outbox or vars(client).setdefault(_OUTBOX, cls(client))

    @property
    def is_in_loop(self) -> bool:
        """Whether this is the thread that all runs share."""
        return bool(threading.get_ident() == self._asyncer._thread.ident)  # noqa: SLF001

    def put(self, request: spb.ServerRequest) -> None:
        """Add a message; wandb's own errors if wandb-core has ended."""
        asyncer, writer = self._asyncer, self._client._writer  # noqa: SLF001
        asyncer._ensure_not_in_fork()  # noqa: SLF001
        data = request.SerializeToString()
        with self._lock:
            if asyncer._joined:  # noqa: SLF001
                raise asyncio_manager.AlreadyJoinedError
            if writer.is_closing():
                raise ConnectionResetError("wandb-core has ended")
            if not self._parts:  # else the thread will send this one, too
                asyncer._loop.call_soon_threadsafe(self.send)  # noqa: SLF001
            self._parts += (_HEADER.pack(_MAGIC, len(data)), data)
            self._bytes += len(data)
        if self._bytes + writer.transport.get_write_buffer_size() > _MAX_BUFFERED:
            asyncer.run(self._client._drain_writer)  # noqa: SLF001

    def send(self) -> None:
        """Send all messages; in the thread that all runs share."""
        with self._lock:
            data = b"".join(self._parts)
            self._parts.clear()
            self._bytes = 0
        if data and not self._client._writer.is_closing():  # noqa: SLF001
            self._client._writer.write(data)  # noqa: SLF001


_OUTBOX = "_mfwb_outbox"

_send_in_loop = ServiceClient._send_server_request  # noqa: SLF001
_publish_soon = InterfaceSock._publish  # noqa: SLF001
_request_of_api = ServiceConnection.api_request
_wait_with_progress = vars(wandb_run)["wait_with_progress"]
_RunStatusChecker = wandb_run.RunStatusChecker
_RunMessages = run_messages.RunMessages


async def _send(client: ServiceClient, request: spb.ServerRequest) -> None:
    """Send a message; outside of the shared thread this never waits for anything."""
    outbox = _Outbox.of(client)
    if outbox.is_in_loop:
        outbox.send()
        await _send_in_loop(client, request)
    else:
        outbox.put(request)


def _run_here(start: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Return the result of a coroutine that only sends messages."""
    coroutine = start()
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    coroutine.close()
    raise RuntimeError("wandb waits where it only sent messages")


def _publish(interface: Any, record: Any, *, nowait: bool = False) -> None:
    if nowait and _Outbox.of(interface._client).is_in_loop:  # noqa: SLF001
        _publish_soon(interface, record, nowait=True)  # nothing may wait there
        return
    # From a worker, a line of a log goes the way of all else: else the next message, such as the
    # one that ends the W&B run, would come before it, and wandb-core drops the line.
    interface._assign(record)  # noqa: SLF001
    request = spb.ServerRequest()
    request.record_publish.CopyFrom(record)
    _run_here(lambda: interface._client.publish(request))  # noqa: SLF001


def _deliver(interface: Any, record: Any) -> Any:
    return _run_here(lambda: interface.deliver_async(record))


class _HereOnly:
    """What `ServiceConnection.api_request` uses of its connection."""

    class _asyncer:  # noqa: N801 - its name
        run = staticmethod(_run_here)

    def __init__(self, connection: Any) -> None:
        self.api_request_async = connection.api_request_async


def _api_request(connection: Any, *arguments: Any, **options: Any) -> Any:
    own: Any = _HereOnly(connection)
    return _request_of_api(own, *arguments, **options)


_PREFIX, _NUMBERS = secrets.token_hex(6), itertools.count()


def _new_address(_mailbox: mailbox.Mailbox) -> str:
    """Return an unused address; wandb reads from the system's source of chance twelve times."""
    return f"{_PREFIX}{next(_NUMBERS)}"


class _Handle(MailboxResponseHandle):
    """The handle of an answer that wakes the thread that waits for it."""

    def __init__(self, address: str, **options: Any) -> None:
        super().__init__(address, **options)
        self._event = threading.Event()

    async def deliver(self, response: spb.ServerResponse) -> None:
        """Take the answer."""
        await super().deliver(response)
        self._event.set()

    def abandon(self) -> None:
        """Note that there will be no answer."""
        super().abandon()
        self._event.set()

    def wait_or(self, *, timeout: float | None) -> spb.ServerResponse:
        """Return the answer; errors, and when it is cancelled, are those of wandb's own method."""
        if timeout is not None and not math.isfinite(timeout):
            raise ValueError("Timeout must be finite or None.")
        try:
            is_over = self._event.wait(timeout)
        except BaseException:
            self.cancel()
            raise
        if response := self._response_or_error():
            return response
        if is_over:
            raise HandleAbandonedError
        self.cancel()
        raise TimeoutError(f"Timed out waiting for response on {self._address}")


def _wait_without_progress(
    handle: Any, *, timeout: float | None, display_progress: Callable[[], Any]
) -> Any:
    if is_replaying():
        return handle.wait_or(timeout=timeout)
    return _wait_with_progress(handle, timeout=timeout, display_progress=display_progress)


class _NoWatch:
    """Neither asks nor prints anything."""

    def start(self) -> None:
        """Start nothing."""

    def stop(self, *, timeout: float = 0.0) -> None:
        """Stop nothing."""

    def join(self) -> None:
        """Wait for nothing."""


def _run_status_checker(*arguments: Any, **options: Any) -> Any:
    return _NoWatch() if is_replaying() else _RunStatusChecker(*arguments, **options)


def _run_messages(*arguments: Any, **options: Any) -> Any:
    return _NoWatch() if is_replaying() else _RunMessages(*arguments, **options)


_REPLACED: tuple[tuple[Any, str, Any], ...] = (
    (ServiceClient, "_send_server_request", _send),
    (InterfaceSock, "_publish", _publish),
    (InterfaceSock, "_deliver", _deliver),
    (ServiceConnection, "api_request", _api_request),
    (mailbox.Mailbox, "_new_address", _new_address),
    (mailbox, "MailboxResponseHandle", _Handle),
    (wandb_init, "wait_with_progress", _wait_without_progress),
    (wandb_run, "wait_with_progress", _wait_without_progress),
    (wandb_run, "RunStatusChecker", _run_status_checker),
    (run_messages, "RunMessages", _run_messages),
)
