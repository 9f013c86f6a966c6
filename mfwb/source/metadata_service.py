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
from contextlib import contextmanager
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import requests
from metaflow.plugins.metadata_providers import service as service_module

from mfwb.deadlines import within
from mfwb.errors import MfwbError, SourceError, Unreachable
from mfwb.source.answer_shapes import describe_non_list, describe_non_record

__all__ = ["ServiceError", "retrying_service"]

_CONNECTING, _ANSWERING = 10.0, 60.0  # seconds, for a single try
_FIRST_PAUSE = 0.5  # seconds; doubled from try to try
_REST = 30.0  # seconds after a failure in which nothing is tried twice
# HTTP statuses; from 500 on, the service itself is at fault.
_TOO_MANY_REQUESTS, _SERVER_ERROR = 429, 500
_OK_BELOW, _NOT_FOUND = 300, 404
_CLIENT_ERROR = 400
_PING = "/ping"
_LIST = re.compile(
    r"/flows(/[^/]+/runs(/[^/]+/steps(/[^/]+/tasks(/[^/]+/(\w+|attempt/\d+/artifacts))?)?)?)?"
)
"""Paths of lists, which are there, if empty, where the thing is that they are about."""

_LIST_OF_RUNS = "/runs"  # the list of a flow's runs: one that is damaged fails by itself


class ServiceError(Exception):
    """The service gave no usable answer; the text says how that came, without its name.

    Attributes:
        is_outage: whether the service is of no use at all now; else it is about what was asked.
        is_timeout: whether there was no answer at all.
    """

    def __init__(self, text: str, *, is_outage: bool, is_timeout: bool = False) -> None:
        super().__init__(text)
        self.is_outage = is_outage
        self.is_timeout = is_timeout

    def to_mfwb_error(self, requested: object, provider: str) -> MfwbError:
        """Return it as an error of ours."""
        if self.is_outage:
            return Unreachable(f"{provider} {self}")
        return SourceError(f"{requested} can't be read: {provider} {self}")


@contextmanager
def retrying_service(seconds: float) -> Iterator[Callable[[], str | None]]:
    """Let requests to the service end in time, and try them again if that may help.

    Yields a function that returns what was wrong with the last answer that was of no use, without
    the service's name: the client does not say. None: all were of use.

    Args:
        seconds: for which a single request may be tried; the user's METAFLOW_SERVICE_RETRY_COUNT
            says how often.
    """
    session = service_module.ServiceMetadataProvider._session  # noqa: SLF001 - no public way
    tries = service_module.SERVICE_RETRY_COUNT
    service_module.SERVICE_RETRY_COUNT = 1
    retrying = _RetryingGet(session.get, seconds, tries)
    session.get = retrying.get
    try:
        yield lambda: retrying.last_problem
    finally:
        del session.get
        service_module.SERVICE_RETRY_COUNT = tries


class _RetryingGet:
    """Asks for one call, from several threads."""

    def __init__(self, get: Callable[..., requests.Response], seconds: float, tries: int) -> None:
        self._get = get
        self._seconds = seconds
        self._tries = max(1, tries)
        self.last_problem: str | None = None
        self._has_answered = False  # once, as it should
        self._resting_until = float("-inf")
        self._lock = threading.Lock()

    def get(self, url: str, **options: Any) -> requests.Response:
        """Return an answer as `requests.Session.get` does, if there is one; ServiceError."""
        deadline = time.monotonic() + self._seconds
        pause = _FIRST_PAUSE
        bad_answer: ServiceError | None = None  # and not as it should
        for _ in range(self._tries - 1):
            try:
                return self._get_once(url, **options)
            except ServiceError as error:
                bad_answer = bad_answer if error.is_timeout else error
            if time.monotonic() + pause > deadline or self._is_resting():
                break
            time.sleep(pause)
            pause *= 2
        try:
            return self._get_once(url, **options)
        except ServiceError as error:
            last = bad_answer if bad_answer and error.is_timeout else error
            with self._lock:
                self._resting_until = time.monotonic() + _REST
                self.last_problem = str(last)
            raise last from None

    def _is_resting(self) -> bool:
        with self._lock:
            return time.monotonic() < self._resting_until

    def _get_once(self, url: str, **options: Any) -> requests.Response:
        limits = min(_CONNECTING, self._seconds), min(_ANSWERING, self._seconds)
        try:
            # requests waits as long for each byte of an answer as for the first one.
            get = partial(self._get, url, timeout=limits, **options)
            response = within(self._seconds, get, "")
        except requests.ReadTimeout:
            text = f"did not answer within {limits[1]:.0f} s"
            raise self._no_answer(text) from None
        except Unreachable as error:
            raise self._no_answer(str(error).strip()) from None
        except requests.RequestException as error:
            raise ServiceError(f"can't be reached: {_root_cause(error)}", is_outage=True) from None
        status = response.status_code
        if status == _TOO_MANY_REQUESTS or status >= _SERVER_ERROR:
            problem = f"answered {status} {response.reason or ''}".strip()
            raise ServiceError(problem, is_outage=not self._has_answered)
        path = _path_of(url)
        if path == _PING:
            self.last_problem = (
                None if status < _CLIENT_ERROR else f"answered {status} {response.reason}"
            )
        elif status == _NOT_FOUND and _LIST.fullmatch(path) and self._has_answered:
            raise ServiceError("has no list where one must be (404)", is_outage=False)
        elif status < _OK_BELOW:
            self._check_answer(response, path)
        self._has_answered = True
        return response

    def _no_answer(self, text: str) -> ServiceError:
        return ServiceError(text, is_outage=not self._has_answered, is_timeout=True)

    def _check_answer(self, response: requests.Response, path: str) -> None:
        """Raise ServiceError if an answer is none that a metadata service gives."""
        try:
            value = response.json()
        except (ValueError, RecursionError):
            if "json" in response.headers.get("Content-Type", ""):
                return  # it is damaged, which is about what was asked; the client says so
            kind = response.headers.get("Content-Type", "something else")
            text = f"answers with {kind}, not as a metadata service does; is a login needed?"
            raise ServiceError(text, is_outage=True) from None
        is_list = _LIST.fullmatch(path) is not None
        wrong = (
            describe_non_list(value, of_records=not path.endswith(_LIST_OF_RUNS))
            if is_list
            else describe_non_record(value)
        )
        if wrong is not None:
            expected = "a list of records" if is_list else "a record"
            text = f"answered {wrong} for {path}, where {expected} must be"
            raise ServiceError(text, is_outage=not self._has_answered)


def _path_of(url: str) -> str:
    """Return the path of what was asked for, as in `/flows/F`, wherever the service has its own."""
    base = service_module.ServiceMetadataProvider.INFO or ""
    return url.removeprefix(base.rstrip("/")) if base else urlsplit(url).path


def _root_cause(error: BaseException) -> str:
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
