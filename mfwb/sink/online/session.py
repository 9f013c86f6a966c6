"""W&B runs on a server."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import wandb

from mfwb.errors import SinkError
from mfwb.outcome import OutputOutcome
from mfwb.planning import InputArtifact, Plan, PlannedRun, WandbRunId
from mfwb.planning.names import names_in_project
from mfwb.ports import ReadyRun, WrittenRun
from mfwb.sink.client.api import ApiClient, refused_error
from mfwb.sink.client.collections import Collections
from mfwb.sink.client.core_log import has_failed_to_open, read_first_error
from mfwb.sink.client.private import FAILURES, find_core_death, is_unreadable_answer
from mfwb.sink.client.process_wide import without_config_defaults
from mfwb.sink.client.refusals import explain_error, is_access_denied
from mfwb.sink.client.retry_budget import MIN_BYTES_PER_SECOND
from mfwb.sink.content.edits import (
    EditRule,
    MergedMetadata,
    merge_metadata,
    new_run_metadata,
    select_others_summary,
)
from mfwb.sink.content.receipt import Receipt, use_item, use_name, uses_of
from mfwb.sink.content.run_content import done, has_empty_dict, summary_keys
from mfwb.sink.content.run_texts import planned_run_metadata, read_run_metadata
from mfwb.sink.history.append_rows import append_rows
from mfwb.sink.history.read_rows import History, Row, missing_rows
from mfwb.sink.online.in_flight import InFlight
from mfwb.sink.online.uploads import Upload, UploadResult, Uploads
from mfwb.sink.online.write_run import (
    init_arguments,
    resume_arguments,
    write_all,
    write_history,
    write_sent_marker,
)
from mfwb.sink.server.arrivals import Arrivals, SentRun
from mfwb.sink.server.claims import Claim, Claims
from mfwb.sink.server.existing_runs import ExistingRun, ExistingRuns
from mfwb.sink.server.latest_alias import LatestAlias
from mfwb.sink.server.ownership import raise_if_foreign
from mfwb.sink.server.run_generations import digest_of_id
from mfwb.sink.server.update_run import amend, has_same_content
from mfwb.sink.setup.quiet_settings import REQUIRED_SETTINGS, replay_settings
from mfwb.sink.setup.run_settings import run_settings
from mfwb.snapshot import Loss

__all__ = ["OnlineSession"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Project:
    """What all sessions of a call share that write into one project.

    Attributes:
        force: whether W&B runs are written that are complete, too.
        edit_rule: about what others changed of mfwb's words.
    """

    client: ApiClient
    entity: str
    name: str
    collections: Collections
    newest: LatestAlias
    under_way: InFlight
    scratch: Path
    force: bool
    edit_rule: EditRule


class OnlineSession:
    """Writes the W&B runs of one flow run to a server."""

    def __init__(
        self,
        plan: Plan,
        project: Project,
        existing: ExistingRuns,
        claims: Claims,
        written: Collection[str],
    ) -> None:
        self._plan = plan
        self._project = project
        self._client = project.client
        self._existing = existing
        self._claims = claims
        self._written_once = {digest_of_id(one) for one in written}
        self._uploads = Uploads(
            plan, project.client, project.collections, project.newest, project.under_way
        )
        self._arrivals = Arrivals(
            existing, writer=claims.writer, retry_budget=project.client.retry_budget.seconds
        )
        self._logged: dict[tuple[WandbRunId, str], wandb.Artifact] = {}
        self._known: set[WandbRunId] = set()  # whose artifacts were asked for
        self._missing: set[tuple[WandbRunId, str]] = set()  # it may arrive another time
        self._lock = threading.Lock()
        for run in plan.runs:
            raise_if_foreign(existing.get(run.id), run, plan.source)
        planned = {(one.name, one.type) for run in plan.runs for one in run.outputs}
        project.newest.announce(planned, plan.source.created_at)

    def find(self, run: PlannedRun) -> WrittenRun | None:
        """Return what is there of a W&B run if all of this very plan is; else None."""
        found = self._existing.get(run.id)
        if found is None or found.complete is None:
            return None
        if not has_same_content(found.complete, run.fingerprint):
            return None
        if found.receipt is not None:
            receipt = found.receipt
            return WrittenRun(found.id, found.url, receipt.outputs, receipt.losses)
        self._know(run.id)
        found_outputs = (self._find_logged(run.id, one.name, one.type) for one in run.outputs)
        outputs = [_found_output(one) for one in found_outputs if one is not None]
        return WrittenRun(found.id, found.url, tuple(outputs), ())

    def amend(self, run: PlannedRun, found: WrittenRun) -> WrittenRun:
        """Bring the words of a W&B run that was found up to date, and what it uses."""
        existing = self._existing.get(run.id)
        if existing is None:
            return found
        before = existing.receipt
        if before is None:  # too long to be kept; then words are all that can be told apart
            if existing.complete == run.fingerprint:
                return found
            before = Receipt(found.outputs, uses=uses_of(run, ()))
        new = [used for used in run.inputs if use_name(used) not in before.uses]
        lost = {use_item(run, used): self._use_later(existing, run, used) for used in new}
        losses = tuple(loss for loss in before.losses if lost.get(loss.item, True))
        uses = tuple(sorted({*before.uses, *uses_of(run, losses)}))
        receipt = replace(before, losses=losses, uses=uses)
        if existing.complete == run.fingerprint and receipt == before:
            return found
        said = amend(
            self._existing,
            existing,
            planned_run_metadata(self._plan, run, self._claims.writer),
            done(run.fingerprint, receipt),
            self._project.edit_rule,
        )
        return replace(
            found, losses=losses, amended=True, edits_kept=said.kept, edits_undone=said.undone
        )

    def write(self, run: PlannedRun, ready: ReadyRun) -> WrittenRun:
        """Write one W&B run, or bring an existing one of ours up to date."""
        while True:
            core_restarts = self._client.core_restarts
            try:
                claim = self._claims.claim(
                    run, was_there=digest_of_id(run.id) in self._written_once
                )
                if claim.id is None:
                    return WrittenRun(run.id, "", (), (), deleted=True)
                if not claim.is_new and not self._project.force and (by_another := self.find(run)):
                    return by_another
                return self._open_and_fill(run, ready, claim)
            except (SinkError, *FAILURES) as error:
                if find_core_death(error) is None:
                    raise
                if not self._client.restart_core(core_restarts):
                    raise SinkError(f"{run.name}: wandb-core keeps ending unexpectedly") from error
                self._existing.fetch([run])

    def confirm(self) -> dict[str, tuple[Loss, ...]]:
        """Read back all that was written, and mark it as complete; SinkError if it is not."""
        return self._arrivals.confirm()

    def _open_and_fill(self, run: PlannedRun, ready: ReadyRun, claim: Claim) -> WrittenRun:
        said = self._merged_metadata(run, claim)
        others = self._others_summary(run, ready, claim)
        now: Sequence[Row] = ready.history
        later: Sequence[Row] = ()
        if not claim.is_new:
            now, later = self._rows_to_write(run, ready, others)
        written = self._in(
            self._open(
                run, ready, init_arguments(self._plan, said.run_metadata, claim.id or run.id)
            ),
            run,
            lambda open_run: self._fill(open_run, run, ready, claim, said, rows=now, others=others),
        )
        if later:
            resumed = self._open(run, ready, resume_arguments(self._plan, claim.id or run.id))
            self._in(resumed, run, lambda open_run: self._append(open_run, run, later))
        return written

    def _open(self, run: PlannedRun, ready: ReadyRun, arguments: dict[str, Any]) -> wandb.Run:
        retry_budget = self._client.retry_budget
        retry_budget.raise_if_spent(f"open {run.name}")
        users = {k: v for k, v in run.wandb_settings.items() if not k.startswith("run_")}
        try:
            with retry_budget.count_failed_wait(), without_config_defaults():
                open_run = wandb.init(
                    **arguments,
                    dir=str(self._project.scratch),
                    settings=run_settings(
                        {**run.origin, **users},
                        {
                            **replay_settings(retry_budget.seconds),
                            **REQUIRED_SETTINGS,
                            "mode": "online",
                            "base_url": self._client.base_url,
                            "init_timeout": retry_budget.wait_limit,
                            "finish_timeout": retry_budget.wait_limit,
                            "x_file_transfer_timeout_seconds": _transfer_seconds(ready),
                        },
                    ),
                )
        except Exception as error:
            if not (isinstance(error, FAILURES) or is_unreadable_answer(error)) or find_core_death(
                error
            ):
                raise
            why = f"{run.name}: W&B did not open the run: {explain_error(error)}"
            if is_access_denied(error):
                raise refused_error(self._existing.path, why) from error
            raise SinkError(why) from error
        if has_failed_to_open(open_run):
            with suppress(*FAILURES):
                open_run.finish(exit_code=1)
            raise SinkError(f"{run.name}: W&B did not open the run: it answered null")
        return open_run

    def _in(self, open_run: wandb.Run, run: PlannedRun, action: Callable[[wandb.Run], T]) -> T:
        """Return what a deed returns that ends with the open W&B run being finished."""
        try:
            return action(open_run)
        except BaseException as error:
            if find_core_death(
                error
            ):  # nobody is left who could finish it, and asking may never end
                raise
            with suppress(*FAILURES):
                open_run.finish(exit_code=1)
            if isinstance(error, FAILURES) or is_unreadable_answer(error):
                raise SinkError(f"{run.name}: W&B failed: {explain_error(error)}") from error
            raise

    def _append(self, open_run: wandb.Run, run: PlannedRun, rows: Sequence[Row]) -> None:
        """Write rows behind those that a W&B run has, which is open as one that goes on."""
        write_history(open_run, run, rows)
        with self._client.retry_budget.count_failed_wait():
            open_run.finish(exit_code=run.exit_code)

    def _merged_metadata(self, run: PlannedRun, claim: Claim) -> MergedMetadata:
        """Return what a W&B run that was claimed is to say; what others wrote in it stays."""
        meant = planned_run_metadata(self._plan, run, self._claims.writer)
        if not claim.is_new:
            self._existing.fetch([run])  # what people wrote since it was looked up
        found = self._existing.get(run.id)
        if claim.is_new or found is None:
            return MergedMetadata(new_run_metadata(meant))
        return merge_metadata(
            meant,
            read_run_metadata(found.handle),
            self._project.edit_rule,
        )

    def _others_summary(self, run: PlannedRun, ready: ReadyRun, claim: Claim) -> dict[str, Any]:
        """Return what others wrote into the summary: W&B replaces all of it."""
        found = self._existing.get(run.id)
        if claim.is_new or found is None:
            return {}
        wrote = found.receipt.summary_keys if found.receipt else ()
        return select_others_summary(found.handle.summary_metrics, summary_keys(run, ready), wrote)

    def _fill(  # noqa: PLR0913 - all of it
        self,
        open_run: wandb.Run,
        run: PlannedRun,
        ready: ReadyRun,
        claim: Claim,
        said: MergedMetadata,
        *,
        rows: Sequence[Row],
        others: Mapping[str, Any],
    ) -> WrittenRun:
        """Say all of a W&B run, and these rows of its history; return what became of it."""
        there: dict[str, wandb.Artifact] = {}
        if not claim.is_new:
            there = {name: one for (of, name), one in self._know(run.id).items() if of == run.id}
        losses = [loss for used in run.inputs if (loss := self._use(open_run, run, used))]
        waits = any((used.producer, used.name) in self._missing for used in run.inputs)
        uploads: list[Upload] = []
        try:
            self._project.collections.load(one.planned.name for one in ready.artifacts)
            uploads.extend(
                self._uploads.start(open_run, run, artifact, there) for artifact in ready.artifacts
            )
            write_all(open_run, run, ready, rows=rows, others=others)
            arrived = self._uploads.wait_for(open_run, uploads)
        finally:
            self._uploads.let_go(uploads)
        for one in arrived:
            self._note(run, one)
        losses += [one.loss for one in arrived if one.loss]
        outputs = tuple(one.output for one in arrived if one.output)
        complete = not waits and not any(one.try_again for one in arrived)
        token = uuid4().hex
        if complete:
            write_sent_marker(open_run, token)
        with self._client.retry_budget.count_failed_wait():
            open_run.finish(exit_code=run.exit_code)
        if complete:
            all_losses = (*ready.losses, *losses)
            receipt = Receipt(
                outputs, all_losses, uses_of(run, all_losses), summary_keys(run, ready)
            )
            used = {logged.id for one in run.inputs if (logged := self._find_used(one))}
            self._arrivals.expect(
                SentRun.of(
                    run,
                    receipt,
                    ready.history,
                    token=token,
                    uses=frozenset(used),
                    complaint=read_first_error(open_run),
                    job_type=said.run_metadata.job_type,
                    run_metadata=said.run_metadata
                    if has_empty_dict(said.run_metadata.config)
                    else None,
                )
            )
        return WrittenRun(
            id=claim.id or run.id,
            place=str(open_run.url),
            outputs=outputs,
            losses=tuple(losses),
            complete=complete,
            trouble=next((one.trouble for one in arrived if one.trouble), ""),
            edits_kept=said.kept,
            edits_undone=said.undone,
        )

    def _rows_to_write(
        self, run: PlannedRun, ready: ReadyRun, others: Mapping[str, Any]
    ) -> tuple[Sequence[Row], Sequence[Row]]:
        """Return which rows a W&B run that is there has to get: now, and when it is resumed.

        The SDK writes behind as many rows as W&B says that there are, and some servers say 0 to
        whoever opens a run anew; the rows that are there would be overwritten. A resumed run asks
        for the true number, but takes only steps behind the last one. Others are sent beforehand.
        """
        there = self._existing.read_histories([run.id]).get(run.id, History())
        missing = missing_rows(ready.history, there.rows)
        if not missing or not (there.rows or there.lines):
            return missing, ()
        if missing[0][0] > there.last_step:
            return (), missing
        found = self._existing.get(run.id)
        place = (self._project.entity, self._project.name, found.id if found else run.id)
        append_rows(self._client, place, run, missing, others)
        return (), ()

    def _note(self, run: PlannedRun, arrived: UploadResult) -> None:
        with self._lock:
            if arrived.artifact is not None:
                self._logged[run.id, _name_of(arrived.artifact)] = arrived.artifact
            elif arrived.try_again:
                self._missing.add((run.id, arrived.name))

    def _use(self, open_run: wandb.Run, run: PlannedRun, used: InputArtifact) -> Loss | None:
        logged = self._find_used(used)
        if logged is None:
            reason = f"{used.producer_name} could not log it"
            if used.place:
                reason = f"{used.producer_name} has not logged it in W&B; sync that first"
            return Loss(use_item(run, used), reason)
        self._client.retry_budget.attempt(
            lambda: open_run.use_artifact(logged), f"let {run.name} use {used.name}"
        )
        return None

    def _use_later(self, existing: ExistingRun, run: PlannedRun, used: InputArtifact) -> bool:
        """Let a W&B run that is finished use an artifact; return whether there is none."""
        logged = self._find_used(used)
        if logged is not None:
            self._existing.call_with_run(
                existing,
                lambda handle: handle.use_artifact(logged),
                f"let {run.name} use {used.name}",
            )
        return logged is None

    def _find_used(self, used: InputArtifact) -> wandb.Artifact | None:
        found = self._find_logged(used.producer, used.name, used.type)
        if found is None:
            self._know(used.producer, used.place)
            found = self._find_logged(used.producer, used.name, used.type)
        return found

    def _find_logged(self, run_id: WandbRunId, name: str, type_: str) -> wandb.Artifact | None:
        """Return what is known that a W&B run logged, whatever it is called in this project."""
        found = (self._logged.get((run_id, one)) for one in names_in_project(name, type_))
        return next((one for one in found if one is not None and one.type == type_), None)

    def _know(
        self, run_id: WandbRunId, place: str = ""
    ) -> dict[tuple[WandbRunId, str], wandb.Artifact]:
        """Return the artifacts that are known, those of this W&B run among them.

        Args:
            run_id: as planned.
            place: `entity/project` of another flow run's; empty: of this flow run's.
        """
        with self._lock:
            if run_id in self._known:
                return self._logged
        if place:
            provider = self._plan.source.provider
            found = self._existing.list_logged_artifacts_elsewhere(place, run_id, provider)
        elif self._existing.get(run_id) is not None:
            found = self._existing.list_logged_artifacts(run_id)
        else:
            found = []
        with self._lock:
            self._known.add(run_id)
            for artifact in found:
                self._logged.setdefault((run_id, _name_of(artifact)), artifact)
            return self._logged


def _transfer_seconds(ready: ReadyRun) -> float:
    """Return how long the upload of the largest file may take, rather generously."""
    sizes = (file.size for artifact in ready.artifacts for file in artifact.files)
    return _LEAST_TRANSFER + max(sizes, default=0) / MIN_BYTES_PER_SECOND


_LEAST_TRANSFER = 30.0  # seconds


def _name_of(artifact: wandb.Artifact) -> str:
    return str(artifact.name.rpartition(":")[0])


def _found_output(artifact: wandb.Artifact) -> OutputOutcome:
    return OutputOutcome(
        name=_name_of(artifact),
        type=artifact.type,
        digest=artifact.digest,
        size=artifact.size,
        files=tuple(sorted(artifact.manifest.entries)),
        version=artifact.version,
    )
