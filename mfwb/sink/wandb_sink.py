"""The sink of one call to W&B's server."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from mfwb.config import Settings
from mfwb.destination import Destinations
from mfwb.errors import SinkError
from mfwb.planning import InputArtifact, Plan, PlannedRun
from mfwb.ports import (
    Destination,
    ExistingFlowRun,
    ExistingWandbRun,
    OwnRun,
    Progress,
    Session,
)
from mfwb.request_budget import RequestBudget
from mfwb.sink.client.api import ApiClient
from mfwb.sink.client.collections import Collections
from mfwb.sink.client.retry_budget import RetryBudget
from mfwb.sink.content.edits import EditRule
from mfwb.sink.online.in_flight import InFlight
from mfwb.sink.online.logged_artifacts import LoggedArtifacts
from mfwb.sink.online.session import OnlineSession, Project
from mfwb.sink.online.upload_watch import UploadWatch
from mfwb.sink.server.artifact_rules import RuleWriter
from mfwb.sink.server.claims import ClaimRequests, Claims
from mfwb.sink.server.comparison import compare_runs
from mfwb.sink.server.delete_runs import delete_run, find_own_runs
from mfwb.sink.server.existing_runs import ExistingRun, ExistingRuns
from mfwb.sink.server.flow_runs import group_by_flow_run
from mfwb.sink.server.latest_alias import LatestAlias
from mfwb.sink.setup.run_settings import check_wandb_settings
from mfwb.snapshot.pathspec import FlowRunId

__all__ = ["WandbSink"]


class WandbSink:
    """Open sessions, one for each flow run; several may be open at once."""

    def __init__(
        self,
        settings: Settings,
        destinations: Destinations,
        scratch: Path,
        progress: Progress,
        request_budget: RequestBudget,
    ) -> None:
        check_wandb_settings(settings)
        self._destinations = destinations
        self._on_deleted = settings.on_deleted
        self._force = settings.force
        self._edit_rule = EditRule(settings.overwrite_edits, restore=settings.force)
        self._scratch = scratch
        self._client = ApiClient(
            self._destinations.base_url,
            RetryBudget(settings.timeout, progress=progress),
            request_budget,
        )
        self._upload_watch = UploadWatch(progress)
        self._projects: dict[tuple[str, str], Project] = {}
        # By entity and project, then by id.
        self._prefetched: dict[tuple[str, str], dict[str, ExistingRun]] = {}
        self._lock = threading.Lock()

    def prefetch(self, destination: Destination, groups: Sequence[str]) -> None:
        """Fetch all W&B runs of some groups at once, so that `open` need not fetch each."""
        entity = self._entity(destination.entity)
        existing = ExistingRuns(self._client, entity, destination.project).list_groups(groups)
        self._prefetched[entity, destination.project] = {run.id: run for run in existing}

    def list_flow_runs(self, destination: Destination) -> Iterable[ExistingFlowRun]:
        """Return all flow runs that mfwb synced to a destination."""
        entity = self._entity(destination.entity)
        return group_by_flow_run(
            ExistingRuns(self._client, entity, destination.project).list_synced_runs()
        )

    def find_own_runs(
        self,
        destination: Destination,
        source: FlowRunId,
        *,
        group: str,
        wandb_runs: Collection[str],
    ) -> tuple[list[OwnRun], int]:
        """Return the W&B runs of a flow run, and the number of others' that are among them."""
        return find_own_runs(self._existing_runs(destination), source, group, wandb_runs)

    def delete_run(self, destination: Destination, run: OwnRun) -> None:
        """Delete a W&B run; its artifacts stay."""
        delete_run(self._existing_runs(destination), run)

    def _existing_runs(self, destination: Destination) -> ExistingRuns:
        """Return the W&B runs of an online destination; SinkError if it is on another server."""
        if destination.base.rstrip("/") != self._destinations.base_url.rstrip("/"):
            raise SinkError(
                f"they are on {destination.base}; set WANDB_BASE_URL to it to delete them"
            )
        entity = self._entity(destination.entity)
        return ExistingRuns(self._client, entity, destination.project)

    @contextmanager
    def open(
        self,
        plan: Plan,
        *,
        writer: str,
        written: Collection[str] = (),
        forgotten: Collection[str] = (),
    ) -> Iterator[Session]:
        """Fetch the existing W&B runs and yield a session that writes the plan."""
        yield self._online(plan, writer, written, forgotten)

    def existing(
        self, plan: Plan, *, writer: str, written: Collection[str] = ()
    ) -> Mapping[str, ExistingWandbRun]:
        """Return the planned W&B runs that exist or were deleted."""
        existing_runs = self._fetch(plan)
        return compare_runs(plan, existing_runs, written, writer=writer, rule=self._edit_rule)

    def has_logged(self, plan: Plan, used: InputArtifact) -> bool:
        """Return whether W&B has an artifact of another flow run."""
        existing_runs = ExistingRuns(self._client, self._entity(plan.entity), plan.project)
        return LoggedArtifacts(existing_runs, plan.source.provider).find_used(used) is not None

    def find_ids(self, destination: Destination, groups: Sequence[str]) -> frozenset[str]:
        """Return the ids of all W&B runs of some groups."""
        entity = self._entity(destination.entity)
        runs = ExistingRuns(self._client, entity, destination.project).list_groups(groups)
        return frozenset(run.id for run in runs)

    def _online(
        self, plan: Plan, writer: str, written: Collection[str], forgotten: Collection[str]
    ) -> OnlineSession:
        project = self._project(self._entity(plan.entity), plan.project)
        existing_runs = self._fetch(plan)
        claims = Claims(
            plan,
            existing_runs,
            self._client,
            writer=writer,
            on_deleted=self._on_deleted,
            forgotten=forgotten,
            requests=project.claim_requests,
        )
        return OnlineSession(plan, project, existing_runs, claims, written)

    def _fetch(self, plan: Plan) -> ExistingRuns:
        """Return the W&B runs of a plan that exist; SinkError, Unreachable."""
        entity = self._entity(plan.entity)
        existing_runs = ExistingRuns(self._client, entity, plan.project)
        prefetched = self._prefetched.get((entity, plan.project), {})
        complete = {
            run.id: prefetched[run.id]
            for run in plan.runs
            if _is_complete(prefetched.get(run.id), run)
        }
        existing_runs.add_known(complete)
        existing_runs.fetch(run for run in plan.runs if run.id not in complete)
        return existing_runs

    def _entity(self, given: str | None) -> str:
        """Return the entity, after a check of the credentials; Unreachable."""
        viewer = self._destinations.viewer_entity()
        return given or viewer or ""

    def _project(self, entity: str, name: str) -> Project:
        with self._lock:
            if (entity, name) not in self._projects:
                collections = Collections(self._client, entity, name)
                latest_alias = LatestAlias(self._client, entity, name, collections)
                self._projects[entity, name] = Project(
                    *(
                        self._client,
                        entity,
                        name,
                        collections,
                        latest_alias,
                        RuleWriter(self._client, entity, name),
                        InFlight(),
                        self._upload_watch,
                        ClaimRequests(self._client, f"{entity}/{name}"),
                        self._scratch,
                    ),
                    force=self._force,
                    edit_rule=self._edit_rule,
                )
            return self._projects[entity, name]


def _is_complete(existing: ExistingRun | None, run: PlannedRun) -> bool:
    """Whether a prefetched W&B run has all that is planned, so that it does not change any more."""
    return (
        existing is not None
        and existing.complete == run.fingerprint
        and existing.receipt is not None
    )
