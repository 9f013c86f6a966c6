"""Who writes a W&B run: one sync only, even if two machines begin with it at once.

W&B says of each request to make a run whether it made one. So of two who ask, one is told that it
did, and the other one waits until that one is done, or shows no sign of life.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import Enum

import wandb

from mfwb.config import OnDeleted
from mfwb.errors import SinkError
from mfwb.planning import WandbRunId
from mfwb.sink.client.api import ApiClient, refused_error
from mfwb.sink.client.private import CORE_EXIT_SECONDS, execute_graphql, http_status
from mfwb.sink.client.responses import expected
from mfwb.sink.server.existing_runs import ExistingRun, ExistingRuns
from mfwb.sink.server.ownership import HasProject, RunIdentity
from mfwb.sink.server.run_generations import generation_of, id_in_generation

__all__ = ["Claim", "Claims"]

_CLAIM = """
mutation MfwbClaimRun(
    $entity: String, $project: String, $name: String!,
    $displayName: String, $groupName: String
) {
    upsertBucket(input: {
        entityName: $entity, modelName: $project, name: $name,
        displayName: $displayName, groupName: $groupName
    }) { inserted }
}
"""
"""It says nothing that another sync of the same flow run would not say, too.

And not the job type: that is there as soon as what wandb-core says of the run has arrived.
"""

_LOOKS_EVERY = 2.0  # seconds
_SILENCE = 45.0  # seconds; wandb-core gives a sign of life every 30 while a run is open
_SILENCE_OF_EMPTY = 10.0  # seconds; between its claim and its first words a sync takes about one
_STARTED = time.monotonic()  # of this process


class _Answer(Enum):
    MADE = "made"
    THERE = "there"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to write a W&B run.

    Attributes:
        id: to write it under; None: it was deleted, and stays away.
        is_new: nothing is there yet.
    """

    id: WandbRunId | None
    is_new: bool = False


class Claims:
    """Claims W&B runs of one project."""

    def __init__(
        self,
        plan: HasProject,
        existing: ExistingRuns,
        client: ApiClient,
        *,
        writer: str,
        on_deleted: OnDeleted,
    ) -> None:
        self._plan = plan
        self._existing = existing
        self._client = client
        self.writer = writer
        self._on_deleted = on_deleted

    def claim(self, run: RunIdentity, *, was_there: bool) -> Claim:
        """Return the right to write a W&B run; SinkError if somebody else has it, and keeps it.

        Args:
            run: as planned.
            was_there: it was written once, so that it was deleted if it is not there now.
        """
        existing = self._existing.get(run.id)
        if existing is not None:
            self._wait_for_others(run, existing)
            return Claim(existing.id)
        if was_there and self._on_deleted != "recreate":
            return self._deleted(run, run.id)
        generation = int(was_there)
        while True:
            run_id = id_in_generation(run.id, generation)
            answer = self._ask(run, run_id)
            if answer is _Answer.MADE:
                return Claim(run_id, is_new=True)
            if answer is _Answer.THERE:
                return self._claim_of_others(run)
            if self._on_deleted != "recreate":
                return self._deleted(run, run_id)
            generation = generation_of(run_id) + 1

    def _deleted(self, run: RunIdentity, run_id: WandbRunId) -> Claim:
        if self._on_deleted == "fail":
            raise SinkError(
                f"{run.name} was deleted in W&B (its id is {run_id}); say --on-deleted skip to "
                "leave it away, or recreate to write it again"
            )
        return Claim(None)

    def _claim_of_others(self, run: RunIdentity) -> Claim:
        """Wait for those who were a moment earlier, then take what they left, if they left it."""
        self._existing.fetch([run])
        existing = self._existing.get(run.id)
        if existing is None:
            raise SinkError(f"{run.name}: W&B says that it is there, and does not list it")
        self._wait_for_others(run, existing)
        return Claim(existing.id)

    def _wait_for_others(self, run: RunIdentity, existing: ExistingRun) -> None:
        """Return when nobody else writes a W&B run any more."""
        if not existing.is_open:
            return
        if existing.writer == self.writer:  # this ledger's sync that was cut short
            self._outlive_core()
            return
        began = moved = time.monotonic()
        while True:
            silence = _SILENCE_OF_EMPTY if existing.is_empty else _SILENCE
            now = time.monotonic()
            if now - moved >= silence:
                return
            if now - began >= self._client.retry_budget.seconds + _SILENCE:
                raise SinkError(
                    f"{run.name}: another machine has been writing {existing.url} so long"
                )
            time.sleep(_LOOKS_EVERY)
            before = existing.sign_of_life
            self._existing.fetch([run])
            again = self._existing.get(run.id)
            if again is None or not again.is_open:
                return
            existing = again
            if existing.sign_of_life != before:
                moved = time.monotonic()

    def _outlive_core(self) -> None:
        """Return when no wandb-core can be left of a process that ended before this one began."""
        time.sleep(max(0.0, CORE_EXIT_SECONDS - (time.monotonic() - _STARTED)))

    def _ask(self, run: RunIdentity, run_id: WandbRunId) -> _Answer:
        variables = {
            "entity": self._plan.entity,
            "project": self._plan.project,
            "name": run_id,
            "displayName": run.name,
            "groupName": run.group,
        }

        def request(api: wandb.Api) -> _Answer:
            inserted = expected(execute_graphql(api, _CLAIM, variables), "upsertBucket", "inserted")
            return _Answer.MADE if inserted else _Answer.THERE

        try:
            return self._client.call(self._existing.path, request, f"make {run.name}")
        except SinkError as error:
            status = http_status(error.__cause__) if error.__cause__ else None
            if status == _CONFLICT:
                return _Answer.DELETED  # "previously created and deleted": for a week
            if status == _NOT_FOUND:  # the entity, since W&B makes projects as they are needed
                raise refused_error(self._existing.path, error) from error.__cause__
            raise


_CONFLICT, _NOT_FOUND = 409, 404
