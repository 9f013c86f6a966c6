"""Asking Metaflow's metadata service, patiently and not for ever.

Metaflow 2.19.39 waits for an answer without an end; tries a service that refuses the connection
for half a minute, and one that answers 500 never again; swallows Ctrl-C meanwhile; takes the page
of a login for a damaged record, and a list that is not there for an empty one. So its own trying
is switched off, and done here. What is touched is private; the contract test is in
tests/integration/source.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import requests
from metaflow.plugins.metadata_providers import service as theirs

from mfwb.bounded import within
from mfwb.errors import MfwbError, SourceError, Unreachable

__all__ = ["ServiceError", "patient_service"]

_CONNECTING, _ANSWERING = 10.0, 60.0  # seconds, for a single try
_FIRST_PAUSE = 0.5  # seconds; doubled from try to try
_RESTING = 30.0  # seconds after a failure in which nothing is tried twice
_TOO_MANY, _ILL = 429, 500  # statuses; from the latter on it is the service's trouble
_OK_BELOW, _NOT_THERE = 300, 404
_LIST = re.compile(r"/flows(/[^/]+/(runs(/[^/]+/(steps(/[^/]+/(tasks(/[^/]+/\w+)?)?)?)?)?)?)?$")
"""Paths of lists, which are there, if empty, where the thing is that they are about."""


class ServiceError(Exception):
    """The service gave no usable answer; the text says how that came, without its name.

    Attributes:
        is_outage: whether the service is of no use at all now; else it is about what was asked.
    """

    def __init__(self, text: str, *, is_outage: bool) -> None:
        super().__init__(text)
        self.is_outage = is_outage

    def about(self, asked: object, provider: str) -> MfwbError:
        """Return it as an error of ours."""
        if self.is_outage:
            return Unreachable(f"{provider} {self}")
        return SourceError(f"{asked} can't be read: {provider} {self}")


@contextmanager
def patient_service(seconds: float) -> Iterator[None]:
    """Let requests to the service end in time, and try them again if that may help.

    Args:
        seconds: for which a single request may be tried; the user's METAFLOW_SERVICE_RETRY_COUNT
            says how often.
    """
    session = theirs.ServiceMetadataProvider._session  # noqa: SLF001 - there is no public way
    tries = theirs.SERVICE_RETRY_COUNT
    theirs.SERVICE_RETRY_COUNT = 1
    session.get = _Asking(session.get, seconds, tries).get
    try:
        yield
    finally:
        del session.get
        theirs.SERVICE_RETRY_COUNT = tries


class _Asking:
    """Asks for one call, from several threads."""

    def __init__(self, get: Callable[..., requests.Response], seconds: float, tries: int) -> None:
        self._get = get
        self._seconds = seconds
        self._tries = max(1, tries)
        self._has_answered = False  # once, as it should
        self._rests_until = float("-inf")
        self._lock = threading.Lock()

    def get(self, url: str, **more: Any) -> requests.Response:
        """Return an answer as `requests.Session.get` does, if there is one; ServiceError."""
        deadline = time.monotonic() + self._seconds
        pause = _FIRST_PAUSE
        for _ in range(self._tries - 1):
            with suppress(ServiceError):
                return self._answer(url, **more)
            if time.monotonic() + pause > deadline or self._rests():
                break
            time.sleep(pause)
            pause *= 2
        try:
            return self._answer(url, **more)
        except ServiceError:
            with self._lock:
                self._rests_until = time.monotonic() + _RESTING
            raise

    def _rests(self) -> bool:
        with self._lock:
            return time.monotonic() < self._rests_until

    def _answer(self, url: str, **more: Any) -> requests.Response:
        limits = min(_CONNECTING, self._seconds), min(_ANSWERING, self._seconds)
        try:
            # requests waits as long for each byte of an answer as for the first one.
            get = partial(self._get, url, timeout=limits, **more)
            response = within(self._seconds, get, "")
        except requests.ReadTimeout:
            text = f"did not answer within {limits[1]:.0f} s"
            raise ServiceError(text, is_outage=not self._has_answered) from None
        except Unreachable as error:
            raise ServiceError(str(error).strip(), is_outage=not self._has_answered) from None
        except requests.RequestException as error:
            raise ServiceError(f"can't be reached: {_root(error)}", is_outage=True) from None
        status = response.status_code
        if status == _TOO_MANY or status >= _ILL:
            said = f"answered {status} {response.reason or ''}".strip()
            raise ServiceError(said, is_outage=not self._has_answered)
        if status == _NOT_THERE and _LIST.search(urlsplit(url).path) and self._has_answered:
            raise ServiceError("has no list where one must be (404)", is_outage=False)
        if status < _OK_BELOW and not url.endswith("/ping") and not _is_json(response):
            kind = response.headers.get("Content-Type", "something else")
            text = f"answers with {kind}, not as a metadata service does; is a login needed?"
            raise ServiceError(text, is_outage=True)
        self._has_answered = True
        return response


def _is_json(response: requests.Response) -> bool:
    if "json" in response.headers.get("Content-Type", ""):
        return True  # if it is damaged, that is about what was asked
    try:
        response.json()
    except ValueError:
        return False
    return True


def _root(error: BaseException) -> str:
    """Return what is at the bottom of an error of requests, as in "Connection refused"."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.strerror:
            return seen.strerror
        reason = getattr(seen, "reason", None)
        inner = reason if isinstance(reason, BaseException) else None
        first = seen.args[0] if seen.args and isinstance(seen.args[0], BaseException) else None
        seen = inner or first or seen.__cause__ or seen.__context__
    return type(error).__name__
