"""What a W&B run makes of the artifacts that its tasks wrote."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from mfwb.lineage import Lineage
from mfwb.planning import names
from mfwb.planning.artifact_metadata import FiledArtifact, describe_artifact
from mfwb.planning.classify import (
    Classification,
    Kind,
    classify,
    may_be_a_curve,
    may_be_a_reference,
    may_be_shown,
)
from mfwb.planning.plan import (
    Content,
    Form,
    OutputArtifact,
    PlannedFile,
    PlannedValue,
    ValueElsewhere,
    WandbRunId,
)
from mfwb.planning.run_scopes import RunScope, task_label
from mfwb.planning.size_limits import parameters_as_files, too_many
from mfwb.snapshot import ArtifactRef, FlowRun, Loss, Parameter, Task
from mfwb.snapshot.pathspec import parameters_of

__all__ = ["Outputs", "select_outputs"]


@dataclass(frozen=True, slots=True)
class Outputs:
    """What becomes of what one W&B run's tasks wrote."""

    artifacts: tuple[OutputArtifact, ...]
    values: tuple[PlannedValue, ...]
    curves: tuple[PlannedValue, ...]
    shown: tuple[PlannedValue, ...]
    switched_off: tuple[Content, ...]
    losses: tuple[Loss, ...]
    by_code: tuple[str, ...]


def select_outputs(
    subjects: Sequence[RunScope], flow_run: FlowRun, lineage: Lineage
) -> dict[WandbRunId, Outputs]:
    """Return what each W&B run logs, puts into its summary, leaves out and loses."""
    sortings = [_sorted_out(subject, flow_run, lineage) for subject in subjects]
    types = _types(sortings)
    return {one.subject.id: _outputs(one, flow_run, types) for one in sortings}


@dataclass(slots=True)
class _Sorting:
    """Where the artifacts that a W&B run's tasks wrote go; filled one by one."""

    subject: RunScope
    files: dict[tuple[str, Kind], list[FiledArtifact]] = field(
        default_factory=lambda: defaultdict(list)
    )
    values: dict[str, list[Content]] = field(default_factory=lambda: defaultdict(list))
    curves: dict[str, list[Content]] = field(default_factory=lambda: defaultdict(list))
    shown: dict[str, list[Content]] = field(default_factory=lambda: defaultdict(list))
    elsewhere: dict[str, list[ValueElsewhere]] = field(default_factory=lambda: defaultdict(list))
    caught: dict[str, list[ValueElsewhere]] = field(default_factory=lambda: defaultdict(list))
    by_code: list[str] = field(default_factory=list)
    switched_off: list[Content] = field(default_factory=list)
    losses: list[Loss] = field(default_factory=list)

    def add(
        self, place: Content, ref: ArtifactRef, folder: str = "", task: Task | None = None
    ) -> None:
        """Sort in one artifact.

        Args:
            place: of the artifact.
            ref: the artifact.
            folder: of a merged W&B run, where in the W&B artifact the task's file goes.
            task: that wrote it; None: a parameter.
        """
        settings = self.subject.settings
        verdict = classify(ref, settings)
        self._add_value(verdict, place, ref, task)
        if verdict.kind is Kind.VALUE:
            return
        if not getattr(settings, verdict.kind.switch):
            self.switched_off.append(place)
            return
        limit = getattr(settings.max_artifact_size, verdict.kind.value)
        is_larger = limit is not None and ref.size > limit
        if may_be_a_reference(verdict.form, task, settings, is_larger=is_larger):
            verdict = Classification(verdict.kind, Form.REFERENCE)
        elif is_larger:
            reason = (
                f"{ref.size:,} bytes, more than the {limit:,} that max_artifact_size allows "
                f"for {verdict.kind.switch}"
            )
            self.losses.append(Loss(place.pathspec, reason))
            return
        files = self.files[ref.name, verdict.kind]
        preview = None if files else verdict.preview  # tasks of a foreach look much alike
        stem = folder + names.artifact_name(ref.name)
        file = PlannedFile(stem, verdict.form, place, preview, verdict.plugin or "")
        attempt = task.attempts[-1].number if task and task.attempts else None
        files.append(FiledArtifact(file, ref, attempt))

    def add_equal(self, place: Content, ref: ArtifactRef, task: Task, *, by_code: bool) -> None:
        """Sort in a value of a task's own that is equal to what it was handed.

        Where it is more than a value, its files are those of whoever wrote that content.
        """
        self._add_value(classify(ref, self.subject.settings), place, ref, task)
        if by_code:
            self.by_code.append(place.pathspec)

    def _add_value(
        self, verdict: Classification, place: Content, ref: ArtifactRef, task: Task | None
    ) -> None:
        key = names.summary_key(ref.name)
        if verdict.kind is Kind.VALUE:
            self.values[key].append(place)
            return
        if may_be_shown(ref, verdict, self.subject.settings):
            self.shown[key].append(place)
        if verdict.form is Form.JSON and may_be_a_curve(ref):
            self.curves[key].append(place)
        if task is not None and self.subject.merged:
            self.elsewhere[key].append(ValueElsewhere(place, _in_short(ref, task)))
        if task is not None and _is_caught(ref, task):
            self.caught[key].append(ValueElsewhere(place, _in_short(ref, task)))


