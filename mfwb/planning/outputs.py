"""What a W&B run makes of the artifacts that its tasks wrote."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mfwb.lineage import Lineage
from mfwb.planning import names
from mfwb.planning.kinds import Kind, classify
from mfwb.planning.plan import Content, OutputArtifact, PlannedFile, PlannedValue, WandbRunId
from mfwb.planning.subjects import Subject, task_label
from mfwb.snapshot import ArtifactRef, FlowRun, Loss, Parameter

__all__ = ["Outputs", "outputs_by_run"]


@dataclass(frozen=True, slots=True)
class Outputs:
    """What becomes of what one W&B run's tasks wrote."""

    artifacts: tuple[OutputArtifact, ...]
    values: tuple[PlannedValue, ...]
    switched_off: tuple[Content, ...]
    losses: tuple[Loss, ...]


def outputs_by_run(
    subjects: Sequence[Subject], flow_run: FlowRun, lineage: Lineage
) -> dict[WandbRunId, Outputs]:
    """Return what each W&B run logs, puts into its summary, leaves out and loses."""
    sortings = [_sorted_out(subject, flow_run, lineage) for subject in subjects]
    types = _types(sortings)
    return {one.subject.id: _outputs(one, flow_run, types) for one in sortings}


@dataclass(slots=True)
class _Sorting:
    """Where the artifacts that a W&B run's tasks wrote go; filled one by one."""

    subject: Subject
    files: dict[tuple[str, Kind], list[PlannedFile]] = field(
        default_factory=lambda: defaultdict(list)
    )
    values: dict[str, list[Content]] = field(default_factory=lambda: defaultdict(list))
    switched_off: list[Content] = field(default_factory=list)
    losses: list[Loss] = field(default_factory=list)

    def add(self, task: str, ref: ArtifactRef, folder: str) -> None:
        """Sort in one artifact of one task."""
        verdict = classify(ref)
        settings = self.subject.settings
        content = Content(task, ref.name, ref.sha1, ref.size)
        if verdict.kind is Kind.VALUE:
            self.values[names.summary_key(ref.name)].append(content)
        elif not getattr(settings, verdict.kind.switch):
            self.switched_off.append(content)
        elif settings.max_artifact_size is not None and ref.size > settings.max_artifact_size:
            reason = f"{ref.size:,} bytes, more than --max-artifact-size allows"
            self.losses.append(Loss(content.pathspec, reason))
        else:
            stem = folder + names.artifact_name(ref.name)
            self.files[ref.name, verdict.kind].append(PlannedFile(stem, verdict.form, content))


def _sorted_out(subject: Subject, flow_run: FlowRun, lineage: Lineage) -> _Sorting:
    sorting = _Sorting(subject)
    for task in subject.tasks:
        written = frozenset(lineage.writes[task.pathspec])
        for ref in task.artifacts:
            if ref.name in written:
                sorting.add(task.pathspec, ref, f"{task_label(task)}/" if subject.merged else "")
    if subject.is_first:  # the parameters have no W&B run, so the first step logs the files
        for parameter in flow_run.parameters:
            if parameter.kind == "IncludeFile":
                sorting.add(f"{flow_run.pathspec}/_parameters", _sized(parameter), "")
    return sorting


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
                name=names.artifact_name(
                    name if kind is types[name] else f"{name}-{kind.value}",
                ),
                type=kind.value,
                aliases=("latest", names.run_alias(flow_run.id)),
                metadata=_artifact_metadata(flow_run, sorting.subject, files),
                files=tuple(files),
            )
            for (name, kind), files in sorted(sorting.files.items())
        ),
        values=tuple(
            PlannedValue(key, tuple(contents)) for key, contents in sorted(sorting.values.items())
        ),
        switched_off=tuple(sorting.switched_off),
        losses=tuple(sorting.losses),
    )


def _artifact_metadata(
    flow_run: FlowRun, subject: Subject, files: Sequence[PlannedFile]
) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "flow_run": flow_run.pathspec,
        "step": subject.step.name,
        "artifact": files[0].content.name,
    }
    if len(files) == 1:
        metadata |= {"task": files[0].content.task, "sha1": files[0].content.sha1}
    return {"metaflow": metadata}
