"""A batch of W&B runs: prepare them, send them, look them up, and send what is missing again."""

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
from mfwb.sink.client.api import ApiClient
from mfwb.sink.push.bundle_run import RunHeader
from mfwb.sink.push.bytes_sent import bytes_sent
from mfwb.sink.push.commit_order import (
    commit_in_order,
    find_ids,
    has_all,
    leave_uncommitted,
)
from mfwb.sink.push.finalize import set_aliases, write_run_metadata
from mfwb.sink.push.project import Project
from mfwb.sink.push.shipment import ProjectPath, Shipment
from mfwb.sink.push.upload import Upload
from mfwb.sink.push.upload_files import write_upload
from mfwb.sink.push.verify import check_arrival
from mfwb.sink.server.existing_runs import ExistingRuns
from mfwb.sink.wandb_sync.sender import Sender, SyncError
from mfwb.snapshot import Loss

__all__ = ["BatchSender", "look_up_runs"]

_PAUSES = (0.0, 0.5, 2.0)  # seconds before each look-up; a server may take a moment
_TRIES = 2


class BatchSender:
    """Sends batches of W&B runs that do not depend on one another."""

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
        """Send W&B runs; a flow run fails if one of its W&B runs does not arrive.

        If only some artifacts are missing that W&B refused, the push of the flow run goes on.
        """
        pending = self._run_all(
            (shipment, partial(self._prepare, shipment, header)) for shipment, header in runs
        )
        errors: tuple[SyncError, ...] = ()
        for number in range(_TRIES):
            if number:
                pending = self._run_all(
                    (upload.shipment, partial(self._remaining, upload)) for upload in pending
                )
            if pending:
                pending, errors = self._upload_and_commit(pending)
                pending = self._finish_arrived(pending)
        for upload in pending:
            with upload.shipment.catch_errors():
                if upload.unlogged and all(error.path is not None for error in errors):
                    self._note_incomplete(upload, errors)
                else:
                    raise _missing_error(upload, errors)

    def _prepare(self, shipment: Shipment, header: RunHeader) -> Upload | None:
        if shipment.reason:
            return None
        upload = self._projects[shipment.project_path].prepare(shipment, header)
        if upload is None:
            self._note_written(shipment, header)
        return upload

    def _remaining(self, upload: Upload) -> Upload:
        """Return the part of a W&B run that has not arrived yet."""
        project = self._projects[upload.shipment.project_path]
        project.forget_names(upload)
        return project.without_existing_rows(project.with_current_names(upload))

    def _upload(self, pending: Sequence[Upload]) -> tuple[list[Upload], tuple[SyncError, ...]]:
        """Send all uploads whose files can be written; return them, and the errors of W&B."""
        with scratch() as folder:
            ready = [upload for upload in pending if self._write_files(upload, folder)]
            size = sum(artifact.size for upload in ready for artifact in upload.run.logged)
            for upload in ready:
                self._progress.writing(upload.shipment.cargo.entry.flow_run, upload.run.header.name)

            def notify(sent: int, total: int) -> None:  # `wandb sync` sends all of them at once
                self._progress.uploading(ready[0].run.header.name, sent, total)

            try:
                return ready, self._sender.send(
                    folder, runs=len(ready), size=size, notify=notify if ready else None
                )
            except SinkError as error:
                return ready, (SyncError(str(error)),)

    def _upload_and_commit(
        self, pending: Sequence[Upload]
    ) -> tuple[list[Upload], tuple[SyncError, ...]]:
        """Send uploads, and give their artifacts version numbers in the order of the W&B runs.

        The W&B runs are those of one batch, in reverse order.
        """
        sent, errors = self._upload(leave_uncommitted(pending))
        for path in dict.fromkeys(upload.shipment.project_path for upload in sent):
            uploads = [
                upload
                for upload in reversed(sent)
                if upload.shipment.project_path == path and upload.uncommitted
            ]
            if not uploads:
                continue
            try:
                errors += self._commit(self._projects[path].client, uploads)
            except SkipFlowRun as error:
                errors += (SyncError(str(error)),)
        return sent, errors

    def _commit(self, client: ApiClient, uploads: Sequence[Upload]) -> tuple[SyncError, ...]:
        """Commit the artifacts of the W&B runs of one project, in this order; SkipFlowRun.

        What has not arrived is sent once more before: later ones would get the numbers. Returns the
        errors of that.
        """
        errors: tuple[SyncError, ...] = ()
        ids = find_ids(client, uploads)
        unsent = [upload for upload in uploads if not has_all(upload, ids)]
        if unsent:
            remaining = self._run_all(
                (upload.shipment, partial(self._remaining, upload)) for upload in unsent
            )
            _, errors = self._upload(remaining)
            ids |= find_ids(client, unsent)
        commit_in_order(client, uploads, ids)
        return errors

    def _write_files(self, upload: Upload, folder: Path) -> bool:
        """Write the files of an upload; return whether that worked."""
        run_folder = folder / upload.run.header.original.bundled.folder.name
        is_written = False
        with upload.shipment.catch_errors():
            write_upload(upload, run_folder)
            is_written = True
        if not is_written:
            for incomplete in folder.glob(f"{glob.escape(run_folder.name)}*"):
                rmtree(incomplete, ignore_errors=True)  # it must not be sent
        return is_written

    def _finish_arrived(self, pending: list[Upload]) -> list[Upload]:
        """Finish the uploads that have arrived; return the others."""
        for pause in _PAUSES:
            time.sleep(pause)
            missing: list[Upload] = []
            for path in dict.fromkeys(upload.shipment.project_path for upload in pending):
                uploads = [upload for upload in pending if upload.shipment.project_path == path]
                missing += self._finish_project(self._projects[path], uploads)
            pending = missing
            if not pending:
                break
        return pending

    def _finish_project(self, project: Project, uploads: Sequence[Upload]) -> list[Upload]:
        """Finish the uploads to a project that have arrived; return the others."""
        runs = [(upload.shipment, [upload.run.header]) for upload in uploads]
        look_up_runs(project.existing, runs)
        return self._run_all(
            (upload.shipment, partial(self._finish, upload))
            for upload in uploads
            if not upload.shipment.reason
        )

    def _finish(self, upload: Upload) -> Upload | None:
        project, header = self._projects[upload.shipment.project_path], upload.run.header
        arrival = check_arrival(upload, project.existing)
        if arrival.missing:
            return replace(upload, missing=arrival.missing, unlogged=arrival.unlogged)
        losses = (*project.use_losses(upload), *arrival.losses)
        receipt = set_aliases(upload, arrival, project.latest_alias, project.rule_writer, losses)
        existing = project.get_existing(header)
        project.note_logged(upload)
        if upload.retryable:
            upload.shipment.note_incomplete(
                header, existing, losses, sent=bytes_sent(upload, receipt)
            )
            self._note_written(upload.shipment, header)
            return None
        edits = write_run_metadata(
            project.existing, upload.run, receipt, existing, project.edit_rule
        )
        upload.shipment.note_edits(header, edits)
        sent = bytes_sent(upload, receipt)
        upload.shipment.note(header, existing.id, existing.url, receipt, wrote=True, sent=sent)
        self._note_written(upload.shipment, header)
        return None

    def _note_written(self, shipment: Shipment, header: RunHeader) -> None:
        self._progress.written(shipment.cargo.entry.flow_run, header.name)

    def _note_incomplete(self, upload: Upload, errors: Sequence[SyncError]) -> None:
        """Finish a W&B run without the artifacts that W&B refused, and note these as losses."""
        project, header = self._projects[upload.shipment.project_path], upload.run.header
        why = _error_of(upload, errors) or "W&B did not accept it"
        refused = [
            artifact
            for artifact in upload.run.logged
            if upload.with_wandb_name(artifact).content in upload.unlogged
        ]
        losses = tuple(Loss(f"{header.name}/{artifact.name}", why) for artifact in refused)
        arrival = check_arrival(upload, project.existing)
        receipt = set_aliases(upload, arrival, project.latest_alias, project.rule_writer, ())
        project.note_logged(upload, upload.unlogged)
        other_losses = (*project.use_losses(upload), *arrival.losses)
        upload.shipment.note_incomplete(
            header,
            project.get_existing(header),
            (*losses, *other_losses),
            sent=bytes_sent(upload, receipt, refused=upload.unlogged),
        )

    def _run_all(
        self, actions: Iterable[tuple[Shipment, Callable[[], Upload | None]]]
    ) -> list[Upload]:
        """Run actions in the pool; return the uploads that they return.

        An error of an action is the failure of the flow run that the action belongs to.
        """
        futures = [(shipment, self._pool.submit(action)) for shipment, action in actions]
        uploads: list[Upload] = []
        for shipment, future in futures:
            with shipment.catch_errors():
                upload = future.result()
                uploads += [] if upload is None else [upload]
        return uploads


def look_up_runs(
    existing: ExistingRuns, runs: Sequence[tuple[Shipment, Sequence[RunHeader]]]
) -> None:
    """Look up W&B runs of one project; the flow runs fail if W&B does not answer.

    If the answer can't be read, each flow run is looked up alone, so that only the flow run with
    the unreadable answer fails.
    """
    try:
        existing.fetch(header for _, headers in runs for header in headers)
    except SkipFlowRun as error:
        for shipment, _ in runs:
            shipment.fail(error)
    except Exception as error:
        if ends_the_call(error):
            raise
        for shipment, headers in runs:
            with shipment.catch_errors():
                existing.fetch(headers)


def _missing_error(upload: Upload, errors: Sequence[SyncError]) -> SinkError:
    error = _error_of(upload, errors)
    why = f" ({error})" if error else ""
    return SinkError(f"W&B does not have all of {upload.run.header.name}: {upload.missing}{why}")


def _error_of(upload: Upload, errors: Sequence[SyncError]) -> str:
    """Return the text of the first error that concerns a W&B run, or all; empty: none."""
    file = f"run-{upload.id}.wandb"
    texts = (error.text for error in errors if error.path is None or error.path.name == file)
    return next(texts, "")
