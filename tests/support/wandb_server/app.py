"""The routes of a W&B server, and what happens to every request on its way."""

from __future__ import annotations

import asyncio
import base64
import binascii
import gzip
import json
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import Scope

from . import artifacts, runs
from .blobs import Blob, BlobWriter
from .execution import Engine, asked_for
from .faults import Fault, FaultPlan, Trouble
from .journal import Incoming, Journal, Kind, Request
from .rate_limit import RateLimit
from .refusal import Refusal
from .resolvers import MutationRoot, QueryRoot, Site

_OPERATION = re.compile(r"^\s*(?:#graphql\s*)?(?:query|mutation)\s+(\w+)", re.MULTILINE)
_HOLD_CHECK_SECONDS = 0.005
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_OPEN_KINDS = ("upload", "download")  # their addresses are signed on a real server

Deed = Callable[[], Awaitable[Response]]


class _ConnectionCut(Exception):  # noqa: N818 - not an error: the outcome that was planned
    """The client shall see the connection break."""


@dataclass(slots=True)
class Service:
    """Everything a request needs on its way to an answer."""

    site: Site
    api_key: str
    engine: Engine
    cut_connection: Callable[[Scope], None]
    journal: Journal = field(default_factory=Journal)
    faults: FaultPlan = field(default_factory=FaultPlan)
    latency: float = 0.0
    rows_at_once: int | None = None
    rate_limit: RateLimit | None = None

    def application(self) -> Starlette:
        """Return the routes."""
        return Starlette(
            routes=[
                Route("/graphql", self.graphql, methods=["POST"]),
                Route(
                    "/files/{entity}/{project}/{run}/file_stream",
                    self.file_stream,
                    methods=["POST"],
                ),
                Route("/upload/{kind}/{node:str}/{name:path}", self.upload, methods=["PUT"]),
                Route("/download/{kind}/{node:str}/{name:path}", self.download, methods=["GET"]),
                Route("/artifactsV2/{place:path}", self.artifact_by_digest, methods=["GET"]),
                Route("/{anything:path}", self.unknown, methods=list(_METHODS)),
            ],
            exception_handlers={ClientDisconnect: _nobody_listens},
        )

    async def graphql(self, request: HttpRequest) -> Response:
        """Answer a GraphQL request."""
        body = json.loads(await request.body())
        text, variables = body["query"], body.get("variables") or {}
        named = _OPERATION.search(text)
        operation = body.get("operationName") or (named[1] if named else "")
        incoming = Incoming("graphql", operation, variables, request.url.path, text=text)

        async def deed() -> Response:
            with self.site.store.lock:
                query, mutation = QueryRoot(self.site), MutationRoot(self.site)
                answer = self.engine.answer(text, variables, query, mutation)
            return _json(answer.body, answer.status)

        return await self._answer(request, incoming, deed)

    async def file_stream(self, request: HttpRequest) -> Response:
        """Take rows, lines and the end of a run."""
        data = await request.body()
        if request.headers.get("content-encoding") == "gzip":
            data = gzip.decompress(data)
        for part in runs.parts_of(json.loads(data), self.rows_at_once):
            response = await self._take(request, part)
            if response.status_code != 200 or await request.is_disconnected():
                break
        return response

    async def _take(self, request: HttpRequest, body: Mapping[str, Any]) -> Response:
        incoming = Incoming("file_stream", "", body, request.url.path)
        names = request.path_params

        async def deed() -> Response:
            with self.site.store.lock:
                run = self.site.store.run(names["entity"], names["project"], names["run"])
                runs.stream(self.site.store, run, body)
            return _json({"exitcode": None, "limits": {}})

        return await self._answer(request, incoming, deed)

    async def upload(self, request: HttpRequest) -> Response:
        """Take the bytes of a file."""

        async def deed() -> Response:
            blob = await self._receive(request)
            announced = request.headers.get("content-md5")
            if announced and announced != blob.md5_base64:
                raise Refusal(400, "the MD5 of the body is not the announced one")
            with self.site.store.lock:
                self.site.store.uploaded_bytes += blob.size
                self._keep(request, blob)
            return Response(headers={"ETag": f'"{blob.md5_hex}"'})

        return await self._answer(request, _incoming("upload", request), deed)

    async def _receive(self, request: HttpRequest) -> Blob:
        writer = BlobWriter(self.site.store.folder)
        async for piece in request.stream():
            writer.write(piece)
        return writer.close()

    def _keep(self, request: HttpRequest, blob: Blob) -> None:
        store, names = self.site.store, request.path_params
        if names["kind"] == "run":
            runs.put_file(store.run_by_id(names["node"]), names["name"], blob)
        elif names["kind"] == "artifact":
            artifacts.put_file(store.version(names["node"]), names["name"], blob)
        elif names["node"] in store.manifests:
            artifacts.put_manifest(store.manifests[names["node"]], blob)
        else:
            raise Refusal(404, "there is nothing to upload here")

    async def download(self, request: HttpRequest) -> Response:
        """Give the bytes of a file."""

        async def deed() -> Response:
            with self.site.store.lock:
                blob = self._kept(request)
            return _bytes(blob)

        return await self._answer(request, _incoming("download", request), deed)

    def _kept(self, request: HttpRequest) -> Blob | None:
        store, names = self.site.store, request.path_params
        if names["kind"] == "run":
            return store.run_by_id(names["node"]).files.get(names["name"])
        if names["kind"] == "artifact":
            return store.version(names["node"]).files.get(names["name"])
        manifest = store.manifests.get(names["node"])
        return manifest.blob if manifest else None

    async def artifact_by_digest(self, request: HttpRequest) -> Response:
        """Give the bytes of an artifact's file, asked for by artifact and digest."""
        *_, artifact_id, _birth, digest, _name = request.path_params["place"].split("/")

        async def deed() -> Response:
            with self.site.store.lock:
                files = self.site.store.version(artifact_id).files.values()
                blob = next((blob for blob in files if blob.md5_hex == digest), None)
            return _bytes(blob)

        return await self._answer(request, _incoming("download", request), deed, open_to_all=False)

    async def unknown(self, request: HttpRequest) -> Response:
        """Answer what no route answers."""

        async def deed() -> Response:
            raise Refusal(404, f"{request.method} {request.url.path} is not known")

        return await self._answer(request, _incoming("other", request), deed)

    async def _answer(
        self,
        request: HttpRequest,
        incoming: Incoming,
        deed: Deed,
        *,
        open_to_all: bool | None = None,
    ) -> Response:
        """Carry out a request, with all that is planned to go wrong, and note it."""
        arrived = time.monotonic()
        response: Response | None = None
        is_open = incoming.kind in _OPEN_KINDS if open_to_all is None else open_to_all
        try:
            if self.latency:
                await asyncio.sleep(self.latency)
            allowed, headers = (
                self.rate_limit.take(incoming.kind) if self.rate_limit else (True, {})
            )
            if not allowed:
                await request.body()
                response = _json({"errors": [{"message": "rate limit exceeded"}]}, 429)
                response.headers.update(headers)
                return response
            faults = self.faults.take(incoming)
            response = await self._through(
                faults, deed if is_open else self._guarded(request, deed), incoming
            )
            response.headers.update(headers)
        except Refusal as refusal:
            response = _json({"errors": [{"message": refusal.message}]}, refusal.status)
        except (_ConnectionCut, ClientDisconnect):
            self.cut_connection(request.scope)
        finally:
            self._note(request, incoming, response, arrived)
        # After a cut nobody reads this any more, but the framework wants an answer.
        return response or Response(status_code=500)

    async def _through(self, faults: list[Fault], deed: Deed, incoming: Incoming) -> Response:
        for fault in faults:
            await _pause(fault)
        last = faults[-1] if faults else None
        if last and last.trouble is Trouble.CUT:
            raise _ConnectionCut
        if last and last.trouble is Trouble.FAIL:
            return _failed(last)
        if last and last.trouble is Trouble.NULL:
            return _json({"data": dict.fromkeys(asked_for(incoming.text))})
        response = await deed()
        if last and last.trouble is Trouble.LOSE_REPLY:
            raise _ConnectionCut
        if last and last.trouble is Trouble.HOLD_REPLY:
            await _released(last)
        return response

    def _guarded(self, request: HttpRequest, deed: Deed) -> Deed:
        async def refuse() -> Response:
            # A body that nobody reads would look like a broken connection to the client.
            await request.body()
            raise Refusal(401, "invalid API key")

        return deed if self._may(request) else refuse

    def _may(self, request: HttpRequest) -> bool:
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return False
        try:
            user, _, key = base64.b64decode(credentials).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return False
        return user == "api" and key == self.api_key

    def _note(
        self, request: HttpRequest, incoming: Incoming, response: Response | None, arrived: float
    ) -> None:
        status = response.status_code if response is not None else None
        error = ""
        if response is not None and response.status_code >= 400:
            error = bytes(response.body).decode()
        sent = int(request.headers.get("content-length") or 0)
        seconds = time.monotonic() - arrived
        self.journal.note(Request(incoming, status, error, sent, arrived, seconds))


