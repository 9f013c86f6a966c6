"""All that W&B should say of a flow run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count

from mfwb.config import Settings, StepSettings
from mfwb.source.datastore.flow_store import FlowStore
from mfwb.verification.expected import names
from mfwb.verification.expected.artifact_rules import RuleExpectations
from mfwb.verification.expected.checkpoint_files import CheckpointFiles
from mfwb.verification.expected.checkpoint_reference import Reference
from mfwb.verification.expected.checkpoint_series import expect_series
from mfwb.verification.expected.code_package import expect_code
from mfwb.verification.expected.contents import Contents
from mfwb.verification.expected.facts import CardFacts, FlowRunFacts, HeldArtifact, TaskFacts
from mfwb.verification.expected.flow_run_reader import FlowRunReader
from mfwb.verification.expected.foreach_items import expect_foreach
from mfwb.verification.expected.kinds import ExpectedForm, find_form, find_reference
from mfwb.verification.expected.links import expect_links
from mfwb.verification.expected.log_lines import read_lines
from mfwb.verification.expected.loggers import Loggers
from mfwb.verification.expected.masked import mask_pickled
from mfwb.verification.expected.model import (
    ExpectedArtifact,
    ExpectedCard,
    ExpectedFlowRun,
    ExpectedLine,
    ExpectedPanel,
    ExpectedRun,
    ExpectedSeries,
    Need,
)
from mfwb.verification.expected.notes import expect_notes
from mfwb.verification.expected.overview import expect_overview
from mfwb.verification.expected.panels import expect_panels
from mfwb.verification.expected.run_curves import CurveRules
from mfwb.verification.expected.run_facts import (
    doc_of,
    expect_config,
    expect_facts,
    expect_outcome,
    span,
    unexpected_facts,
    unexpected_outcome,
)
from mfwb.verification.expected.run_files import StoredFile, expect_artifacts, expect_included
from mfwb.verification.expected.run_uses import expect_uses
from mfwb.verification.expected.run_values import RunValues, expect_values
from mfwb.verification.expected.step_code import read_step_code
from mfwb.verification.expected.value_reader import PickledValue
from mfwb.verification.expected.written import History
from mfwb.verification.expected.written_value import WrittenValue

__all__ = ["expect_flow_run"]

_NAME, _JOB_TYPE, _TAG = 128, 64, 64  # characters
_STOPPED = {
    "abandoned": "the flow run went no further: it, or its scheduler, was killed",
    "failed": "the flow run failed after this, before another task began",
}
_PREVIEWED = ("parquet",)


@dataclass(frozen=True, slots=True)
class _Scope:
    """A step or a task, for which W&B has one W&B run."""

    name: str  # pathspec
    step: str
    tasks: tuple[TaskFacts, ...]
    siblings: tuple[TaskFacts, ...]  # all tasks of the step
    merged: bool
    settings: StepSettings


def expect_flow_run(
    facts: FlowRunFacts, settings: Settings, reader: FlowRunReader, contents: Contents
) -> ExpectedFlowRun:
    """Return what W&B should say of a flow run that was read."""
    return _Builder(facts, settings, reader, contents).build()


class _Builder:
    def __init__(
        self,
        facts: FlowRunFacts,
        settings: Settings,
        reader: FlowRunReader,
        contents: Contents,
    ) -> None:
        self._facts = facts
        self._all_settings = settings
        self._reader = reader
        self._contents = contents
        self._masker = settings.redact.make_masker()
        self._code = read_step_code(facts)
        self._history = History(facts, contents, self._code)
        self._checkpoints = CheckpointFiles(
            lambda datastore: reader.store(facts.flow, datastore), reader.roots.admit
        )
        self._scopes = list(_scopes(facts, settings))
        self._has_code = settings.code_of(facts.flow)
        self._run_of = {task.path: scope.name for scope in self._scopes for task in scope.tasks}
        self._settings = {scope.step: scope.settings for scope in self._scopes}
        self._config, self._constants = expect_config(facts, contents)
        self._values: dict[tuple[str, str], tuple[set[str], dict[str, Need]]] = {}
        self._dead_ends = self._find_dead_ends()
        self._iterated = frozenset(task.foreach for task in facts.tasks if task.foreach)
        self._artifact_rules = settings.artifact_rules_of(facts.flow)
        self._rules = RuleExpectations(
            facts,
            self._artifact_rules,
            contents,
            lambda task, name: self._form(task, name).is_value,
        )
        merged = {task.path for scope in self._scopes if scope.merged for task in scope.tasks}
        self._loggers = Loggers(facts, self._history, merged, self._file_need)

    def build(self) -> ExpectedFlowRun:
        """Return what W&B should say."""
        facts = self._facts
        runs = [self._run(scope) for scope in self._scopes]
        if runs and self._all_settings.overview_of(facts.flow):
            runs.append(self._overview())
        return ExpectedFlowRun(
            pathspec=facts.path,
            state=facts.state,
            started_at=facts.started_at,
            alias=names.alias(facts.id),
            runs=tuple(runs),
            final=self._final(),
            rule_aliases=frozenset(
                alias for rules in self._artifact_rules.values() for alias in rules.aliases
            ),
            names=frozenset(
                key
                for task in facts.tasks
                for name in task.held
                for key in (names.summary_key(name), f"{task.step}/{names.summary_key(name)}")
            ),
            datastores={task.path: task.datastore for task in facts.tasks if task.datastore},
            origins={task.path: task.origin for task in facts.tasks if task.origin},
        )

    def _overview(self) -> ExpectedRun:
        """Return what the W&B run of the whole flow run should say."""
        facts = self._facts
        written = {
            step: self._written(
                _Scope("", step, tasks, tasks, merged=True, settings=self._settings[step])
            )
            for step, tasks in facts.steps.items()
        }
        ends = facts.steps.get(facts.end_step, ()) if facts.state == "finished" else ()
        last = self._final()
        final = {
            name: last.get(name, frozenset())
            | {self._run_of[path] for path in self._history.producers(end, name)}
            for end in ends[:1]
            for name in end.held
            if self._is_file(end, name)
        }
        start = facts.steps.get(facts.start_step, ())
        first = frozenset(self._run_of[task.path] for task in start)
        included = {name: first for name, kind in facts.kinds.items() if kind == "IncludeFile"}
        return expect_overview(
            facts,
            self._all_settings,
            config=self._config,
            constants=self._constants,
            written=written,
            history=self._history,
            contents=self._contents,
            final=final,
            included=included,
        )

    def _run(self, scope: _Scope) -> ExpectedRun:
        facts = self._facts
        wandb = scope.settings.wandb
        tags = {*facts.tags, *(wandb.get("run_tags") or ())}
        stopped = any(task.path in self._dead_ends for task in scope.tasks)
        failed = stopped or any(task.outcome in {"failed", "unfinished"} for task in scope.tasks)
        started, ended = span(scope.tasks)
        reason = _STOPPED.get(facts.state) if stopped else None
        written = self._written(scope)
        foreach = {
            task.path: expect_foreach(task, self._history.parents, self._contents)
            for task in scope.tasks
        }
        cards, open_cards = _cards(scope)
        rules = CurveRules(
            scope.settings.curves, self._iterated, frozenset(card.key for card in cards)
        )
        values = expect_values(
            scope.tasks,
            written,
            rules,
            merged=scope.merged,
            foreach={path: own.columns for path, own in foreach.items()},
        )
        of_task = None if scope.merged else foreach[scope.tasks[0].path].config
        stored = self._stored(scope)
        artifacts = list(
            expect_artifacts(
                stored, scope.settings, self._contents, self._checkpoints, merged=scope.merged
            )
        )
        artifacts = [self._with_candidate_alias(scope, artifact) for artifact in artifacts]
        if scope.step == facts.start_step:
            artifacts += expect_included(facts, scope.settings, self._contents)
        artifacts = [
            replace(artifact, rule=self._rules.expect(artifact, merged=scope.merged))
            for artifact in artifacts
        ]
        if self._has_code and scope is self._scopes[0]:
            artifacts += expect_code(
                facts, lambda own: self._reader.store(facts.flow, own), self._masker
            )
        code = self._code.get(scope.step)
        return ExpectedRun(
            name=names.line(scope.name, _NAME),
            group=names.line(str(wandb.get("run_group") or facts.path), _NAME),
            job_type=names.line(str(wandb.get("run_job_type") or scope.step), _JOB_TYPE),
            tags=frozenset(names.line(tag, _TAG) for tag in tags) - {""},
            state="failed" if failed else "finished",
            config=self._config if of_task is None else {**self._config, "foreach": of_task},
            facts={
                **expect_facts(facts, scope.tasks, names.line(scope.name, _NAME), self._constants),
                **expect_links(scope.tasks, merged=scope.merged),
            },
            summary=values.summary,
            outcome=expect_outcome(scope.tasks, reason),
            history=values.history,
            axes=values.axes,
            has_open_charts=values.has_open_charts,
            other_names=values.other_names,
            table=values.table,
            cards=cards,
            log=self._log(scope),
            artifacts=artifacts,
            uses=tuple(
                expect_uses(
                    facts,
                    scope.tasks,
                    code,
                    self._history,
                    self._loggers,
                    self._run_of,
                    self._is_file,
                )
            ),
            open_keys=frozenset({*values.open_keys, *open_cards}),
            previews=self._previews(stored, values, scope.settings),
            panels=self._panels(stored, values, scope),
            is_log_sorted=not scope.merged,
            started_at=started,
            runtime=None if started is None or ended is None else (ended - started) / 1000,
            may_use_others=code is None or not code.is_certain or code.uses_client,
            unknown=tuple(values.unknown),
            series=tuple(self._series(scope, stored)),
            notes=expect_notes(scope.name, doc_of(facts, scope.step), scope.settings),
            untrue_facts=unexpected_facts(scope.tasks),
            untrue_outcome=unexpected_outcome(scope.tasks, reason),
        )

    def _form(self, task: TaskFacts, name: str) -> ExpectedForm:
        artifact = task.held[name]
        value = self._contents.describe(artifact)
        return find_form(artifact, value, self._settings[task.step], self._facts.flow)

    def _reference(self, artifact: HeldArtifact, form: ExpectedForm) -> Reference | None:
        if form.shape != "checkpoint":
            return None
        return find_reference(artifact, self._contents.describe(artifact), self._facts.flow)

    def _described(self, artifact: HeldArtifact, form: ExpectedForm) -> PickledValue:
        """Return the value of an artifact; of a reference, what the user noted."""
        reference = self._reference(artifact, form)
        if reference is None:
            return self._contents.show(artifact)
        noted = replace(self._contents.describe(artifact), json_value=reference.metadata)
        return mask_pickled(artifact.name, noted, self._masker)

    def _is_file(self, task: TaskFacts, name: str) -> bool:
        return not self._form(task, name).is_value

    def _file_need(self, task: TaskFacts, name: str) -> Need | None:
        """Return whether a W&B run has to log files of what a task has; None: it has not."""
        form, settings = self._form(task, name), self._settings[task.step]
        possible = [kind for kind in form.kinds if getattr(settings, f"{kind}s")]
        if form.is_value or not possible:
            return None
        limits = [getattr(settings.max_artifact_size, kind) for kind in possible]
        size = task.held[name].size
        is_open = len(possible) < len(form.kinds) or form.shown is None
        is_open = is_open or any(limit is not None and size > limit for limit in limits)
        return Need.ALLOWED if is_open else Need.REQUIRED

    def _with_candidate_alias(self, scope: _Scope, artifact: ExpectedArtifact) -> ExpectedArtifact:
        is_candidate = any(
            self._loggers.is_candidate(task, artifact.artifact)
            for task in scope.tasks
            if artifact.artifact in task.held
        )
        if not is_candidate:
            return artifact
        label = None if scope.merged else scope.tasks[0].label
        alias = names.candidate_alias(self._facts.id, scope.step, label)
        return replace(artifact, candidate_alias=alias)

    def _written(self, scope: _Scope) -> dict[str, list[WrittenValue]]:
        """Return what the tasks of a W&B run wrote, by name and in the order of the tasks."""
        by_name: dict[str, list[WrittenValue]] = {}
        for name in sorted({name for task in scope.tasks for name in task.held}):
            with_value, need = self._values_of_step(scope, name)
            for task in scope.tasks:
                if name not in task.held:
                    continue
                is_new_pickle = task.path not in with_value and self._history.is_new(task, name)
                if task.path not in need and not is_new_pickle:
                    continue
                artifact = task.held[name]
                form = self._form(task, name)
                item = WrittenValue(
                    task,
                    artifact,
                    self._described(artifact, form),
                    form,
                    need.get(task.path, Need.REQUIRED),
                )
                by_name.setdefault(name, []).append(item)
        return by_name

    def _values_of_step(self, scope: _Scope, name: str) -> tuple[set[str], dict[str, Need]]:
        """Return the tasks of a step that have a value under a name, and those that wrote it."""
        key = scope.step, name
        if key not in self._values:
            tasks = [task for task in scope.siblings if self._is_value_of(task, name)]
            need = self._history.values_written(tasks, name) if tasks else {}
            self._values[key] = {task.path for task in tasks}, need
        return self._values[key]

    def _is_value_of(self, task: TaskFacts, name: str) -> bool:
        if name not in task.held:
            return False
        form = self._form(task, name)
        return form.is_value or form.shown is not False or (form.shape == "json")

    def _stored(self, scope: _Scope) -> dict[str, list[StoredFile]]:
        stored: dict[str, list[StoredFile]] = defaultdict(list)
        for task in scope.tasks:
            for name, artifact in task.held.items():
                form = self._form(task, name)
                if form.is_value:
                    continue
                reference = self._reference(artifact, form)
                if self._history.is_new(task, name):
                    stored[name].append(
                        StoredFile(task, artifact, form, task.path, reference=reference)
                    )
                elif picked := self._loggers.picked(task, name):
                    producers = self._history.producers(task, name)
                    stored[name].append(
                        StoredFile(task, artifact, form, task.path, picked[0], producers, reference)
                    )
        return stored

    def _series(
        self, scope: _Scope, stored: Mapping[str, Sequence[StoredFile]]
    ) -> Iterator[ExpectedSeries]:
        referenced = {
            file.reference.key
            for files in stored.values()
            for file in files
            if file.reference is not None
        }
        yield from expect_series(scope.tasks, referenced, scope.settings, self._checkpoints)

    def _previews(
        self, stored: Mapping[str, Sequence[StoredFile]], values: RunValues, settings: StepSettings
    ) -> dict[str, str]:
        """Return the keys of the summary that show a table, with the artifact that is shown."""
        return {
            key: name
            for name, files_of_name in stored.items()
            if (files := [file for file in files_of_name if not file.picked_from])
            if files[0].form.shape in _PREVIEWED and settings.datasets
            if (key := names.summary_key(name)) not in values.summary and key.isidentifier()
        }

    def _panels(
        self, stored: Mapping[str, Sequence[StoredFile]], values: RunValues, scope: _Scope
    ) -> tuple[ExpectedPanel, ...]:
        """Return the panels whose keys no value has."""
        panels = expect_panels(stored, scope.settings, self._contents, merged=scope.merged)
        taken = {*values.summary, *values.open_keys}
        return tuple(panel for panel in panels if panel.key not in taken)

    def _log(self, scope: _Scope) -> list[ExpectedLine] | None:
        stores: list[tuple[TaskFacts, FlowStore | None]] = [
            (
                task,
                None
                if task.datastore is None
                else self._reader.store(self._facts.flow, task.datastore),
            )
            for task in scope.tasks
        ]
        return read_lines(stores, labelled=scope.merged, masker=self._masker)

    def _find_dead_ends(self) -> frozenset[str]:
        """Return the tasks after which the flow run stopped though none of its tasks failed."""
        facts = self._facts
        if facts.state not in _STOPPED or any(
            task.outcome in {"failed", "unfinished"} for task in facts.tasks
        ):
            return frozenset()
        followed = {parent.path for parents in self._history.parents.values() for parent in parents}
        return frozenset(task.path for task in facts.tasks if task.path not in followed)

    def _final(self) -> dict[str, frozenset[str]]:
        ends = self._facts.steps.get(self._facts.end_step, ())
        if len(ends) != 1:
            return {}
        [end] = ends
        return {
            name: frozenset(self._run_of[path] for path in self._loggers.logged_by(end, name))
            for name in end.held
            if self._is_file(end, name)
        }


def _scopes(facts: FlowRunFacts, settings: Settings) -> Iterator[_Scope]:
    by_task = settings.granularity_of(facts.flow) == "task"
    for step, tasks in facts.steps.items():
        resolved = settings.for_step(facts.flow, step)
        if by_task:
            for task in tasks:
                yield _Scope(task.path, step, (task,), tasks, merged=False, settings=resolved)
        else:
            merged = len(tasks) > 1 or any(task.indexes for task in tasks)
            yield _Scope(f"{facts.path}/{step}", step, tasks, tasks, merged, resolved)


def _cards(scope: _Scope) -> tuple[list[ExpectedCard], set[str]]:
    """Return the cards, and the keys that are open since attempts before may have made them."""
    cards: list[ExpectedCard] = []
    open_keys: set[str] = set()
    taken: set[str] = set()
    for task in scope.tasks:
        label_parts = task.label.split("/") if scope.merged else []
        if task.cards is None:
            open_keys.add("/".join(["card", *label_parts]))
            continue
        for card in sorted(
            task.cards, key=lambda card: (card.id is None, card.id or "", card.type)
        ):
            key = _card_key(card, label_parts, taken)
            taken.add(key)
            cards.append(ExpectedCard(key, task.path, card))
    return cards, open_keys


def _card_key(card: CardFacts, label_parts: Sequence[str], taken: set[str]) -> str:
    last = card.id or (card.type if card.type != "default" else None)
    key = "/".join(["card", *label_parts, *([last] if last else [])])
    numbers = count(2)
    while key in taken:
        key = "/".join(["card", *label_parts, f"{card.id or card.type}-{next(numbers)}"])
    return key
