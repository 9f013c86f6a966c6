"""W&B runs on a server."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

import wandb

from mfwb.errors import NotOurs, SinkError
from mfwb.outcome import OutputOutcome
from mfwb.planning import InputArtifact, Plan, PlannedRun, WandbRunId
from mfwb.ports import ReadyArtifact, ReadyRun, WrittenRun
from mfwb.sink.artifacts import artifact_metadata, make_artifact
from mfwb.sink.destinations import one_line
from mfwb.sink.existing import ExistingRuns
from mfwb.sink.private import FAILURES
from mfwb.sink.run_settings import run_settings
from mfwb.sink.saying import init_arguments, say_all, say_done
from mfwb.snapshot import Loss

__all__ = ["OnlineSession"]

_FINISH_TIMEOUT = 60.0  # seconds, when all artifacts have arrived; W&B's own patience is a week


class OnlineSession:
    """Writes the W&B runs of one flow run to a server."""

    def __init__(self, plan: Plan, existing: ExistingRuns, base_url: str, scratch: Path) -> None:
        self._plan = plan
        self._existing = existing
        self._base_url = base_url
        self._scratch = scratch
        self._logged: dict[tuple[WandbRunId, str], wandb.Artifact] = {}
        self._elsewhere: set[WandbRunId] = set()  # of other flow runs, whose artifacts are known
        self._missing: set[tuple[WandbRunId, str]] = set()  # but may arrive another time
        self._lock = threading.Lock()
        existing.look(plan.runs)
        for run in plan.runs:
            self._refuse_foreign(run)

    def find(self, run: PlannedRun) -> WrittenRun | None:
        """Return what is there of a W&B run if all of this very plan is; else None."""
        found = self._existing.get(run.id)
        if found is None or found.complete != run.fingerprint:
            return None
        outputs = []
        for artifact in self._existing.logged(run.id):
            name = artifact.name.rpartition(":")[0]
            with self._lock:
                self._logged[run.id, name] = artifact
            if any(planned.name == name for planned in run.outputs):
                outputs.append(_found_output(name, artifact))
        return WrittenRun(found.url, tuple(outputs), ())

    def write(self, run: PlannedRun, ready: ReadyRun) -> WrittenRun:
        """Write one W&B run, or bring an existing one of ours up to date."""
        fingerprint = run.fingerprint
        try:
            open_run = wandb.init(
                **init_arguments(self._plan, run, fingerprint),
                dir=str(self._scratch),
                settings=run_settings(
                    {**run.origin, **run.wandb_settings},
                    mode="online",
                    base_url=self._base_url,
                    finish_timeout=_FINISH_TIMEOUT,
                    finish_timeout_raises=True,
                ),
            )
        except FAILURES as error:
            raise SinkError(f"{run.name}: W&B did not open the run: {one_line(error)}") from None
        try:
            return self._fill(open_run, run, ready, fingerprint)
        except FAILURES as error:
            raise SinkError(f"{run.name}: W&B failed: {one_line(error)}") from None
        except BaseException:
            open_run.finish(exit_code=1)
            raise

    def _fill(
        self, open_run: wandb.Run, run: PlannedRun, ready: ReadyRun, fingerprint: str
    ) -> WrittenRun:
        losses = [loss for used in run.inputs if (loss := self._use(open_run, run, used))]
        waits = any((used.producer, used.name) in self._missing for used in run.inputs)
        uploads = [self._start_upload(open_run, run, one) for one in ready.artifacts]
        say_all(open_run, run, ready, first_step=self._existing.next_step(run.id))
        arrivals = [self._await(upload) for upload in uploads]
        complete = not waits and not any(one.try_again for one in arrivals)
        if complete:
            say_done(open_run, fingerprint)
        open_run.finish(exit_code=run.exit_code)
        return WrittenRun(
            place=str(open_run.url),
            outputs=tuple(one.output for one in arrivals if one.output),
            losses=(*losses, *(one.loss for one in arrivals if one.loss)),
            complete=complete,
        )

    def _refuse_foreign(self, run: PlannedRun) -> None:
        found = self._existing.get(run.id)
        if found is not None and found.source != self._plan.source:
            raise NotOurs(
                f"{found.url} has the id of {run.name} but was written from another source; it "
                "is left alone. Choose another --project"
            )

    def _use(self, open_run: wandb.Run, run: PlannedRun, used: InputArtifact) -> Loss | None:
        if used.place:
            self._look_elsewhere(used)
        logged = self._logged.get((used.producer, used.name))
        if logged is None:
            reason = f"{used.producer_name} could not log it"
            if used.place:
                reason = f"{used.producer_name} has not logged it in W&B; sync that first"
            return Loss(f"use of {used.name} by {run.name}", reason)
        open_run.use_artifact(logged)
        return None

    def _look_elsewhere(self, used: InputArtifact) -> None:
        """Find what another flow run's W&B run logged."""
        with self._lock:
            if used.producer in self._elsewhere:
                return
        provider = str(self._plan.source["provider"])
        found = self._existing.logged_elsewhere(used.place, used.producer, provider)
        with self._lock:
            self._elsewhere.add(used.producer)
            for artifact in found:
                self._logged[used.producer, artifact.name.rpartition(":")[0]] = artifact

    def _start_upload(self, open_run: wandb.Run, run: PlannedRun, ready: ReadyArtifact) -> _Upload:
        """Send an artifact on its way; W&B may refuse it at once, as when types clash."""
        item = f"{run.name}/{ready.planned.name}"
        try:
            artifact = make_artifact(ready)
            open_run.log_artifact(artifact, aliases=list(ready.planned.aliases))
        except (ValueError, OSError) as error:
            return _Upload(run.id, ready, item, refusal=one_line(error))
        return _Upload(run.id, ready, item, artifact)

    def _await(self, upload: _Upload) -> _Arrival:
        """Wait for an upload: `finish` would hide that it failed.

        Whether W&B refused the artifact or could not be reached, it does not say; so the W&B run
        is not taken for complete, and the next sync tries again.
        """
        if upload.artifact is None:
            return _Arrival(loss=Loss(upload.item, upload.refusal))
        try:
            upload.artifact.wait()
        except (ValueError, *FAILURES) as error:
            with self._lock:
                self._missing.add((upload.run_id, upload.ready.planned.name))
            loss = Loss(upload.item, f"W&B did not take it: {one_line(error)}")
            return _Arrival(loss=loss, try_again=True)
        with self._lock:
            self._logged[upload.run_id, upload.ready.planned.name] = upload.artifact
        return _Arrival(output=_output(upload.ready, upload.artifact))


@dataclass(frozen=True, slots=True)
class _Upload:
    run_id: WandbRunId
    ready: ReadyArtifact
    item: str
    artifact: wandb.Artifact | None = None  # None: refused
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class _Arrival:
    output: OutputOutcome | None = None
    loss: Loss | None = None
    try_again: bool = False


def _output(ready: ReadyArtifact, logged: wandb.Artifact) -> OutputOutcome:
    return OutputOutcome(
        name=ready.planned.name,
        type=ready.planned.type,
        digest=logged.digest,
        size=sum(file.size for file in ready.files),
        files=tuple(file.path for file in ready.files),
        deduplicated=logged.metadata != artifact_metadata(ready),  # W&B kept the first one's
        version=logged.version,
    )


def _found_output(name: str, artifact: wandb.Artifact) -> OutputOutcome:
    return OutputOutcome(
        name=name,
        type=artifact.type,
        digest=artifact.digest,
        size=artifact.size,
        files=tuple(sorted(artifact.manifest.entries)),
        version=artifact.version,
    )
