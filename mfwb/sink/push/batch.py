"""W&B runs that are sent together: prepared, sent, looked up, and what is missing sent again."""

from __future__ import annotations

import glob
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial
from pathlib import Path
from shutil import rmtree

from mfwb.errors import SinkError, SkipFlowRun, ends_the_call
from mfwb.files.tempdirs import scratch
from mfwb.ports import Progress
from mfwb.sink.push.bundle_run import RunHeader
from mfwb.sink.push.finalize import say_words, settle_aliases
from mfwb.sink.push.project import Project
from mfwb.sink.push.shipment import ProjectPath, Shipment
from mfwb.sink.push.upload import Upload
from mfwb.sink.push.upload_files import write_upload
from mfwb.sink.push.verify import check
from mfwb.sink.server.existing_runs import ExistingRuns
from mfwb.sink.wandb_sync.sender import Complaint, Sender
from mfwb.snapshot import Loss

__all__ = ["BatchSender", "look_up_runs"]

_LOOKS = (0.0, 0.5, 2.0)  # seconds before each; a server may take a moment
_TRIES = 2


class BatchSender:
    """Sends W&B runs of one level, which don't need one another."""

    def __init__(
        self,
        sender: Sender,
        projects: Mapping[ProjectPath, Project],
        pool: Executor,
        progress: Progress,
    ) -> None:
        self._sender = sender
        self._projects = projects
        self._pool = pool
        self._progress = progress

    def send(self, runs: Iterable[tuple[Shipment, RunHeader]]) -> None:
        """Push W&B runs; a flow run fails if one of its own is not there in the end.

        If one only lacks artifacts, which W&B did not take, the rest of the flow run goes on.
        """
        pending = self._run_all(
            (shipment, partial(self._prepare, shipment, header)) for shipment, header in runs
        )
        complaints: tuple[Complaint, ...] = ()
        for number in range(_TRIES):
            if number:
                pending = self._run_all((one.shipment, partial(self._rest, one)) for one in pending)
            if pending:
                pending, complaints = self._upload(pending)
                pending = self._finish_arrived(pending)
        for upload in pending:
            with upload.shipment.catch_errors():
                if upload.unlogged and all(said.path is not None for said in complaints):
                    self._note_incomplete(upload, complaints)
                else:
                    raise _not_all_there(upload, complaints)

    def _prepare(self, shipment: Shipment, header: RunHeader) -> Upload | None:
        if shipment.reason:
            return None
        upload = self._projects[shipment.place].prepare(shipment, header)
        if upload is None:
            self._progress.advance()
        return upload

    def _rest(self, upload: Upload) -> Upload:
        """Return what is to be sent of a W&B run part of which has arrived."""
        project = self._projects[upload.shipment.place]
        project.forget_names(upload)
        return project.without_existing_rows(project.with_current_names(upload))

    def _upload(self, pending: Sequence[Upload]) -> tuple[list[Upload], tuple[Complaint, ...]]:
        """Send what can be made ready; return that, and what W&B complained of."""
        with scratch() as folder:
            ready = [upload for upload in pending if self._write_files(upload, folder)]
            size = sum(artifact.size for upload in ready for artifact in upload.run.logged)
            try:
                return ready, self._sender.send(folder, runs=len(ready), size=size)
            except SinkError as error:
                return ready, (Complaint(str(error)),)

    def _write_files(self, upload: Upload, folder: Path) -> bool:
        made = folder / upload.run.header.original.bundled.folder.name
        is_ready = False
        with upload.shipment.catch_errors():
            write_upload(upload, made)
            is_ready = True
        if not is_ready:
            for half in folder.glob(f"{glob.escape(made.name)}*"):
                rmtree(half, ignore_errors=True)  # it must not be sent
        return is_ready

    def _finish_arrived(self, pending: list[Upload]) -> list[Upload]:
        """Finish what is there; return what is not."""
        for pause in _LOOKS:
            time.sleep(pause)
            still: list[Upload] = []
            for place in dict.fromkeys(upload.shipment.place for upload in pending):
                uploads = [upload for upload in pending if upload.shipment.place == place]
                still += self._finish_project(self._projects[place], uploads)
            pending = still
            if not pending:
                break
        return pending

    def _finish_project(self, project: Project, uploads: Sequence[Upload]) -> list[Upload]:
        """Finish what is there in a project; return what is not."""
        look_up_runs(project.existing, [(one.shipment, [one.run.header]) for one in uploads])
        return self._run_all(
            (upload.shipment, partial(self._finish, upload))
            for upload in uploads
            if not upload.shipment.reason
        )

    def _finish(self, upload: Upload) -> Upload | None:
        project, header = self._projects[upload.shipment.place], upload.run.header
        arrival = check(upload, project.existing)
        if arrival.missing:
            return replace(upload, missing=arrival.missing, unlogged=arrival.unlogged)
        losses = (*project.use_losses(upload), *arrival.losses)
        receipt = settle_aliases(upload, arrival, project.newest, losses)
        found = project.found(header)
        project.note_logged(upload)
        if upload.retryable:
            upload.shipment.note_incomplete(header, found, losses)
            self._progress.advance()
            return None
        said = say_words(project.existing, upload.run, receipt, found, project.edit_rule)
        upload.shipment.note_edits(header, said)
        upload.shipment.note(header, found.id, found.url, receipt, wrote=True)
        self._progress.advance()
        return None

    def _note_incomplete(self, upload: Upload, complaints: Sequence[Complaint]) -> None:
        """Settle what is there of a W&B run, and note what W&B did not take."""
        project, header = self._projects[upload.shipment.place], upload.run.header
        why = _complaint(upload, complaints) or "W&B did not take it"
        lost = [
            artifact
            for artifact in upload.run.logged
            if upload.with_wandb_name(artifact).content in upload.unlogged
        ]
        losses = tuple(Loss(f"{header.name}/{artifact.name}", why) for artifact in lost)
        arrival = check(upload, project.existing)
        settle_aliases(upload, arrival, project.newest, ())
        project.note_logged(upload, upload.unlogged)
        others = (*project.use_losses(upload), *arrival.losses)
        upload.shipment.note_incomplete(header, project.found(header), (*losses, *others))

    def _run_all(
        self, actions: Iterable[tuple[Shipment, Callable[[], Upload | None]]]
    ) -> list[Upload]:
        """Carry out actions, several at once; return what is to be sent after them.

        An action that fails is the failure of the flow run beside it.
        """
        futures = [(shipment, self._pool.submit(action)) for shipment, action in actions]
        left: list[Upload] = []
        for shipment, future in futures:
            with shipment.catch_errors():
                upload = future.result()
                left += [] if upload is None else [upload]
        return left


def look_up_runs(
    existing: ExistingRuns, asked: Sequence[tuple[Shipment, Sequence[RunHeader]]]
) -> None:
    """Ask for W&B runs of one project; flow runs that can't go on without an answer fail.

    If an answer about many can't be read, each flow run is asked for alone: it is one's fault.
    """
    try:
        existing.look(header for _, headers in asked for header in headers)
    except SkipFlowRun as error:
        for shipment, _ in asked:
            shipment.fail(error)
    except Exception as error:
        if ends_the_call(error):
            raise
        for shipment, headers in asked:
            with shipment.catch_errors():
                existing.look(headers)


def _not_all_there(upload: Upload, complaints: Sequence[Complaint]) -> SinkError:
    said = _complaint(upload, complaints)
    why = f" ({said})" if said else ""
    return SinkError(f"W&B does not have all of {upload.run.header.name}: {upload.missing}{why}")


def _complaint(upload: Upload, complaints: Sequence[Complaint]) -> str:
    """Return the first thing that W&B said of a W&B run, or of all; empty: nothing."""
    file = f"run-{upload.id}.wandb"
    texts = (said.text for said in complaints if said.path is None or said.path.name == file)
    return next(texts, "")
