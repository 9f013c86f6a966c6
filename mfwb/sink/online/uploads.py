"""Artifacts on their way to a server."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import wandb

from mfwb.errors import SinkError
from mfwb.outcome import OutputOutcome
from mfwb.planning import Plan, PlannedRun
from mfwb.ports import ReadyArtifact
from mfwb.safe_text import first_line
from mfwb.sink.client.api import ApiClient
from mfwb.sink.client.collections import Collections
from mfwb.sink.client.private import (
    CORE_DEATHS,
    FAILURES,
    find_core_death,
    log_artifact_without_latest,
)
from mfwb.sink.client.refusals import explain_error
from mfwb.sink.client.retry_budget import MIN_BYTES_PER_SECOND
from mfwb.sink.content.artifacts import artifact_metadata, make_artifact
from mfwb.sink.online.in_flight import InFlight
from mfwb.sink.server.latest_alias import LATEST, LatestAlias, Moment
from mfwb.snapshot import Loss

__all__ = ["Upload", "UploadResult", "Uploads"]


@dataclass(frozen=True, slots=True)
class Upload:
    """An artifact that was sent on its way, or refused at once.

    Attributes:
        ready: the artifact, under the name that it has in this project.
        planned: the name that was planned.
        item: what its loss would be called.
        moment: when it was made.
        artifact: what is logged; None: it was refused.
        aliases: that it is to have.
        refusal: why it was refused.
        after: another W&B run logs the same content just now; this one has to wait for that.
        is_ours: nobody else may log this content until it has arrived.
    """

    ready: ReadyArtifact
    planned: str
    item: str
    moment: Moment
    artifact: wandb.Artifact | None = None
    aliases: tuple[str, ...] = ()
    refusal: str = ""
    after: threading.Event | None = None
    is_ours: bool = False


@dataclass(frozen=True, slots=True)
class UploadResult:
    """What became of an upload.

    Attributes:
        name: that was planned.
        artifact: the version in W&B; None: there is none.
        output: what is told of it.
        loss: why it is not there.
        try_again: whether it may be there another time.
        trouble: why W&B did not take it, if the artifact itself was sound.
    """

    name: str
    artifact: wandb.Artifact | None = None
    output: OutputOutcome | None = None
    loss: Loss | None = None
    try_again: bool = False
    trouble: str = ""


class Uploads:
    """Logs the artifacts of one flow run."""

    def __init__(
        self,
        plan: Plan,
        client: ApiClient,
        collections: Collections,
        newest: LatestAlias,
        under_way: InFlight,
    ) -> None:
        self._start = plan.source.created_at
        self._client = client
        self._collections = collections
        self._newest = newest
        self._under_way = under_way

    def start(
        self,
        open_run: wandb.Run,
        run: PlannedRun,
        ready: ReadyArtifact,
        there: Mapping[str, wandb.Artifact],
    ) -> Upload:
        """Send an artifact on its way; W&B may refuse it at once.

        Args:
            open_run: the W&B run that logs it.
            run: the same, as planned.
            ready: the artifact.
            there: what the W&B run logged in an earlier sync, by name.
        """
        upload = self._start_as_called(open_run, run, ready, there)
        while self._has_another_name_now(upload, ready):
            upload = self._start_as_called(open_run, run, ready, there)
        return upload

    def _has_another_name_now(self, upload: Upload, ready: ReadyArtifact) -> bool:
        """Whether one that was refused has a name of its own by now.

        Another machine may have given its name another type a moment ago.
        """
        name = ready.planned.name
        if not upload.refusal or upload.ready.planned.name != name:
            return False
        self._collections.forget([name])
        return self._called(ready) != name

    def _called(self, ready: ReadyArtifact) -> str:
        return self._collections.name_in_project(ready.planned.name, ready.planned.type)

    def _start_as_called(
        self,
        open_run: wandb.Run,
        run: PlannedRun,
        ready: ReadyArtifact,
        there: Mapping[str, wandb.Artifact],
    ) -> Upload:
        """Send an artifact on its way, under the name that it has in this project."""
        planned, name = ready.planned.name, self._called(ready)
        ready = replace(ready, planned=replace(ready.planned, name=name))
        ended = self._start if run.ended_at is None else run.ended_at
        upload = Upload(ready, planned, f"{run.name}/{planned}", Moment(self._start, ended))
        aliases = ready.planned.aliases
        if LATEST in aliases and not self._is_newest(name, upload):
            aliases = tuple(alias for alias in aliases if alias != LATEST)
        try:
            artifact = make_artifact(ready, self._start)
        except (ValueError, OSError) as error:
            return replace(upload, refusal=first_line(error))
        before = there.get(name)
        if before is not None and before.digest == artifact.digest:
            return replace(upload, artifact=before, aliases=aliases)
        after = self._under_way.begin(name, artifact.digest)
        upload = replace(
            upload, artifact=artifact, aliases=aliases, after=after, is_ours=after is None
        )
        return upload if after is not None else self._log(open_run, upload)

    def _is_newest(self, name: str, upload: Upload) -> bool:
        planned = (upload.planned, upload.ready.planned.type)
        return self._newest.is_newest(name, planned, upload.moment)

    def wait_for(self, open_run: wandb.Run, uploads: Sequence[Upload]) -> list[UploadResult]:
        """Wait for uploads: `finish` would hide that they failed. SinkError.

        Whether W&B refused an artifact for good, it does not always say; so the W&B run is not
        taken for complete, which is told, and the next sync tries again.
        """
        arrived: dict[int, UploadResult] = {}
        # Others wait for what is ours, so that comes first: else two might wait for each other.
        for place, upload in sorted(enumerate(uploads), key=lambda one: one[1].after is not None):
            arrived[place] = self._wait_for(open_run, upload)
        return [arrived[place] for place in range(len(uploads))]

    def let_go(self, uploads: Iterable[Upload]) -> None:
        """Let nobody wait any longer for what has arrived, or failed."""
        for upload in uploads:
            if upload.artifact is not None and upload.is_ours:
                self._under_way.end(upload.ready.planned.name, upload.artifact.digest)

    def _wait_for(self, open_run: wandb.Run, upload: Upload) -> UploadResult:
        name = upload.planned
        size = sum(file.size for file in upload.ready.files if file.uri is None)
        retry_budget = self._client.retry_budget
        timeout = retry_budget.wait_limit + size / MIN_BYTES_PER_SECOND
        if upload.after is not None:
            upload.after.wait(timeout)
            upload = self._log(open_run, upload)
        try:
            if upload.artifact is None:
                return UploadResult(name, loss=Loss(upload.item, upload.refusal))
            waited_for = upload.artifact
            with retry_budget.count_failed_wait():
                retry_budget.attempt(
                    lambda: waited_for.wait(timeout=round(timeout)), f"hear of {upload.item}"
                )
        except CORE_DEATHS:
            raise
        except (ValueError, SinkError, *FAILURES) as error:
            reason = f"W&B did not take it: {explain_error(error)}"
            return UploadResult(
                name,
                loss=Loss(upload.item, reason),
                try_again=True,
                trouble=f"{name}: {reason}",
            )
        finally:
            self.let_go([upload])
        output = _output(upload.ready, upload.artifact)
        called = upload.ready.planned.name
        self._collections.note(called, upload.ready.planned.type)
        self._newest.arrived(called, upload.moment, upload.artifact, upload.aliases)
        return UploadResult(name, upload.artifact, output)

    def _log(self, open_run: wandb.Run, upload: Upload) -> Upload:
        if upload.artifact is None:
            return upload
        try:
            if LATEST in upload.aliases:
                open_run.log_artifact(upload.artifact, aliases=list(upload.aliases))
            else:
                log_artifact_without_latest(open_run, upload.artifact, upload.aliases)
        except BaseException as error:
            self.let_go([upload])
            if isinstance(error, (ValueError, OSError)) and find_core_death(error) is None:
                return replace(upload, artifact=None, refusal=first_line(error))
            raise
        return upload


def _output(ready: ReadyArtifact, logged: wandb.Artifact) -> OutputOutcome:
    said = {key: value for key, value in logged.metadata.items() if key != "mfwb"}
    return OutputOutcome(
        name=ready.planned.name,
        type=ready.planned.type,
        digest=logged.digest,
        size=sum(file.size for file in ready.files),
        files=tuple(file.path for file in ready.files),
        deduplicated=said != artifact_metadata(ready),  # W&B kept the first one's
        version=logged.version,
        items=len(ready.planned.files),
    )
