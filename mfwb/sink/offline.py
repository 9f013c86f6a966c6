"""W&B runs as `.wandb` files in a bundle: closed, with lineage, ready for `wandb sync`.

    DIR/payloads/           the files of artifacts, once each; the W&B runs refer to them
    DIR/level-00/wandb/     W&B runs that use nothing of another one
    DIR/level-01/wandb/     W&B runs that use artifacts of level 00; and so on

`wandb sync` uploads runs in random order, and an artifact that is used before it was logged
gets no producer; so levels are uploaded one after the other.
"""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import wandb

from mfwb.errors import SinkError
from mfwb.outcome import OutputOutcome
from mfwb.planning import Plan, PlannedRun, WandbRunId
from mfwb.ports import ReadyArtifact, ReadyRun, WrittenRun
from mfwb.sink.artifacts import make_artifact, make_reference_to
from mfwb.sink.private import publish_use
from mfwb.sink.run_settings import run_settings
from mfwb.sink.saying import init_arguments, say_all, say_done
from mfwb.sink.transaction_log import wait_until_closed
from mfwb.snapshot import Loss

__all__ = ["OfflineSession"]


class OfflineSession:
    """Writes the W&B runs of one flow run into a bundle."""

    def __init__(self, plan: Plan, bundle: Path) -> None:
        self._plan = plan
        self._bundle = bundle
        self._logged: dict[tuple[WandbRunId, str], wandb.Artifact] = {}
        self._contents: set[tuple[str, str]] = set()
        self._lock = threading.Lock()
        self._older = _run_folders(bundle, {run.id for run in plan.runs})

    def find(self, run: PlannedRun) -> WrittenRun | None:  # noqa: ARG002 - as the other mode has it
        """Return None: whether a bundle is complete, its ledger knows."""
        return None

    def write(self, run: PlannedRun, ready: ReadyRun) -> WrittenRun:
        """Write one W&B run; an earlier one of that id gives way."""
        folder = self._bundle / f"level-{run.level:02d}"
        folder.mkdir(parents=True, exist_ok=True)
        for older in self._older.get(run.id, ()):
            shutil.rmtree(older)
        fingerprint = run.fingerprint
        open_run = wandb.init(
            **init_arguments(self._plan, run, fingerprint),
            dir=str(folder),
            settings=run_settings({**run.origin, **run.wandb_settings}, mode="offline"),
        )
        try:
            losses = self._use_all(open_run, run)
            outputs = tuple(self._log(open_run, run, one) for one in ready.artifacts)
            say_all(open_run, run, ready)
            say_done(open_run, fingerprint)
        except BaseException:
            open_run.finish(exit_code=1)
            raise
        open_run.finish(exit_code=run.exit_code)
        place = Path(open_run.sync_dir)
        if not wait_until_closed(place / f"run-{run.id}.wandb"):
            raise SinkError(f"wandb-core did not finish writing {place}")
        return WrittenRun(str(place), outputs, tuple(losses))

    def _use_all(self, open_run: wandb.Run, run: PlannedRun) -> list[Loss]:
        losses = []
        for used in run.inputs:
            logged = self._logged.get((used.producer, used.name))
            if logged is None:
                reason = f"{used.producer_name} could not log it"
                losses.append(Loss(f"use of {used.name} by {run.name}", reason))
            else:
                publish_use(open_run, make_reference_to(logged))
        return losses

    def _log(self, open_run: wandb.Run, run: PlannedRun, ready: ReadyArtifact) -> OutputOutcome:
        artifact = make_artifact(ready)
        open_run.log_artifact(artifact, aliases=list(ready.planned.aliases))
        with self._lock:
            self._logged[run.id, artifact.name] = artifact
            content = (artifact.name, artifact.digest)
            known = content in self._contents
            self._contents.add(content)
        return OutputOutcome(
            name=artifact.name,
            type=artifact.type,
            digest=artifact.digest,
            size=sum(file.size for file in ready.files),
            files=tuple(file.path for file in ready.files),
            deduplicated=known,
        )


def _run_folders(bundle: Path, run_ids: set[WandbRunId]) -> dict[WandbRunId, list[Path]]:
    """Return the folders of W&B runs by id; the time in their names is that of writing."""
    folders: dict[WandbRunId, list[Path]] = {}
    for path in bundle.glob("level-*/wandb/offline-run-*"):
        run_id = WandbRunId(path.name.split("-", 3)[-1])  # offline-run-20261121_094500-<id>
        if run_id in run_ids:
            folders.setdefault(run_id, []).append(path)
    return folders
