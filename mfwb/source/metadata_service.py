"""Requests to Metaflow's metadata service, with retries and time limits.

Metaflow 2.19.39 waits for an answer without a time limit; retries for half a minute if a service
refuses the connection, and never if it answers 500; ignores Ctrl-C meanwhile; takes a login page
for a damaged record, and a missing list for an empty one. So its own retries are switched off and
done here. This module changes private attributes of Metaflow; the contract test is in
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

from mfwb.deadlines import run_within
from mfwb.errors import MfwbError, SourceError, Unreachable
from mfwb.operations import note_operation
from mfwb.ports import Progress
from mfwb.source.answer_shapes import describe_non_list, describe_non_record
from mfwb.system_errors import root_cause

__all__ = ["ServiceError", "retrying_service"]

_CONNECTING, _ANSWERING = 10.0, 60.0  # seconds, for a single try
_FIRST_PAUSE = 0.5  # seconds; doubled from try to try
_REST = 30.0  # seconds after a failure in which nothing is tried twice
# HTTP statuses; from 500 on, the service itself is at fault.
_TOO_MANY_REQUESTS, _SERVER_ERROR = 429, 500
_OK_BELOW, _NOT_FOUND = 300, 404
_CLIENT_ERROR = 400
_NAME = "Metaflow's service"  # in notifications
_PING = "/ping"
_LIST = re.compile(
    r"/flows(/[^/]+/runs(/[^/]+/steps(/[^/]+/tasks(/[^/]+/(\w+|attempt/\d+/artifacts))?)?)?)?"
)
"""Paths of lists. An existing object has each of its lists, even if the list is empty."""

_METADATA_OF_RUN = re.compile(r"/flows/[^/]+/runs/[^/]+/metadata")
"""The path of a list that another service may lack."""

_LIST_OF_RUNS = "/runs"  # the list of a flow's runs: a damaged run fails by itself


class ServiceError(Exception):
    """The service gave no usable answer; the text is the reason, without the service's name.

    Attributes:
        is_outage: whether the service can't be used at all now; else only this request failed.
        is_timeout: whether there was no answer at all.
    """

    def __init__(self, text: str, *, is_outage: bool, is_timeout: bool = False) -> None:
        super().__init__(text)
        self.is_outage = is_outage
        self.is_timeout = is_timeout

    def to_mfwb_error(self, requested: object, provider: str) -> MfwbError:
        """Return the error of mfwb for it."""
        if self.is_outage:
            return Unreachable(f"{provider} {self}")
        return SourceError(f"{requested} can't be read: {provider} {self}")


@contextmanager
def retrying_service(seconds: float, progress: Progress) -> Iterator[Callable[[], str | None]]:
    """Limit the time of requests to the service, and retry them if that may help.

    Yields a function that returns the problem with the last unusable answer, without the service's
    name, since the client does not report it; None if all answers were usable.

    Args:
        seconds: time limit of a single request with all its retries; METAFLOW_SERVICE_RETRY_COUNT
            is the limit of their number.
        progress: is notified while the service does not answer.
    """
    session = service_module.ServiceMetadataProvider._session  # noqa: SLF001 - no public way
    tries = service_module.SERVICE_RETRY_COUNT
    service_module.SERVICE_RETRY_COUNT = 1
    retrying = _RetryingGet(session.get, seconds, tries, progress)
    session.get = retrying.get
    try:
        yield lambda: retrying.last_problem
    finally:
        del session.get
        service_module.SERVICE_RETRY_COUNT = tries


class _RetryingGet:
    """Sends and retries the requests of one call; safe to use from several threads."""

    def __init__(
        self,
        get: Callable[..., requests.Response],
        seconds: float,
        tries: int,
        progress: Progress,
    ) -> None:
        self._get = get
        self._seconds = seconds
        self._tries = max(1, tries)
        self._progress = progress
        self._is_connected = False  # it has answered, and nothing is tried again
        self.last_problem: str | None = None
        self._has_answered = False  # at least once, with a usable answer
        self._resting_until = float("-inf")
        self._lock = threading.Lock()

    def get(self, url: str, **options: Any) -> requests.Response:
        """Return the answer, as `requests.Session.get` does; ServiceError if there is none."""
        deadline = time.monotonic() + self._seconds
        pause = _FIRST_PAUSE
        bad_answer: ServiceError | None = None  # the last unusable answer
        if not self._is_connected:
            self._progress.connecting(_NAME, 0)
        failed = 0
        while True:
            try:
                return self._get_once(url, deadline - time.monotonic(), **options)
            except ServiceError as error:
                last = bad_answer if bad_answer and error.is_timeout else error
                bad_answer = bad_answer if error.is_timeout else error
            failed += 1
            self._is_connected = False
            is_last = failed == self._tries or time.monotonic() + pause > deadline
            if is_last or self._is_resting():
                break
            self._progress.connecting(_NAME, failed)
            time.sleep(pause)
            pause *= 2
        with self._lock:
            self._resting_until = time.monotonic() + _REST
            self.last_problem = str(last)
        raise last from None

    def _is_resting(self) -> bool:
        with self._lock:
            return time.monotonic() < self._resting_until

    def _get_once(self, url: str, seconds: float, **options: Any) -> requests.Response:
        limits = min(_CONNECTING, seconds), min(_ANSWERING, seconds)
        began = time.monotonic()
        try:
            # The timeout of requests applies to each byte of an answer, not to the whole answer.
            get = partial(self._get, url, timeout=limits, **options)
            response = run_within(seconds, get, "")
        except requests.ReadTimeout:
            text = f"did not answer within {limits[1]:.0f} s"
            note_operation("metadata service", f"GET {_path_of(url)}: {text}")
            raise self._no_answer(text) from None
        except Unreachable as error:
            raise self._no_answer(str(error).strip()) from None
        except requests.RequestException as error:
            note_operation("metadata service", f"GET {_path_of(url)}: {root_cause(error)}")
            raise ServiceError(f"can't be reached: {root_cause(error)}", is_outage=True) from None
        status = response.status_code
        note_operation(
            "metadata service", f"GET {_path_of(url)}: {status}", time.monotonic() - began
        )
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
        if not self._is_connected:
            self._is_connected = True
            self._progress.connected(_NAME)
        return response

    def _no_answer(self, text: str) -> ServiceError:
        return ServiceError(text, is_outage=not self._has_answered, is_timeout=True)

    def _check_answer(self, response: requests.Response, path: str) -> None:
        """Raise ServiceError if an answer can't come from a metadata service."""
        try:
            value = response.json()
        except (ValueError, RecursionError):
            if "json" in response.headers.get("Content-Type", ""):
                return  # only this record is damaged; the client raises an error for it
            kind = response.headers.get("Content-Type", "something else")
            text = f"answers with {kind}, not as a metadata service does; is a login needed?"
            raise ServiceError(text, is_outage=True) from None
        is_list = any(form.fullmatch(path) for form in (_LIST, _METADATA_OF_RUN))
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
    """Return the path of the request below the base URL of the service, for example `/flows/F`."""
    base = service_module.ServiceMetadataProvider.INFO or ""
    return url.removeprefix(base.rstrip("/")) if base else urlsplit(url).path
