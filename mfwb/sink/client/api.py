"""The way to W&B: one wandb-core for the whole call, started again if it dies."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import wandb

from mfwb.deadlines import within
from mfwb.errors import Refused, SinkError
from mfwb.sink.client.private import CORE_DEATHS, FAILURES
from mfwb.sink.client.process_wide import new_api
from mfwb.sink.client.refusals import is_access_denied
from mfwb.sink.client.retry_budget import RetryBudget

__all__ = ["Service", "refused_error"]

T = TypeVar("T")

_ANSWER_SECONDS = 19  # for a single request
_LIVES = 5  # of wandb-core in one call; what kills it that often kills it always


def refused_error(place: str, why: object) -> Refused:
    """Return the error that says that W&B lets nobody in there."""
    return Refused(
        f"W&B refuses {place}: {why}; is that the entity and the project, and may the API key "
        "write there?"
    )


class Service:
    """W&B's public Api, patiently asked, by any number of threads."""

    def __init__(self, base_url: str, patience: RetryBudget) -> None:
        self.base_url = base_url
        self.patience = patience
        self._apis: dict[str, wandb.Api] = {}
        self._life = 0
        self._lock = threading.RLock()

    def ask(self, place: str, question: Callable[[wandb.Api], T], what: str) -> T:
        """Return what a question about a project's things is answered.

        Args:
            place: `entity/project`.
            question: may be asked more than once.
            what: for the complaint, as in "list its runs".

        Raises:
            Refused: the credentials don't hold there.
            SinkError: W&B can't answer.
        """
        entity = place.partition("/")[0]
        while True:
            life = self.life
            try:
                return self.patience.attempt(lambda: question(self._api(entity)), what)
            except SinkError as error:
                if error.__cause__ is not None and is_access_denied(error.__cause__):
                    raise refused_error(place, error) from error.__cause__
                raise
            except CORE_DEATHS as error:
                if not self.revive(life):
                    raise SinkError(f"can't {what}: wandb-core keeps dying") from error

    @property
    def life(self) -> int:
        """How often wandb-core was started again: it changes when what was open is lost."""
        return self._life

    def revive(self, life: int) -> bool:
        """Start wandb-core again if it died in that life; return whether that may help."""
        with self._lock:
            if life != self._life:
                return True
            if self._life + 1 >= _LIVES:
                return False
            self._life += 1
            self._apis.clear()
            with suppress(*FAILURES):  # it complains that what it tears down is gone
                within(self.patience.limit, wandb.teardown, "wandb-core")
            return True

    def _api(self, entity: str) -> wandb.Api:
        with self._lock:
            if entity not in self._apis:
                overrides = {"base_url": self.base_url, "entity": entity}
                self._apis[entity] = new_api(overrides, timeout=_ANSWER_SECONDS)
            return self._apis[entity]
