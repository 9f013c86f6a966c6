"""Outputs of a W&B run: the W&B artifacts and values, from the artifacts that its tasks wrote."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from mfwb.lineage import Lineage
from mfwb.media_formats import IMAGE, PANELS
from mfwb.planning import checkpoints, names
from mfwb.planning.artifact_metadata import FiledArtifact, describe_artifact
from mfwb.planning.classify import (
    Classification,
    Kind,
    can_be_curve,
    can_be_shown,
    classify,
    media_format,
)
from mfwb.planning.curve_rules import (
    CurveRules,
    can_be_drawn,
    iterated_names,
    select_curve_rules,
)
from mfwb.planning.file_choice import choose_file
from mfwb.planning.picked import LoggedBy
from mfwb.planning.plan import (
    Content,
    Form,
    OutputArtifact,
    PickedArtifact,
    PlannedCheckpoint,
    PlannedFile,
    PlannedValue,
    Preview,
    ValueElsewhere,
    WandbRunId,
)
from mfwb.planning.run_scopes import RunScope, task_label
from mfwb.planning.size_limits import select_parameters_as_files, select_values_that_do_not_fit
from mfwb.snapshot import ArtifactRef, FlowRun, Loss, Parameter, Task
from mfwb.snapshot.pathspec import parameters_of

__all__ = ["Outputs", "select_outputs"]


@dataclass(frozen=True, slots=True)
class Outputs:
    """The outputs of one W&B run, from the artifacts that its tasks wrote."""

    artifacts: tuple[OutputArtifact, ...]
    values: tuple[PlannedValue, ...]
    curves: tuple[PlannedValue, ...]
    shown: tuple[PlannedValue, ...]
    switched_off: tuple[Content, ...]
    losses: tuple[Loss, ...]
    by_code: tuple[str, ...]
    checkpoints: tuple[PlannedCheckpoint, ...]
    curve_rules: CurveRules


def select_outputs(
    scopes: Sequence[RunScope], flow_run: FlowRun, lineage: Lineage, logged_by: LoggedBy
) -> dict[WandbRunId, Outputs]:
    """Return for each W&B run what it logs, puts into its summary, leaves out and loses.

    Args:
        scopes: the W&B runs.
        flow_run: the flow run.
        lineage: its lineage.
        logged_by: what W&B runs log by themselves because their tasks picked it.
    """
    sortings = [_sort_artifacts(scope, flow_run, lineage, logged_by) for scope in scopes]
    types = _choose_types(sortings)
    iterated = iterated_names(flow_run)
    loaded = checkpoints.loaded_by_task(flow_run)
    return {
        sorting.scope.id: replace(
            _make_outputs(sorting, flow_run, types, logged_by, loaded),
            curve_rules=select_curve_rules(
                sorting.drawable, sorting.scope.settings.curves, iterated
            ),
        )
        for sorting in sortings
    }


@dataclass(slots=True)
class _Sorting:
    """The artifacts of one W&B run, sorted by where they go; artifacts are added one by one."""

    scope: RunScope
    files: dict[tuple[str, Kind], list[FiledArtifact]] = field(
        default_factory=lambda: defaultdict(list)
    )
    values: dict[str, list[Content]] = field(default_factory=lambda: defaultdict(list))
    curves: dict[str, list[Content]] = field(default_factory=lambda: defaultdict(list))
    shown: dict[str, list[Content]] = field(default_factory=lambda: defaultdict(list))
    elsewhere: dict[str, list[ValueElsewhere]] = field(default_factory=lambda: defaultdict(list))
    caught: dict[str, list[ValueElsewhere]] = field(default_factory=lambda: defaultdict(list))
    checkpoints: dict[Content, PlannedCheckpoint] = field(default_factory=dict)
    drawable: set[str] = field(default_factory=set)  # names of what may become charts
    by_code: list[str] = field(default_factory=list)
    switched_off: list[Content] = field(default_factory=list)
    losses: list[Loss] = field(default_factory=list)
    picked: dict[str, PickedArtifact] = field(default_factory=dict)  # by pathspec
    own_files: Counter[tuple[str, Kind]] = field(default_factory=Counter)  # without picked ones

    def add(
        self, content: Content, ref: ArtifactRef, folder: str = "", task: Task | None = None
    ) -> None:
        """Add one artifact.

        Args:
            content: the content of the artifact.
            ref: the artifact.
            folder: the folder in the W&B artifact for the task's file, in a merged W&B run.
            task: the task that wrote the artifact; None: the artifact is a parameter.
        """
        classification = classify(ref, self.scope.settings)
        choice = choose_file(ref, task, self.scope.settings, classification)
        self._add_value(classification, content, ref, task)
        if choice.is_switched_off:
            self.switched_off.append(content)
        if choice.too_large:
            self.losses.append(Loss(content.pathspec, choice.too_large))
        if choice.has_files:
            self._add_file(choice.classification, content, ref, folder, task)
            self.own_files[ref.name, choice.classification.kind] += 1

    def add_picked(
        self, content: Content, ref: ArtifactRef, folder: str, task: Task, *, producer: str
    ) -> None:
        """Add an artifact that a task picked among those of other tasks.

        Args:
            content: the content of the artifact.
            ref: the artifact, as the task passes it on.
            folder: the folder in the W&B artifact for the task's file, in a merged W&B run.
            task: the task that picked it.
            producer: the task that wrote it.
        """
        classification = classify(ref, self.scope.settings)
        choice = choose_file(ref, task, self.scope.settings, classification)
        shown_by_producer = replace(choice.classification, preview=None)
        self._add_checkpoint(classification, content, ref, key="")
        self._add_file(shown_by_producer, content, ref, folder, task)
        self.picked[content.pathspec] = PickedArtifact(content.pathspec, producer)

    def _add_file(
        self,
        classification: Classification,
        content: Content,
        ref: ArtifactRef,
        folder: str,
        task: Task | None,
    ) -> None:
        files = self.files[ref.name, classification.kind]
        own = self.own_files[ref.name, classification.kind]
        is_in_gallery = _is_picture(classification, ref) and own < GALLERY_LIMIT
        # The other tasks of a foreach have similar previews; of pictures, each is another one.
        preview = classification.preview if is_in_gallery or not own else None
        stem = folder + names.artifact_name(ref.name)
        file = PlannedFile(stem, classification.form, content, preview, classification.plugin or "")
        attempt = task.attempts[-1].number if task and task.attempts else None
        files.append(FiledArtifact(file, ref, attempt))

    def add_equal(self, content: Content, ref: ArtifactRef, task: Task, *, by_code: bool) -> None:
        """Add a value that a task wrote itself and that equals what it received.

        If the artifact has files, they belong to the task that first wrote the content.
        """
        self._add_value(classify(ref, self.scope.settings), content, ref, task)
        if by_code:
            self.by_code.append(content.pathspec)

    def _add_value(
        self, classification: Classification, content: Content, ref: ArtifactRef, task: Task | None
    ) -> None:
        key = names.summary_key(ref.name)
        if can_be_drawn(ref, classification):
            self.drawable.add(ref.name)
        if classification.kind is Kind.VALUE:
            self.values[key].append(content)
            return
        self._add_checkpoint(classification, content, ref, key)
        if can_be_shown(ref, classification, self.scope.settings):
            self.shown[key].append(content)
        if classification.form is Form.JSON and can_be_curve(ref):
            self.curves[key].append(content)
        if task is not None and self.scope.merged:
            self.elsewhere[key].append(ValueElsewhere(content, _shorten_other(ref, task)))
        if task is not None and _is_caught(ref, task):
            self.caught[key].append(ValueElsewhere(content, _shorten_other(ref, task)))

    def _add_checkpoint(
        self, classification: Classification, content: Content, ref: ArtifactRef, key: str
    ) -> None:
        """Add what an artifact refers to, unless it was added; `key` is that of its metadata."""
        if classification.form is Form.CHECKPOINT and ref.reference is not None:
            limit = getattr(self.scope.settings.max_artifact_size, classification.kind.value)
            planned = PlannedCheckpoint(content, key, ref.reference, limit)
            self.checkpoints.setdefault(content, planned)


def _sort_artifacts(
    scope: RunScope, flow_run: FlowRun, lineage: Lineage, logged_by: LoggedBy
) -> _Sorting:
    sorting = _Sorting(scope)
    for task in scope.tasks:
        written = frozenset(lineage.writes[task.pathspec])
        folder = f"{task_label(task)}/" if scope.merged else ""
        equal = lineage.equal_values(task.pathspec)
        values_without_room = _select_values_without_room(scope, task, written, equal.names)
        for recorded in task.artifacts:
            artifact = _with_stored_size(recorded, scope)
            content = _make_content(task.pathspec, artifact)
            if artifact.name in written:
                reason = values_without_room.get(artifact.name)
                ref = replace(artifact, no_value=reason) if reason else artifact
                sorting.add(content, ref, folder, task)
            elif artifact.name in equal.names:
                by_code = artifact.name in equal.by_code
                sorting.add_equal(content, artifact, task, by_code=by_code)
            held = task.pathspec, artifact.name
            if held in logged_by.picked:
                producer = lineage.producer_of(*held)
                sorting.add_picked(content, artifact, folder, task, producer=producer)
            elif held in logged_by.too_large:
                item = f"version of {artifact.name} by {scope.name}"
                sorting.losses.append(Loss(item, logged_by.too_large[held]))
    if scope.is_first:  # the parameters have no W&B run, so the first step logs the files
        owner = parameters_of(flow_run.pathspec)
        for ref in _parameter_files(flow_run):
            sorting.add(_make_content(owner, ref), ref)
    return sorting


def _select_values_without_room(
    scope: RunScope, task: Task, written: Collection[str], equal: Collection[str]
) -> dict[str, str]:
    """Return the values of a task that do not fit into its summary, with the reason.

    A W&B run of many tasks has its values in a short form, so all fit. Values that equal what the
    task received stay in the summary, since other tasks have their files.
    """
    if scope.merged:
        return {}
    values = [ref for ref in task.artifacts if classify(ref, scope.settings).kind is Kind.VALUE]
    return select_values_that_do_not_fit(
        [ref for ref in values if ref.name in written],
        beside=[ref for ref in values if ref.name in equal],
    )


def _parameter_files(flow_run: FlowRun) -> Iterator[ArtifactRef]:
    """Yield the parameters that become files: IncludeFiles, and values too large for config."""
    as_files = select_parameters_as_files(flow_run)
    for parameter in flow_run.parameters:
        if parameter.kind == "IncludeFile":
            yield _with_file_size(parameter)
        elif parameter.name in as_files:
            if parameter.no_value:
                yield replace(parameter.ref, no_value=parameter.no_value)
            else:  # the value is known to be plain
                yield replace(parameter.ref, no_value=_NO_ROOM, names=())


_NO_ROOM = "the parameters of this flow run are larger than W&B's config takes"
_TEXT_LIMIT = 10_000  # characters of an exception; its artifact and config have more
GALLERY_LIMIT = 50
"""Tasks of a foreach whose pictures are shown; the W&B artifact has those of all tasks."""

_CAUGHT = "metaflow.exception.MetaflowExceptionWrapper"  # what `@catch(var=...)` keeps


def _shorten_other(ref: ArtifactRef, task: Task) -> str:
    """Return the text that replaces an artifact, not a value, beside values of other tasks."""
    if _is_caught(ref, task) and task.failure is not None:
        text = f"{task.failure.type}: {task.failure.message}"
        return text if len(text) <= _TEXT_LIMIT else f"{text[:_TEXT_LIMIT]}..."
    return f"<{ref.type or 'of a type that was not recorded'}>"


def _is_picture(classification: Classification, ref: ArtifactRef) -> bool:
    """Return whether the preview is a single picture, which a gallery can show beside others."""
    if classification.preview is Preview.MEDIA:
        return PANELS.get(media_format(ref)) == IMAGE
    return classification.preview is Preview.IMAGE


def _is_caught(ref: ArtifactRef, task: Task) -> bool:
    return ref.type == _CAUGHT and task.failure is not None


def _make_content(task: str, ref: ArtifactRef) -> Content:
    return Content(task, ref.name, ref.sha1, ref.size)


def _with_stored_size(ref: ArtifactRef, scope: RunScope) -> ArtifactRef:
    """Return an artifact with the size of the checkpoint that it refers to, if it does."""
    if ref.reference is None or classify(ref, scope.settings).form is not Form.CHECKPOINT:
        return ref
    return checkpoints.with_stored_size(ref)


def _with_file_size(included: Parameter) -> ArtifactRef:
    """Return an IncludeFile with the size of its file if it is known, else of its descriptor."""
    size = included.value.get("size") if isinstance(included.value, dict) else None
    return included.ref if size is None else replace(included.ref, size=size)


def _choose_types(sortings: Iterable[_Sorting]) -> dict[str, Kind]:
    """Return for each artifact name of the flow run the type of the W&B artifact of that name.

    W&B keeps one type per artifact name, so an artifact of another kind gets another name.
    """
    kinds = sorted((name, kind) for sorting in sortings for name, kind in sorting.files)
    return dict(reversed(kinds))  # the first kind of a name overrides the others


def _make_outputs(
    sorting: _Sorting,
    flow_run: FlowRun,
    types: dict[str, Kind],
    logged_by: LoggedBy,
    loaded: Mapping[str, Sequence[str]],
) -> Outputs:
    artifacts = []
    for (name, kind), filed in sorted(sorting.files.items()):
        held = [(entry.file.content.task, name) for entry in filed]
        picked = [sorting.picked.get(entry.file.content.pathspec) for entry in filed]
        facts = describe_artifact(flow_run, sorting.scope.step.name, filed, sorting.picked)
        artifact = OutputArtifact(
            name=_choose_name(name, kind, types[name]),
            type=kind.value,
            aliases=(),  # set later, when the W&B runs of all steps are known
            metadata=checkpoints.with_facts({"metaflow": facts}, filed, loaded),
            files=tuple(entry.file for entry in filed),
            picked=tuple(filter(None, picked)),
            is_candidate=not logged_by.candidates.isdisjoint(held),
        )
        artifacts.append(artifact)
    return Outputs(
        artifacts=tuple(artifacts),
        values=_make_planned_values(sorting.values, sorting.elsewhere),
        curves=_make_planned_values(sorting.curves, {}),
        shown=_make_planned_values(
            {**dict.fromkeys(sorting.caught, ()), **sorting.shown}, sorting.caught
        ),
        switched_off=tuple(sorting.switched_off),
        losses=tuple(sorting.losses),
        by_code=tuple(sorting.by_code),
        checkpoints=tuple(sorting.checkpoints.values()),
        curve_rules=CurveRules(),
    )


def _choose_name(name: str, kind: Kind, kind_of_name: Kind) -> str:
    name_in_project = names.artifact_name(name)
    return (
        name_in_project
        if kind is kind_of_name
        else names.names_in_project(name_in_project, kind.value)[1]
    )


def _make_planned_values(
    values: Mapping[str, Sequence[Content]], elsewhere: Mapping[str, Sequence[ValueElsewhere]]
) -> tuple[PlannedValue, ...]:
    return tuple(
        PlannedValue(key, tuple(contents), tuple(elsewhere.get(key, ())))
        for key, contents in sorted(values.items())
    )
