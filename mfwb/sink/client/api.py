"""Client of W&B's public Api: one wandb-core for the whole call, restarted if it ends."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import wandb

from mfwb.deadlines import run_within
from mfwb.errors import Refused, SinkError
from mfwb.planning.names import split_project_path
from mfwb.request_budget import RequestBudget
from mfwb.sink.client.private import CORE_DEATHS, FAILURES, surround_requests
from mfwb.sink.client.process_wide import new_api
from mfwb.sink.client.refusals import is_access_denied
from mfwb.sink.client.retry_budget import RetryBudget
from mfwb.sink.client.version_reads import VersionReads

__all__ = ["ApiClient", "refused_error"]

T = TypeVar("T")

_REQUEST_TIMEOUT = 19  # for a single request
_MAX_CORE_STARTS = 5  # of wandb-core in one call; what ends it that often always ends it


def refused_error(project_path: str, why: object) -> Refused:
    """Return the error for a project that the credentials give no access to."""
    return Refused(
        f"W&B refuses {project_path}: {why}; check the entity and the project, and that the API "
        "key may write there"
    )


class ApiClient:
    """W&B's public Api with retries, for any number of threads."""

    def __init__(
        self,
        base_url: str,
        retry_budget: RetryBudget,
        request_budget: RequestBudget | None = None,
    ) -> None:
        self.base_url = base_url
        self._request_budget = request_budget or RequestBudget()
        self.retry_budget = retry_budget
        self._apis: dict[str, wandb.Api] = {}
        self._version_reads: dict[str, VersionReads] = {}
        self._core_restarts = 0
        self._lock = threading.RLock()

    def call(self, project_path: str, request: Callable[[wandb.Api], T], purpose: str) -> T:
        """Return the result of a request about a project.

        Args:
            project_path: `entity/project`.
            request: sends the request; it may be called more than once.
            purpose: for the error message, as in "list its runs".

        Raises:
            Refused: the credentials give no access to the project.
            SinkError: W&B can't answer.
        """
        entity, _ = split_project_path(project_path)
        while True:
            core_restarts = self.core_restarts
            try:
                return self.retry_budget.attempt(lambda: request(self._api(entity)), purpose)
            except SinkError as error:
                if error.__cause__ is not None and is_access_denied(error.__cause__):
                    raise refused_error(project_path, error) from error.__cause__
                raise
            except CORE_DEATHS as error:
                if not self.restart_core(core_restarts):
                    raise SinkError(
                        f"can't {purpose}: wandb-core keeps ending unexpectedly"
                    ) from error

    @property
    def core_restarts(self) -> int:
        """The number of restarts of wandb-core: after each one, open runs and Apis are lost."""
        return self._core_restarts

    def restart_core(self, core_restarts: int) -> bool:
        """Restart wandb-core unless another thread has done so; return whether that may help.

        Args:
            core_restarts: the number of restarts before the failed request.
        """
        with self._lock:
            if core_restarts != self._core_restarts:
                return True
            if self._core_restarts + 1 >= _MAX_CORE_STARTS:
                return False
            self._core_restarts += 1
            self._apis.clear()
            self._version_reads.clear()
            with suppress(*FAILURES):  # teardown complains that the process is gone
                run_within(self.retry_budget.wait_limit, wandb.teardown, "wandb-core")
            return True

    def note_commit(self) -> None:
        """Note that mfwb has committed an artifact; else wandb-core does, and that is counted."""
        self._request_budget.note_run(-1)

    def version_reads(self, project_path: str) -> VersionReads:
        """Return what reads the versions that a project gets; another one after a restart."""
        entity, _ = split_project_path(project_path)
        with self._lock:
            if entity not in self._version_reads:
                self._version_reads[entity] = VersionReads(self._api(entity))
            return self._version_reads[entity]

    def _api(self, entity: str) -> wandb.Api:
        with self._lock:
            if entity not in self._apis:
                overrides = {"base_url": self.base_url, "entity": entity}
                with self._request_budget.single():  # it asks who is logged in
                    api = new_api(overrides, timeout=_REQUEST_TIMEOUT)
                self._request_budget.note_sent(1)  # the first question what the server can do
                surround_requests(api, self._request_budget.single)
                self._apis[entity] = api
            return self._apis[entity]
