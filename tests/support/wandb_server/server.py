"""Start and stop the stand-in, and tell clients how to reach it."""

from __future__ import annotations

import socket
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import uvicorn
from starlette.types import Scope
from typing_extensions import Self

from .app import Service
from .assumptions import Assumptions
from .execution import engine
from .faults import Fault, Trouble
from .journal import Match, Request
from .rate_limit import RateLimit
from .resolvers import Site
from .state import State
from .store import Store

_SCHEMA = Path(__file__).with_name("schema.graphql")
_START_SECONDS = 10
# Forty characters, as long as a real key.
API_KEY = "5ca1ab1e" * 5


class WandbServer:
    """A stand-in for the W&B server on loopback; a context manager."""

    def __init__(
        self,
        *,
        entities: tuple[str, ...] = ("acme",),
        assumptions: Assumptions | None = None,
        port: int = 0,
    ) -> None:
        self.entities = entities
        self.api_key = API_KEY
        self._socket = socket.create_server(("127.0.0.1", port))
        # Connections inherit it. asyncio would set it, but only for sockets that name TCP; and
        # without it a reply waits up to 40 ms for the acknowledgement of its own headers.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port: int = self._socket.getsockname()[1]
        self.base_url = f"http://127.0.0.1:{self.port}"
        self._folder = tempfile.TemporaryDirectory(prefix="wandb-server-")
        self._store = Store(entities, assumptions or Assumptions(), Path(self._folder.name))
        site = Site(self._store, self.base_url)
        self._service = Service(site, API_KEY, engine(_SCHEMA), self._cut_connection)
        self._uvicorn = uvicorn.Server(_config(self._service))
        self._thread = threading.Thread(target=self._serve, name="wandb-server", daemon=True)
        self.state = State(self._store)

    # Start and stop

    def start(self) -> Self:
        """Return once requests are answered."""
        self._thread.start()
        give_up = time.monotonic() + _START_SECONDS
        while not self._uvicorn.started:
            if time.monotonic() > give_up or not self._thread.is_alive():
                raise RuntimeError("the W&B stand-in did not start")
            time.sleep(0.002)
        return self

    def stop(self) -> None:
        """Close every connection and forget everything."""
        self._service.faults.clear()
        self._uvicorn.should_exit = True
        self._uvicorn.force_exit = True
        if self._thread.is_alive():
            self._thread.join()
        self._socket.close()
        self._folder.cleanup()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _serve(self) -> None:
        self._uvicorn.run(sockets=[self._socket])

    @property
    def sockets(self) -> list[Any]:
        """The sockets of the connections that are open."""
        open_now: list[Any] = list(self._uvicorn.server_state.connections)
        return [item.transport.get_extra_info("socket") for item in open_now if item.transport]

    def _cut_connection(self, scope: Scope) -> None:
        for connection in list(self._uvicorn.server_state.connections):
            peer: Any = connection
            if peer.client == scope["client"] and peer.transport is not None:
                # Without this uvicorn would complain that nothing was answered.
                peer.cycle.disconnected = True
                peer.transport.abort()

    def make_registry(self, name: str, *, organization: str = "Acme Inc") -> str:
        """Make a registry of the organization that all teams belong to; return its project."""
        entity = f"{organization.lower().replace(' ', '-')}-org"
        with self._store.lock:
            teams = self.entities
            self._store.organizations.update(dict.fromkeys(teams, (organization, entity)))
            self._store.entities = (*teams, entity)
            return self._store.make_project(entity, f"wandb-registry-{name}").path

    # Clients

    def env(self, folder: Path) -> dict[str, str]:
        """Return the environment of a client that writes below a folder and nowhere else."""
        home = folder / "home"
        locations = {
            "HOME": home,
            "WANDB_DIR": folder,
            "WANDB_DATA_DIR": folder / "data",
            "WANDB_CACHE_DIR": folder / "cache",
            "WANDB_CONFIG_DIR": folder / "config",
            "WANDB_ARTIFACT_DIR": folder / "artifacts",
            "XDG_CACHE_HOME": home / ".cache",
            "XDG_CONFIG_HOME": home / ".config",
            "XDG_DATA_HOME": home / ".local" / "share",
        }
        for location in locations.values():
            location.mkdir(parents=True, exist_ok=True)
        return {
            "WANDB_BASE_URL": self.base_url,
            "WANDB_API_KEY": self.api_key,
            "WANDB_ERROR_REPORTING": "false",
            "WANDB_SILENT": "true",
            "NETRC": str(home / ".netrc"),
            **{name: str(target) for name, target in locations.items()},
        }

    # What was asked

    @property
    def requests(self) -> list[Request]:
        """Return all requests so far, oldest first."""
        return self._service.journal.requests()

    @property
    def requests_without_metrics(self) -> list[Request]:
        """Return them without a wandb-core's metrics of itself, which come when it likes."""
        return [request for request in self.requests if not request.path.startswith("/sdk/otel/")]

    def requests_of(self, match: Match) -> list[Request]:
        """Return the requests of a kind, of a GraphQL operation, or for which a predicate holds."""
        return self._service.journal.requests(match)

    def count(self, match: Match) -> int:
        """Return the number of such requests."""
        return len(self.requests_of(match))

    def clear_requests(self) -> None:
        """Forget the requests so far; the state stays."""
        self._service.journal.clear()

    def wait_for(self, match: Match, times: int = 1, timeout: float = 30.0) -> list[Request]:
        """Return such requests as soon as there are that many; TimeoutError if not in time."""
        return self._service.journal.wait_for(match, times, timeout)

    @property
    def surprises(self) -> list[str]:
        """Return what clients asked for that this stand-in does not know, or choked on."""
        return [
            f"{r.operation or r.path}: {r.error}"
            for r in self.requests
            if r.kind == "other" or _is_unknown(r) or _is_bug(r)
        ]

    @property
    def uploaded_bytes(self) -> int:
        """Return the number of bytes of all uploads so far."""
        with self._store.lock:
            return self._store.uploaded_bytes

    # What shall go wrong

    @property
    def latency(self) -> float:
        """Return the seconds that every request waits."""
        return self._service.latency

    @latency.setter
    def latency(self, seconds: float) -> None:
        self._service.latency = seconds

    @property
    def store(self) -> Store:
        """Return what is kept, to damage it."""
        return self._store

    @property
    def rows_at_once(self) -> int | None:
        """Return into how many rows each file stream request is cut; None: it is not.

        Each part is a request of its own, as if the client had sent its rows as they came.
        """
        return self._service.rows_at_once

    @rows_at_once.setter
    def rows_at_once(self, number: int | None) -> None:
        self._service.rows_at_once = number

    @property
    def assumptions(self) -> Assumptions:
        """Return the choices made where the real server's behaviour is not known."""
        return self._store.assumptions

    @assumptions.setter
    def assumptions(self, assumptions: Assumptions) -> None:
        with self._store.lock:
            self._store.assumptions = assumptions

    def limit_rate(self, requests: int, seconds: float, *, retry_after: bool = True) -> RateLimit:
        """Allow so many requests within so many seconds, and say in each answer how many are left.

        Uploads and downloads are not counted.
        """
        self._service.rate_limit = RateLimit(requests, seconds, retry_after)
        return self._service.rate_limit

    def fail(  # noqa: PLR0913 - they say what the failure is
        self,
        match: Match,
        status: int = 500,
        times: int | None = 1,
        *,
        after: int = 0,
        retry_after: float | None = None,
        message: str = "planned failure",
    ) -> Fault:
        """Answer matching requests with an error status, nothing done."""
        fault = Fault(match, Trouble.FAIL, times, after, status=status, retry_after=retry_after)
        fault.message = message
        return self._service.faults.add(fault)

    def answer(
        self, match: Match, status: int, body: bytes, kind: str, times: int | None = 1
    ) -> Fault:
        """Answer matching requests with a body of any kind, nothing done."""
        fault = Fault(match, Trouble.FAIL, times, status=status, body=(body, kind))
        return self._service.faults.add(fault)

    def null(self, match: Match, times: int | None = 1, *, after: int = 0) -> Fault:
        """Answer matching GraphQL requests with null for each thing asked for, nothing done."""
        return self._service.faults.add(Fault(match, Trouble.NULL, times, after))

    def delay(
        self, match: Match, seconds: float, times: int | None = 1, *, after: int = 0
    ) -> Fault:
        """Answer matching requests late."""
        return self._service.faults.add(Fault(match, Trouble.DELAY, times, after, seconds=seconds))

    def cut(self, match: Match, times: int | None = 1, *, after: int = 0) -> Fault:
        """Close the connection of matching requests, nothing done."""
        return self._service.faults.add(Fault(match, Trouble.CUT, times, after))

    def lose_reply(self, match: Match, times: int | None = 1, *, after: int = 0) -> Fault:
        """Do what matching requests ask for, then close the connection without a reply."""
        return self._service.faults.add(Fault(match, Trouble.LOSE_REPLY, times, after))

    def hold(self, match: Match, times: int | None = 1, *, after: int = 0) -> Fault:
        """Keep matching requests waiting, nothing done, until the fault is released."""
        return self._service.faults.add(Fault(match, Trouble.HOLD, times, after))

    def hold_reply(self, match: Match, times: int | None = 1, *, after: int = 0) -> Fault:
        """Do what matching requests ask for, but let the reply wait until it is released."""
        return self._service.faults.add(Fault(match, Trouble.HOLD_REPLY, times, after))

    def clear_faults(self) -> None:
        """Forget all faults and let go on what is held."""
        self._service.faults.clear()


def _is_unknown(request: Request) -> bool:
    return request.kind == "graphql" and (
        "Cannot query field" in request.error
        or "Unknown argument" in request.error
        or "unknown field" in request.error
        or "Unknown type" in request.error
    )


def _is_bug(request: Request) -> bool:
    return request.status == 500 and "planned failure" not in request.error


def _config(service: Service) -> uvicorn.Config:
    return uvicorn.Config(
        service.application(),
        log_level="warning",
        access_log=False,
        lifespan="off",
        loop="asyncio",
        http="httptools",
        ws="none",
        server_header=False,
        timeout_graceful_shutdown=1,
    )