def _sorted_out(subject: RunScope, flow_run: FlowRun, lineage: Lineage) -> _Sorting:
    sorting = _Sorting(subject)
    for task in subject.tasks:
        written = frozenset(lineage.writes[task.pathspec])
        folder = f"{task_label(task)}/" if subject.merged else ""
        equal = lineage.equal_values(task.pathspec)
        crowded = _crowded(subject, task, written, equal.names)
        for one in task.artifacts:
            place = _content(task.pathspec, one)
            if one.name in written:
                why = crowded.get(one.name)
                ref = replace(one, no_value=why) if why else one
                sorting.add(place, ref, folder, task)
            elif one.name in equal.names:
                sorting.add_equal(place, one, task, by_code=one.name in equal.by_code)
    if subject.is_first:  # the parameters have no W&B run, so the first step logs the files
        owner = parameters_of(flow_run.pathspec)
        for ref in _parameter_files(flow_run):
            sorting.add(_content(owner, ref), ref)
    return sorting


def _crowded(
    subject: RunScope, task: Task, written: Collection[str], equal: Collection[str]
) -> dict[str, str]:
    """Return which values of a task its summary has no room for, and why; many tasks' are short.

    Of those that are equal to what the task was handed, others have the files: they stay.
    """
    if subject.merged:
        return {}
    values = [ref for ref in task.artifacts if classify(ref, subject.settings).kind is Kind.VALUE]
    return too_many(
        [ref for ref in values if ref.name in written],
        beside=[ref for ref in values if ref.name in equal],
    )


def _parameter_files(flow_run: FlowRun) -> Iterator[ArtifactRef]:
    """Yield what goes as files of parameters: included ones, and values too large for config."""
    as_files = parameters_as_files(flow_run)
    for parameter in flow_run.parameters:
        if parameter.kind == "IncludeFile":
            yield _sized(parameter)
        elif parameter.name in as_files:
            if parameter.no_value:
                yield replace(parameter.ref, no_value=parameter.no_value)
            else:  # it is known to be plain
                yield replace(parameter.ref, no_value=_NO_ROOM, names=())


_NO_ROOM = "the parameters of this flow run are larger than W&B's config takes"
_TEXT_LIMIT = 10_000  # characters of an exception; its artifact and config have more
_CAUGHT = "metaflow.exception.MetaflowExceptionWrapper"  # what `@catch(var=...)` keeps


def _in_short(ref: ArtifactRef, task: Task) -> str:
    """Return what stands for an artifact that is no value, beside values of other tasks."""
    if _is_caught(ref, task) and task.failure is not None:
        text = f"{task.failure.type}: {task.failure.message}"
        return text if len(text) <= _TEXT_LIMIT else f"{text[:_TEXT_LIMIT]}..."
    return f"<{ref.type or 'of a type that was not recorded'}>"


def _is_caught(ref: ArtifactRef, task: Task) -> bool:
    return ref.type == _CAUGHT and task.failure is not None


def _content(task: str, ref: ArtifactRef) -> Content:
    return Content(task, ref.name, ref.sha1, ref.size)


def _sized(included: Parameter) -> ArtifactRef:
    """Return an IncludeFile with the size of its file, if known, rather than of its descriptor."""
    size = included.value.get("size") if isinstance(included.value, dict) else None
    return included.ref if size is None else replace(included.ref, size=size)


def _types(sortings: Iterable[_Sorting]) -> dict[str, Kind]:
    """Return for each name of the flow run the type of the W&B artifact that is called so.

    W&B keeps one type per artifact name: what is of another kind goes by another name.
    """
    kinds = sorted((name, kind) for sorting in sortings for name, kind in sorting.files)
    return dict(reversed(kinds))  # the first kind of a name has the last word


def _outputs(sorting: _Sorting, flow_run: FlowRun, types: dict[str, Kind]) -> Outputs:
    return Outputs(
        artifacts=tuple(
            OutputArtifact(
                name=_called(name, kind, types[name]),
                type=kind.value,
                aliases=(),  # until it is known who logs the name last
                metadata={
                    "metaflow": describe_artifact(flow_run, sorting.subject.step.name, filed)
                },
                files=tuple(one.file for one in filed),
            )
            for (name, kind), filed in sorted(sorting.files.items())
        ),
        values=_planned(sorting.values, sorting.elsewhere),
        curves=_planned(sorting.curves, {}),
        shown=_planned({**dict.fromkeys(sorting.caught, ()), **sorting.shown}, sorting.caught),
        switched_off=tuple(sorting.switched_off),
        losses=tuple(sorting.losses),
        by_code=tuple(sorting.by_code),
    )


def _called(name: str, kind: Kind, of_name: Kind) -> str:
    called = names.artifact_name(name)
    return called if kind is of_name else names.names_in_project(called, kind.value)[1]


def _planned(
    values: Mapping[str, Sequence[Content]], elsewhere: Mapping[str, Sequence[ValueElsewhere]]
) -> tuple[PlannedValue, ...]:
    return tuple(
        PlannedValue(key, tuple(contents), tuple(elsewhere.get(key, ())))
        for key, contents in sorted(values.items())
    )
