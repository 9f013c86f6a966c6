"""Claims of W&B runs: one sync only writes a run, even if two machines start at the same time.

W&B's answer to each request to create a run shows whether it created one. So of two syncs, one
gets the run, and the other waits until the first has finished or shows no sign of life.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from mfwb.config import OnDeleted
from mfwb.errors import SinkError
from mfwb.planning import WandbRunId
from mfwb.sink.client.api import ApiClient, refused_error
from mfwb.sink.client.batches import Batches
from mfwb.sink.client.mutations import Mutation, mutate
from mfwb.sink.client.private import CORE_EXIT_SECONDS, http_status
from mfwb.sink.client.responses import require
from mfwb.sink.server.existing_runs import ExistingRun, ExistingRuns
from mfwb.sink.server.ownership import HasProject, RunIdentity
from mfwb.sink.server.run_generations import generation_of, id_in_generation

__all__ = ["Claim", "ClaimRequests", "Claims"]

_CLAIM = Mutation(
    "MfwbClaimRun",
    "upsertBucket",
    {
        "entity": "String",
        "project": "String",
        "name": "String!",
        "displayName": "String",
        "groupName": "String",
    },
    """input: {
        entityName: $entity, modelName: $project, name: $name,
        displayName: $displayName, groupName: $groupName
    }""",
    "{ inserted }",
)
"""The request sets nothing that another sync of the same flow run would set otherwise.

It leaves out the job type, which shows that wandb-core's first request has arrived.
"""

_POLL_SECONDS = 2.0  # seconds
_MAX_SILENCE = 45.0  # seconds; wandb-core gives a sign of life every 30 while a run is open
_MAX_SILENCE_OF_EMPTY = 10.0  # seconds; a sync takes about one between claim and first request
_PROCESS_STARTED = time.monotonic()


class _ClaimResult(Enum):
    CREATED = "made"
    EXISTS = "there"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to write a W&B run.

    Attributes:
        id: the id to write it under; None if it was deleted and stays deleted.
        is_new: whether W&B has nothing of it yet.
    """

    id: WandbRunId | None
    is_new: bool = False


class ClaimRequests:
    """The requests to create W&B runs of one project, several in one; thread-safe."""

    def __init__(self, client: ApiClient, path: str) -> None:
        """Start with no request.

        Args:
            client: of W&B.
            path: `entity/project`.
        """
        self._client = client
        self._path = path
        self._batches = Batches(self._send)

    def send(self, variables: Mapping[str, Any]) -> bool:
        """Return whether W&B has created a run just now; SinkError.

        If the request of several claims fails, each is sent again. One that W&B had carried out
        then reads as that of another sync, for which this one waits.
        """
        return self._batches.request(variables)

    def _send(self, claims: Sequence[Mapping[str, Any]]) -> list[bool]:
        name, others = claims[0]["displayName"], len(claims) - 1
        return self._client.call(
            self._path,
            lambda api: [
                bool(require(answer, "inserted")) for answer in mutate(api, _CLAIM, claims)
            ],
            f"make {name}" + (f" and {others} more" if others else ""),
        )


class Claims:
    """Claim W&B runs of one project."""

    def __init__(  # noqa: PLR0913 - what was deleted, and what others share
        self,
        plan: HasProject,
        existing_runs: ExistingRuns,
        client: ApiClient,
        *,
        writer: str,
        on_deleted: OnDeleted,
        forgotten: Collection[str] = (),
        requests: ClaimRequests | None = None,
    ) -> None:
        self._plan = plan
        self._existing_runs = existing_runs
        self._client = client
        self.writer = writer
        self._on_deleted = on_deleted
        self._forgotten = frozenset(forgotten)
        self._requests = requests or ClaimRequests(client, existing_runs.path)

    def claim(self, run: RunIdentity, *, was_written: bool) -> Claim:
        """Return the right to write a W&B run; SinkError if another sync keeps it.

        Args:
            run: the planned run.
            was_written: whether an earlier sync wrote it: if it does not exist, it was deleted.
        """
        existing = self._existing_runs.get(run.id)
        if existing is not None:
            self._wait_for_others(run, existing)
            return Claim(existing.id)
        if was_written and self._on_deleted != "recreate":
            return self._handle_deleted(run, run.id)
        generation = int(was_written)
        while True:
            run_id = id_in_generation(run.id, generation)
            result = self._send_claim(run, run_id)
            if result is _ClaimResult.CREATED:
                return Claim(run_id, is_new=True)
            if result is _ClaimResult.EXISTS:
                return self._claim_after_others(run)
            if self._on_deleted != "recreate" and run_id not in self._forgotten:
                return self._handle_deleted(run, run_id)
            generation = generation_of(run_id) + 1

    def _handle_deleted(self, run: RunIdentity, run_id: WandbRunId) -> Claim:
        if self._on_deleted == "fail":
            raise SinkError(
                f"{run.name} was deleted in W&B (its id is {run_id}); use --on-deleted skip to "
                "exclude it, or recreate to write it again"
            )
        return Claim(None)

    def _claim_after_others(self, run: RunIdentity) -> Claim:
        """Wait for the sync that came first, then take over the run if that sync did not finish."""
        existing = self._existing_runs.fetch([run]).get(run.id)
        if existing is None:
            raise SinkError(f"{run.name}: W&B reports that it exists, but does not list it")
        self._wait_for_others(run, existing)
        return Claim(existing.id)

    def _wait_for_others(self, run: RunIdentity, existing: ExistingRun) -> None:
        """Return when no other sync writes a W&B run any more."""
        if not existing.is_open:
            return
        if existing.writer == self.writer:  # an interrupted sync with this ledger
            self._wait_for_old_core()
            return
        began = changed = time.monotonic()
        while True:
            silence = _MAX_SILENCE_OF_EMPTY if existing.is_empty else _MAX_SILENCE
            now = time.monotonic()
            if now - changed >= silence:
                return
            if now - began >= self._client.retry_budget.seconds + _MAX_SILENCE:
                raise SinkError(f"{run.name}: another machine is still writing {existing.url}")
            time.sleep(_POLL_SECONDS)
            before = existing.sign_of_life
            reloaded = self._existing_runs.fetch([run]).get(run.id)
            if reloaded is None or not reloaded.is_open:
                return
            existing = reloaded
            if existing.sign_of_life != before:
                changed = time.monotonic()

    def _wait_for_old_core(self) -> None:
        """Return when no wandb-core of an earlier process can still be running."""
        time.sleep(max(0.0, CORE_EXIT_SECONDS - (time.monotonic() - _PROCESS_STARTED)))

    def _send_claim(self, run: RunIdentity, run_id: WandbRunId) -> _ClaimResult:
        variables = {
            "entity": self._plan.entity,
            "project": self._plan.project,
            "name": run_id,
            "displayName": run.name,
            "groupName": run.group,
        }
        try:
            inserted = self._requests.send(variables)
        except SinkError as error:
            status = http_status(error.__cause__) if error.__cause__ else None
            if status == _CONFLICT:
                return _ClaimResult.DELETED  # "previously created and deleted": for a week
            if status == _NOT_FOUND:  # the entity is missing: W&B creates projects on demand
                raise refused_error(self._existing_runs.path, error) from error.__cause__
            raise
        return _ClaimResult.CREATED if inserted else _ClaimResult.EXISTS


_CONFLICT, _NOT_FOUND = 409, 404