async def _nobody_listens(_request: HttpRequest, _error: Exception) -> Response:
    # A client that is killed while it asks is nothing to complain about.
    return Response(status_code=500)


def _incoming(kind: Kind, request: HttpRequest) -> Incoming:
    return Incoming(kind, "", {}, request.url.path, request.method)


async def _pause(fault: Fault) -> None:
    if fault.trouble is Trouble.DELAY:
        await asyncio.sleep(fault.seconds)
    if fault.trouble is Trouble.HOLD:
        await _released(fault)


async def _released(fault: Fault) -> None:
    # By another thread, so there is no event of this loop to wait for.
    while not fault.released:  # noqa: ASYNC110
        await asyncio.sleep(_HOLD_CHECK_SECONDS)


def _failed(fault: Fault) -> Response:
    if fault.body is None:
        response: Response = _json({"errors": [{"message": fault.message}]}, fault.status)
    else:
        content, kind = fault.body
        response = Response(content, fault.status, media_type=kind)
    if fault.retry_after is not None:
        response.headers["Retry-After"] = f"{fault.retry_after:g}"
    return response


def _json(body: object, status: int = 200) -> Response:
    return JSONResponse(body, status_code=status)


def _bytes(blob: Blob | None) -> Response:
    if blob is None:
        raise Refusal(404, "there is no such file")
    if isinstance(blob.content, Path):
        return FileResponse(blob.content)
    return Response(blob.content, media_type="application/octet-stream")
