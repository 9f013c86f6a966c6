"""Artifacts on their way to a server."""

from __future__ import annotations

from dataclasses import dataclass

import wandb

from mfwb.outcome import OutputOutcome
from mfwb.planning import Plan, PlannedRun
from mfwb.ports import ReadyArtifact
from mfwb.sink.artifacts import artifact_metadata, make_artifact
from mfwb.sink.destinations import one_line
from mfwb.sink.newest import LATEST, Newest
from mfwb.sink.private import DEATHS, FAILURES, log_without_latest
from mfwb.sink.service import Service
from mfwb.snapshot import Loss

__all__ = ["Arrived", "Upload", "Uploads"]

_SLOWEST = 256 * 1024  # bytes a second; an upload that is slower counts as stuck
_REFUSED = "returned error 4"  # as wandb-core words it


@dataclass(frozen=True, slots=True)
class Upload:
    """An artifact that was sent on its way, or refused at once."""

    ready: ReadyArtifact
    item: str
    artifact: wandb.Artifact | None = None  # None: refused
    aliases: tuple[str, ...] = ()
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Arrived:
    """What became of an upload.

    Attributes:
        name: of the artifact.
        artifact: the version in W&B; None: there is none.
        output: what is told of it.
        loss: why it is not there.
        try_again: whether it may be there another time.
        trouble: what was wrong with W&B, if it was not the artifact that was wrong.
    """

    name: str
    artifact: wandb.Artifact | None = None
    output: OutputOutcome | None = None
    loss: Loss | None = None
    try_again: bool = False
    trouble: str = ""


class Uploads:
    """Logs the artifacts of one flow run."""

    def __init__(self, plan: Plan, service: Service, newest: Newest) -> None:
        self._start: int = plan.source["created_at"]
        self._service = service
        self._newest = newest

    def start(
        self,
        open_run: wandb.Run,
        run: PlannedRun,
        ready: ReadyArtifact,
        there: wandb.Artifact | None,
    ) -> Upload:
        """Send an artifact on its way; W&B may refuse it at once, as when types clash.

        Args:
            open_run: the W&B run that logs it.
            run: the same, as planned.
            ready: the artifact.
            there: what the W&B run logged under that name in an earlier sync.
        """
        item = f"{run.name}/{ready.planned.name}"
        aliases = ready.planned.aliases
        if not self._newest.is_newest(ready.planned.name, self._start):
            aliases = tuple(alias for alias in aliases if alias != LATEST)
        try:
            artifact = make_artifact(ready, self._start)
            if there is not None and there.digest == artifact.digest:
                return Upload(ready, item, there, aliases)
            if LATEST in aliases:
                open_run.log_artifact(artifact, aliases=list(aliases))
            else:
                log_without_latest(open_run, artifact, aliases)
        except (ValueError, OSError) as error:
            if isinstance(error, DEATHS):
                raise
            return Upload(ready, item, refusal=one_line(error))
        return Upload(ready, item, artifact, aliases)

    def wait_for(self, upload: Upload) -> Arrived:
        """Wait for an upload: `finish` would hide that it failed. SinkError.

        Whether W&B refused the artifact for good, it does not always say; so the W&B run is not
        taken for complete, and the next sync tries again.
        """
        name = upload.ready.planned.name
        if upload.artifact is None:
            return Arrived(name, loss=Loss(upload.item, upload.refusal))
        size = sum(file.size for file in upload.ready.files if file.uri is None)
        patience = self._service.patience
        try:
            with patience.waiting():
                upload.artifact.wait(timeout=round(patience.limit + size / _SLOWEST))
        except DEATHS:
            raise
        except (ValueError, *FAILURES) as error:
            reason = f"W&B did not take it: {one_line(error)}"
            trouble = "" if _REFUSED in str(error) else f"{name}: {reason}"
            return Arrived(name, loss=Loss(upload.item, reason), try_again=True, trouble=trouble)
        output = _output(upload.ready, upload.artifact)
        self._newest.arrived(name, self._start, upload.artifact, upload.aliases)
        return Arrived(name, upload.artifact, output)


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
    )
