"""Uploads of artifacts to a server."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import wandb

from mfwb.errors import SinkError
from mfwb.outcome import OutputOutcome
from mfwb.planning import Plan, PlannedRun, WandbRunId
from mfwb.ports import ReadyArtifact
from mfwb.safe_text import first_line
from mfwb.sink.client.api import ApiClient
from mfwb.sink.client.collections import Collections
from mfwb.sink.client.private import (
    CORE_DEATHS,
    FAILURES,
    find_core_death,
    log_artifact_with_aliases,
)
from mfwb.sink.client.refusals import explain_error
from mfwb.sink.client.retry_budget import MIN_BYTES_PER_SECOND
from mfwb.sink.client.version_reads import commit_versions
from mfwb.sink.content.artifact_metadata import artifact_metadata
from mfwb.sink.content.artifacts import make_artifact
from mfwb.sink.online.commits import Commits
from mfwb.sink.online.in_flight import Arrival, InFlight
from mfwb.sink.online.version_order import VersionOrder
from mfwb.sink.server.artifact_rules import RuleWriter, VersionRules
from mfwb.sink.server.latest_alias import LATEST, LatestAlias, Moment
from mfwb.snapshot import Loss

__all__ = ["Upload", "UploadResult", "Uploads"]


@dataclass(frozen=True, slots=True)
class Upload:
    """The upload of an artifact, in progress or refused at once.

    Attributes:
        ready: the artifact, under the name that it has in this project.
        planned: the name that was planned.
        run_name: the name of the W&B run that logs it.
        item: the name of its loss, if it is lost.
        moment: when the artifact was created.
        run_id: the W&B run that logs it.
        artifact: the logged artifact; None if it was refused.
        aliases: the aliases that it gets.
        refusal: why it was refused.
        blocked_by: the arrival of the same content from another W&B run, which comes first.
        is_registered: whether other uploads of this content wait for this one.
        start_again: starts it anew, under the name that the artifact then has in the project.
    """

    ready: ReadyArtifact
    planned: str
    run_name: str
    item: str
    moment: Moment
    run_id: WandbRunId
    artifact: wandb.Artifact | None = None
    aliases: tuple[str, ...] = ()
    refusal: str = ""
    blocked_by: Arrival | None = None
    is_registered: bool = False
    start_again: Callable[[], Upload] | None = None


@dataclass(frozen=True, slots=True)
class UploadResult:
    """The result of an upload.

    Attributes:
        name: the planned name.
        artifact: the version in W&B; None if there is none.
        output: the reported output.
        loss: why the artifact is missing.
        rule_losses: what the settings' rules give to it, and W&B refused.
        try_again: whether another sync may succeed.
        trouble: why W&B did not take the artifact, if the artifact itself was sound.
    """

    name: str
    artifact: wandb.Artifact | None = None
    output: OutputOutcome | None = None
    loss: Loss | None = None
    rule_losses: tuple[Loss, ...] = ()
    try_again: bool = False
    trouble: str = ""


_PENDING = "PENDING"
"""The state of an artifact whose files are uploaded, but which has no version number yet."""


class Uploads:
    """Log the artifacts of one flow run."""

    def __init__(  # noqa: PLR0913 - what all sessions share, and the order of this one
        self,
        plan: Plan,
        client: ApiClient,
        *,
        collections: Collections,
        latest_alias: LatestAlias,
        rule_writer: RuleWriter,
        in_flight: InFlight,
        version_order: VersionOrder,
    ) -> None:
        self._path = f"{plan.entity}/{plan.project}"
        self._version_order = version_order
        self._commits = Commits(version_order, self._commit)
        self._start = plan.source.created_at
        self._client = client
        self._collections = collections
        self._latest_alias = latest_alias
        self._rule_writer = rule_writer
        self._in_flight = in_flight

    def start(
        self,
        open_run: wandb.Run,
        run: PlannedRun,
        ready: ReadyArtifact,
        logged_before: Mapping[str, wandb.Artifact],
    ) -> Upload:
        """Start the upload of an artifact; W&B may refuse it at once.

        Args:
            open_run: the open W&B run that logs it.
            run: the planned run.
            ready: the artifact.
            logged_before: the artifacts of this W&B run from an earlier sync, by name.
        """
        start = partial(self._start_under_project_name, open_run, run, ready, logged_before)
        return replace(start(), start_again=start)

    def _has_new_name(self, upload: Upload) -> bool:
        """Whether a refused artifact now has another name in the project.

        Another machine may have given its name another type a moment ago.
        """
        name, type_ = upload.ready.planned.name, upload.ready.planned.type
        self._collections.forget([name])
        return self._collections.name_in_project(upload.planned, type_) != name

    def _project_name(self, ready: ReadyArtifact) -> str:
        return self._collections.name_in_project(ready.planned.name, ready.planned.type)

    def _start_under_project_name(
        self,
        open_run: wandb.Run,
        run: PlannedRun,
        ready: ReadyArtifact,
        logged_before: Mapping[str, wandb.Artifact],
    ) -> Upload:
        """Start the upload of an artifact, under its name in this project."""
        planned, name = ready.planned.name, self._project_name(ready)
        ready = replace(ready, planned=replace(ready.planned, name=name))
        moment = Moment.of(self._start, run.ended_at)
        upload = Upload(ready, planned, run.name, f"{run.name}/{planned}", moment, run.id)
        aliases = ready.planned.aliases
        if LATEST in aliases and not self._is_newest(name, upload):
            aliases = tuple(alias for alias in aliases if alias != LATEST)
        try:
            artifact = make_artifact(ready, self._start)
        except (ValueError, OSError) as error:
            return replace(upload, refusal=first_line(error))
        earlier = logged_before.get(name)
        if earlier is not None and earlier.digest == artifact.digest:
            return replace(upload, artifact=earlier, aliases=aliases)
        blocked_by = self._in_flight.begin(name, artifact.digest, run.id)
        if blocked_by is not None:
            self._version_order.yield_turn(run.id, blocked_by.run_id, planned)
        upload = replace(
            upload,
            artifact=artifact,
            aliases=aliases,
            blocked_by=blocked_by,
            is_registered=blocked_by is None,
        )
        return upload if blocked_by is not None else self._log(open_run, upload)

    def _is_newest(self, name: str, upload: Upload) -> bool:
        planned = (upload.planned, upload.ready.planned.type)
        return self._latest_alias.is_newest(name, planned, upload.moment)

    def wait(self, open_run: wandb.Run, uploads: Sequence[Upload]) -> list[UploadResult]:
        """Wait for uploads and return their results: `finish` would hide failures. SinkError.

        W&B does not always report whether it refused an artifact for good. So the W&B run is not
        marked as complete, which is reported, and the next sync tries again.
        """
        results: dict[int, UploadResult] = {}
        # Other uploads wait for the registered ones, so these come first: else two could deadlock.
        for index, upload in sorted(
            enumerate(uploads), key=lambda item: item[1].blocked_by is not None
        ):
            results[index] = self._wait(open_run, upload)
        return [results[index] for index in range(len(uploads))]

    def release(self, uploads: Iterable[Upload]) -> None:
        """Release the uploads that wait for these, which have arrived or failed."""
        for upload in uploads:
            if upload.artifact is not None and upload.is_registered:
                self._in_flight.end(upload.ready.planned.name, upload.artifact.digest)

    def _wait(self, open_run: wandb.Run, upload: Upload) -> UploadResult:
        name = upload.planned
        size = sum(file.size for file in upload.ready.files if file.uri is None)
        retry_budget = self._client.retry_budget
        timeout = retry_budget.wait_limit + size / MIN_BYTES_PER_SECOND
        if upload.blocked_by is not None:
            upload.blocked_by.done.wait(timeout)
            upload = self._log(open_run, upload)
        try:
            if upload.artifact is None:
                return UploadResult(name, loss=Loss(upload.item, upload.refusal))
            artifact = upload.artifact
            self._wait_for_arrival(upload, artifact, timeout)
            if artifact.state == _PENDING:
                artifact = self._commits.commit(upload.run_id, name, artifact)
            else:
                self._latest_alias.note_version(upload.ready.planned.name, artifact)
            self._version_order.dequeue(upload.run_id, [name])
        except CORE_DEATHS:
            raise
        except (ValueError, SinkError, *FAILURES) as error:
            if (
                isinstance(error, ValueError)
                and upload.start_again is not None
                and self._has_new_name(upload)
            ):
                self.release([upload])
                return self._wait(open_run, upload.start_again())
            reason = f"W&B did not accept it: {explain_error(error)}"
            return UploadResult(
                name,
                loss=Loss(upload.item, reason),
                try_again=True,
                trouble=f"{name}: {reason}",
            )
        finally:
            self.release([upload])
        output = _output(upload.ready, artifact)
        name_in_project = upload.ready.planned.name
        self._collections.note(name_in_project, upload.ready.planned.type)
        self._latest_alias.set_aliases(name_in_project, upload.moment, artifact, upload.aliases)
        rules = VersionRules(output.rules, artifact_metadata(upload.ready), upload.run_name)
        rule_losses = self._rule_writer.write(artifact.name, upload.moment, rules)
        return UploadResult(name, artifact, output, rule_losses=rule_losses)

    def _wait_for_arrival(self, upload: Upload, artifact: wandb.Artifact, timeout: float) -> None:
        retry_budget = self._client.retry_budget
        with retry_budget.count_failed_wait():
            retry_budget.attempt(
                lambda: artifact.wait(timeout=round(timeout)),
                f"learn whether {upload.item} has arrived",
            )

    def _commit(self, drafts: Sequence[wandb.Artifact]) -> list[wandb.Artifact]:
        """Return the versions that uploaded artifacts become; SinkError."""
        name, others = drafts[0].name.rpartition(":")[0], len(drafts) - 1

        def request(api: wandb.Api) -> list[wandb.Artifact]:
            versions = commit_versions(api, self._path, drafts)
            for _ in versions:
                self._client.note_commit()
            return versions

        purpose = f"commit {name}" + (f" and {others} more" if others else "")
        versions = self._client.call(self._path, request, purpose)
        for version in versions:
            self._latest_alias.note_version(name, version)
        return versions

    def _log(self, open_run: wandb.Run, upload: Upload) -> Upload:
        if upload.artifact is None:
            return upload
        try:
            has_to_wait = self._version_order.has_to_wait(upload.run_id, upload.planned)
            log_artifact_with_aliases(
                open_run,
                upload.artifact,
                upload.aliases,
                reads=self._client.version_reads(self._path),
                commit=not has_to_wait,
            )
        except BaseException as error:
            self.release([upload])
            if isinstance(error, (ValueError, OSError)) and find_core_death(error) is None:
                return replace(upload, artifact=None, refusal=first_line(error))
            raise
        return upload


def _output(ready: ReadyArtifact, logged: wandb.Artifact) -> OutputOutcome:
    metadata = {key: value for key, value in logged.metadata.items() if key != "mfwb"}
    return OutputOutcome(
        name=ready.planned.name,
        type=ready.planned.type,
        digest=logged.digest,
        size=sum(file.size for file in ready.files),
        files=tuple(file.path for file in ready.files),
        deduplicated=metadata != artifact_metadata(ready),  # W&B kept the metadata of the first one
        version=logged.version,
        items=ready.planned.items,
        referenced=ready.referenced,
        rules=ready.rule.outcome if ready.rule else None,
    )
