"""W&B runs on a server."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import wandb

from mfwb.errors import SinkError
from mfwb.outcome import OutputOutcome
from mfwb.planning import InputArtifact, Plan, PlannedRun
from mfwb.planning.missing_uses import explain_missing_online
from mfwb.planning.names import names_in_project
from mfwb.ports import AppliedRule, ChartAxis, ReadyRun, WrittenRun
from mfwb.sink.client.api import ApiClient, refused_error
from mfwb.sink.client.collections import Collections
from mfwb.sink.client.core_log import (
    count_refused,
    find_first_error,
    has_failed_to_open,
    read_log,
)
from mfwb.sink.client.core_messages import replaying
from mfwb.sink.client.private import (
    FAILURES,
    bytes_uploaded_by,
    find_core_death,
    is_unreadable_answer,
)
from mfwb.sink.client.refusals import explain_error, is_access_denied
from mfwb.sink.client.retry_budget import MIN_BYTES_PER_SECOND
from mfwb.sink.content.edits import (
    EditRule,
    MergedMetadata,
    merge_metadata,
    new_run_metadata,
    select_others_summary,
)
from mfwb.sink.content.history_rows import build_rows
from mfwb.sink.content.producers import Producers
from mfwb.sink.content.receipt import Receipt, use_item, use_name, uses_of
from mfwb.sink.content.run_content import done, has_empty_dict, summary_keys
from mfwb.sink.content.run_metadata import planned_run_metadata, read_run_metadata
from mfwb.sink.history.append_rows import append_rows
from mfwb.sink.history.read_rows import History, Row, missing_rows
from mfwb.sink.online.in_flight import InFlight
from mfwb.sink.online.logged_artifacts import LoggedArtifacts, collection_name
from mfwb.sink.online.upload_watch import UploadWatch
from mfwb.sink.online.uploads import Upload, Uploads
from mfwb.sink.online.uses import Uses
from mfwb.sink.online.version_order import VersionOrder
from mfwb.sink.online.write_run import (
    settings_of_new,
    settings_of_resumed,
    write_all,
    write_history,
    write_sent_marker,
)
from mfwb.sink.server.arrivals import Arrivals, SentRun
from mfwb.sink.server.artifact_rules import RuleWriter, VersionRules
from mfwb.sink.server.claims import Claim, ClaimRequests, Claims
from mfwb.sink.server.existing_runs import ExistingRun, ExistingRuns
from mfwb.sink.server.latest_alias import LatestAlias, Moment
from mfwb.sink.server.ownership import raise_if_foreign
from mfwb.sink.server.run_generations import digest_of_id
from mfwb.sink.server.update_run import has_same_content, update_metadata
from mfwb.sink.setup.quiet_settings import REQUIRED_SETTINGS, replay_settings
from mfwb.sink.setup.run_settings import run_settings
from mfwb.snapshot import Loss

__all__ = ["OnlineSession"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Project:
    """The state that all sessions share which write into one project.

    Attributes:
        force: whether complete W&B runs are written again.
        edit_rule: how edits of other people are treated.
    """

    client: ApiClient
    entity: str
    name: str
    collections: Collections
    latest_alias: LatestAlias
    rule_writer: RuleWriter
    in_flight: InFlight
    upload_watch: UploadWatch
    claim_requests: ClaimRequests
    scratch: Path
    force: bool
    edit_rule: EditRule


class OnlineSession:
    """Write the W&B runs of one flow run to a server."""

    def __init__(
        self,
        plan: Plan,
        project: Project,
        existing_runs: ExistingRuns,
        claims: Claims,
        written: Collection[str],
    ) -> None:
        self._plan = plan
        self._project = project
        self._client = project.client
        self._existing_runs = existing_runs
        self._claims = claims
        self._digests_written_before = {digest_of_id(run_id) for run_id in written}
        self._version_order = VersionOrder()
        self._producers = Producers()
        self._uploads = Uploads(
            plan,
            project.client,
            collections=project.collections,
            latest_alias=project.latest_alias,
            rule_writer=project.rule_writer,
            in_flight=project.in_flight,
            version_order=self._version_order,
        )
        self._arrivals = Arrivals(
            existing_runs, writer=claims.writer, wait_seconds=project.client.retry_budget.seconds
        )
        self._logged = LoggedArtifacts(existing_runs, plan.source.provider)
        self._uses = Uses(project.client, project.entity, project.name)
        for run in plan.runs:
            raise_if_foreign(existing_runs.get(run.id), run, plan.source)
        planned = {(output.name, output.type) for run in plan.runs for output in run.outputs}
        project.latest_alias.announce(planned, plan.source.created_at)

    def find_existing(self, run: PlannedRun) -> WrittenRun | None:
        """Return the existing W&B run if it has all of this plan; else None."""
        existing = self._existing_runs.get(run.id)
        if existing is None or existing.complete is None:
            return None
        if not has_same_content(existing.complete, run.fingerprint):
            return None
        if existing.receipt is not None:
            receipt = existing.receipt
            return WrittenRun(
                existing.id,
                existing.url,
                receipt.outputs,
                receipt.losses,
                log_lines=receipt.log_lines,
                log_bytes_left_out=receipt.log_bytes_left_out,
                masked=receipt.masked,
            )
        self._logged.of_run(run.id)
        outputs = [
            _output_of(artifact, len(output.written_files))
            for output in run.outputs
            if (artifact := self._logged.find(run.id, output.name, output.type)) is not None
        ]
        return WrittenRun(existing.id, existing.url, tuple(outputs), ())

    def update(
        self, run: PlannedRun, before_update: WrittenRun, rules: Mapping[str, AppliedRule]
    ) -> WrittenRun:
        """Update the metadata of an existing W&B run, and the artifacts that it uses."""
        self._producers.wait(run.inputs)
        existing = self._existing_runs.get(run.id)
        if existing is None:
            return before_update
        before = existing.receipt
        if before is None:  # the receipt was too long; then only metadata can be compared
            if existing.complete == run.fingerprint:
                return before_update
            before = Receipt(before_update.outputs, uses=uses_of(run, ()))
        new = [used for used in run.inputs if use_name(used) not in before.uses]
        lost = {use_item(run, used): self._use_in_finished_run(existing, run, used) for used in new}
        losses = tuple(loss for loss in before.losses if lost.get(loss.item, True))
        uses = tuple(sorted({*before.uses, *uses_of(run, losses)}))
        outputs, losses = self._write_rules(run, before.outputs, losses, rules)
        receipt = replace(before, outputs=outputs, losses=losses, uses=uses)
        if existing.complete == run.fingerprint and receipt == before:
            return before_update
        merged = update_metadata(
            self._existing_runs,
            existing,
            planned_run_metadata(self._plan, run, self._claims.writer),
            done(run.fingerprint, receipt),
            self._project.edit_rule,
        )
        return replace(
            before_update,
            outputs=outputs,
            losses=losses,
            updated=True,
            edits_kept=merged.kept,
            edits_undone=merged.undone,
        )

    def _write_rules(
        self,
        run: PlannedRun,
        outputs: Sequence[OutputOutcome],
        losses: Sequence[Loss],
        rules: Mapping[str, AppliedRule],
    ) -> tuple[tuple[OutputOutcome, ...], tuple[Loss, ...]]:
        """Give the artifacts of an existing W&B run what changed rules say.

        Returns:
            The outputs and losses for its receipt.
        """
        wanted: dict[str, VersionRules] = {}
        by_name = {output.name: output for output in outputs}
        for planned in run.outputs:
            names = names_in_project(planned.name, planned.type)
            name = next((name for name in names if name in by_name), None)
            if name is not None:
                applied = rules.get(planned.name)
                metadata = {**(applied.metadata if applied else {}), **planned.metadata}
                outcome = applied.outcome if applied else None
                wanted[name] = VersionRules(outcome, metadata, run.name)
        moment = Moment.of(self._plan.source.created_at, run.ended_at)
        return self._project.rule_writer.update(outputs, losses, moment, wanted)

    def enqueue(self, run: PlannedRun) -> None:
        """Note that a W&B run will be written, after those that were noted before."""
        self._version_order.enqueue(run.id, (output.name for output in run.outputs))
        self._producers.enqueue(run.id)

    def dequeue(self, run: PlannedRun, *, written: bool) -> None:
        """Note that a W&B run was written, or will not be: no other one waits for it."""
        self._producers.dequeue(run.id, written=written)
        self._version_order.dequeue(run.id, (output.name for output in run.outputs))

    def write(self, run: PlannedRun, ready: ReadyRun) -> WrittenRun:
        """Write one W&B run, or update an existing one of ours."""
        self._producers.raise_if_failed(run.inputs)
        while True:
            core_restarts = self._client.core_restarts
            try:
                claim = self._claims.claim(
                    run, was_written=digest_of_id(run.id) in self._digests_written_before
                )
                if claim.id is None:
                    return WrittenRun(run.id, "", (), (), deleted=True)
                if (
                    not claim.is_new
                    and not self._project.force
                    and (written := self.find_existing(run))
                ):
                    return written
                with replaying():
                    return self._open_and_fill(run, ready, claim)
            except (SinkError, *FAILURES) as error:
                if find_core_death(error) is None:
                    raise
                if not self._client.restart_core(core_restarts):
                    raise SinkError(f"{run.name}: wandb-core keeps ending unexpectedly") from error
                self._existing_runs.fetch([run])

    def confirm(self) -> dict[str, tuple[Loss, ...]]:
        """Write the uses, read back all that was written, and mark it; SinkError if it is not."""
        self._uses.write()
        return self._arrivals.confirm()

    def _open_and_fill(self, run: PlannedRun, ready: ReadyRun, claim: Claim) -> WrittenRun:
        merged = self._merged_metadata(run, claim)
        others = self._summary_of_others(run, ready, claim)
        planned: Sequence[Row] = build_rows(ready)
        rows_now: Sequence[Row] = planned
        rows_later: Sequence[Row] = ()
        if not claim.is_new:
            rows_now, rows_later = self._rows_to_write(run, ready, planned, others)
        written = self._run_and_finish(
            self._open(
                run,
                ready,
                settings_of_new(self._plan, merged.run_metadata, claim.id or run.id),
                merged.run_metadata.config,
            ),
            run,
            lambda open_run: self._fill(
                open_run,
                run,
                ready,
                claim,
                merged,
                planned=planned,
                rows=rows_now,
                others=others,
            ),
        )
        if rows_later:
            resumed = self._open(run, ready, settings_of_resumed(self._plan, claim.id or run.id))
            self._run_and_finish(
                resumed, run, lambda open_run: self._append(open_run, run, rows_later, ready.axes)
            )
        return written

    def _open(
        self,
        run: PlannedRun,
        ready: ReadyRun,
        fields: Mapping[str, Any],
        config: Mapping[str, Any] | None = None,
    ) -> wandb.Run:
        """Open a W&B run; SinkError.

        Args:
            run: the planned run.
            ready: its values and files.
            fields: of `wandb.Settings`, which say which W&B run this is.
            config: its whole config; None: that of the existing one stays.
        """
        retry_budget = self._client.retry_budget
        retry_budget.raise_if_spent(f"open {run.name}")
        given = {k: v for k, v in run.wandb_settings.items() if not k.startswith("run_")}
        try:
            with retry_budget.count_failed_wait():
                open_run = wandb.init(
                    config=None if config is None else dict(config),
                    settings=run_settings(
                        {**run.origin, **given},
                        {
                            **replay_settings(retry_budget.seconds),
                            **REQUIRED_SETTINGS,
                            **fields,
                            "root_dir": str(self._project.scratch),
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
            reason = f"{run.name}: W&B did not open the run: {explain_error(error)}"
            if is_access_denied(error):
                raise refused_error(self._existing_runs.path, reason) from error
            raise SinkError(reason) from error
        if has_failed_to_open(read_log(open_run)):
            with suppress(*FAILURES):
                open_run.finish(exit_code=1)
            raise SinkError(f"{run.name}: W&B did not open the run: it answered null")
        return open_run

    def _run_and_finish(
        self, open_run: wandb.Run, run: PlannedRun, action: Callable[[wandb.Run], T]
    ) -> T:
        """Return the result of an action that finishes the open W&B run at its end."""
        try:
            return action(open_run)
        except BaseException as error:
            if find_core_death(error):  # then no process can finish it, and `finish` may hang
                raise
            with suppress(*FAILURES):
                open_run.finish(exit_code=1)
            if isinstance(error, FAILURES) or is_unreadable_answer(error):
                raise SinkError(f"{run.name}: W&B failed: {explain_error(error)}") from error
            raise

    def _append(
        self,
        open_run: wandb.Run,
        run: PlannedRun,
        rows: Sequence[Row],
        axes: Sequence[ChartAxis],
    ) -> None:
        """Append rows to the history of a resumed W&B run."""
        write_history(open_run, rows, axes, self._start_of(run))
        with self._client.retry_budget.count_failed_wait():
            open_run.finish(exit_code=run.exit_code)

    def _start_of(self, run: PlannedRun) -> int:
        """Return the start of a W&B run in epoch ms; of its flow run, if its own is not known."""
        return self._plan.source.created_at if run.started_at is None else run.started_at

    def _merged_metadata(self, run: PlannedRun, claim: Claim) -> MergedMetadata:
        """Return the metadata for a claimed W&B run; edits of other people stay."""
        planned = planned_run_metadata(self._plan, run, self._claims.writer)
        if claim.is_new:
            return MergedMetadata(new_run_metadata(planned))
        # People may have edited it since the last request.
        existing = self._existing_runs.fetch([run]).get(run.id)
        if existing is None:
            return MergedMetadata(new_run_metadata(planned))
        return merge_metadata(planned, read_run_metadata(existing.handle), self._project.edit_rule)

    def _summary_of_others(self, run: PlannedRun, ready: ReadyRun, claim: Claim) -> dict[str, Any]:
        """Return the summary values of other people: W&B replaces the whole summary."""
        existing = self._existing_runs.get(run.id)
        if claim.is_new or existing is None:
            return {}
        written_keys = existing.receipt.summary_keys if existing.receipt else ()
        return select_others_summary(
            existing.handle.summary_metrics, summary_keys(run, ready), written_keys
        )

    def _fill(  # noqa: PLR0913 - all of it
        self,
        open_run: wandb.Run,
        run: PlannedRun,
        ready: ReadyRun,
        claim: Claim,
        merged: MergedMetadata,
        *,
        planned: Sequence[Row],
        rows: Sequence[Row],
        others: Mapping[str, Any],
    ) -> WrittenRun:
        """Write all of a W&B run, with those planned rows that it lacks; return the result."""
        logged_before: dict[str, wandb.Artifact] = {}
        if not claim.is_new:
            logged_before = self._logged.of_run(run.id)
        uploads: list[Upload] = []
        try:
            self._project.collections.load(self._names_of(ready))
            names = [output.name for output in run.outputs]
            self._version_order.wait_for_contents(run.id, names)
            uploads.extend(
                self._uploads.start(open_run, run, artifact, logged_before)
                for artifact in ready.artifacts
            )
            self._version_order.note_contents(run.id, names)
            write_all(open_run, run, ready, rows=rows, others=others, start=self._start_of(run))
            with self._project.upload_watch.watch(open_run, run.name, _upload_size(ready)):
                results = self._uploads.wait(open_run, uploads)
        finally:
            self._uploads.release(uploads)
        for result in results:
            self._logged.add(run.id, result)
        self._producers.note_logged(run.id)
        self._producers.wait(run.inputs)
        inputs = {used: self._logged.find_used(used) for used in run.inputs}
        losses = [
            Loss(use_item(run, used), explain_missing_online(used))
            for used, logged in inputs.items()
            if logged is None
        ]
        for used, logged in inputs.items():
            if logged is not None:
                self._use_artifact(open_run, run, used, logged)
        lacks_input = any(map(self._logged.is_missing, run.inputs))
        losses += [result.loss for result in results if result.loss]
        losses += [loss for result in results for loss in result.rule_losses]
        outputs = tuple(result.output for result in results if result.output)
        complete = not lacks_input and not any(result.try_again for result in results)
        token = uuid4().hex
        if complete:
            write_sent_marker(open_run, token)
        with self._client.retry_budget.count_failed_wait():
            open_run.finish(exit_code=run.exit_code)
        core_log = read_log(open_run)
        if complete:
            all_losses = (*ready.losses, *losses)
            receipt = Receipt(
                outputs,
                all_losses,
                uses_of(run, all_losses),
                summary_keys(run, ready),
                log_lines=ready.log_lines,
                log_bytes_left_out=ready.log_bytes_left_out,
                masked=ready.masked,
            )
            self._arrivals.add(
                SentRun.of(
                    run,
                    receipt,
                    planned,
                    token=token,
                    uses=frozenset(logged.id for logged in inputs.values() if logged),
                    complaint=find_first_error(core_log),
                    axes=ready.axis_of,
                    job_type=merged.run_metadata.job_type,
                    run_metadata=merged.run_metadata
                    if has_empty_dict(merged.run_metadata.config)
                    else None,
                )
            )
        return WrittenRun(
            id=claim.id or run.id,
            location=str(open_run.url),
            outputs=outputs,
            losses=tuple(losses),
            bytes_written=bytes_uploaded_by(open_run),
            complete=complete,
            trouble=next((result.trouble for result in results if result.trouble), ""),
            edits_kept=merged.kept,
            edits_undone=merged.undone,
            refused=count_refused(core_log),
        )

    def _rows_to_write(
        self,
        run: PlannedRun,
        ready: ReadyRun,
        planned: Sequence[Row],
        others: Mapping[str, Any],
    ) -> tuple[Sequence[Row], Sequence[Row]]:
        """Return the planned rows that a W&B run lacks: those for now, and those after a resume.

        The SDK numbers its rows after the row count that W&B reports. Some servers report 0 when a
        run is opened again; then the existing rows would be overwritten. A resumed run asks for
        the true number, but takes only steps after the last one. Other rows are sent separately.
        """
        history = self._existing_runs.read_histories([run.id]).get(run.id, History())
        missing = missing_rows(planned, history.rows, ready.axis_of)
        if not missing or not (history.rows or history.lines):
            return missing, ()
        if missing[0][0] > history.last_step:
            return (), missing
        existing = self._existing_runs.get(run.id)
        destination = (
            self._project.entity,
            self._project.name,
            existing.id if existing else run.id,
        )
        append_rows(self._client, destination, run, missing, others, ready.axes)
        return (), ()

    def _names_of(self, ready: ReadyRun) -> Iterable[str]:
        """Return the names of a W&B run's artifacts, and of those that follow in the flow run."""
        if not ready.artifacts:
            return ()
        return (output.name for run in self._plan.runs for output in run.outputs)

    def _use_artifact(
        self, open_run: wandb.Run, run: PlannedRun, used: InputArtifact, logged: wandb.Artifact
    ) -> None:
        purpose = f"let {run.name} use {used.name}"
        if used.place:  # of another project, of which the request has to tell the server
            self._client.retry_budget.attempt(lambda: open_run.use_artifact(logged), purpose)
        else:
            self._uses.add(open_run.id, logged, purpose)

    def _use_in_finished_run(
        self, existing: ExistingRun, run: PlannedRun, used: InputArtifact
    ) -> bool:
        """Let a finished W&B run use an artifact; return whether the artifact does not exist."""
        logged = self._logged.find_used(used)
        if logged is not None:
            self._existing_runs.call_with_run(
                existing,
                lambda handle: handle.use_artifact(logged),
                f"let {run.name} use {used.name}",
            )
        return logged is None


def _transfer_seconds(ready: ReadyRun) -> float:
    """Return how many seconds the upload of the largest file may take, generously."""
    sizes = (file.size for artifact in ready.artifacts for file in artifact.files)
    return _MIN_TRANSFER_SECONDS + max(sizes, default=0) / MIN_BYTES_PER_SECOND


_MIN_TRANSFER_SECONDS = 30.0  # seconds


def _upload_size(ready: ReadyRun) -> int:
    """Return the bytes of all files that may have to be uploaded."""
    return sum(
        file.size for artifact in ready.artifacts for file in artifact.files if file.uri is None
    )


def _output_of(artifact: wandb.Artifact, items: int) -> OutputOutcome:
    """Return the output of a logged artifact that stands for so many of Metaflow's."""
    links = sum(entry.ref is not None for entry in artifact.manifest.entries.values())
    return OutputOutcome(
        name=collection_name(artifact),
        type=artifact.type,
        digest=artifact.digest,
        size=artifact.size,
        files=tuple(sorted(artifact.manifest.entries)),
        version=artifact.version,
        referenced=min(links, items),
    )
