"""The path of an artifact, as a user writes it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from mfwb.errors import UsageError
from mfwb.snapshot.identifiers import is_artifact_name
from mfwb.snapshot.pathspec import PARAMETERS, Pathspec, parameters_of, parse, parts_of

__all__ = ["ArtifactPath", "parse_artifact"]

_NAME = re.compile(r"[^\W\d]\w*\Z")
_TASK = re.compile(r"[A-Za-z0-9_.:\-]+\Z")
_OF_A_STEP = 4  # parts


@dataclass(frozen=True, slots=True)
class ArtifactPath:
    """An artifact of all tasks of a step, or of one."""

    flow_run: Pathspec
    step: str
    name: str
    task: str | None = None  # its id; None: all tasks of the step

    def __str__(self) -> str:
        task = () if self.task is None else (self.task,)
        return "/".join((str(self.flow_run), self.step, *task, self.name))

    @property
    def holder_path(self) -> str:
        """The pathspec of the step or the task that has the artifact."""
        return str(self).removesuffix(f"/{self.name}")

    @property
    def with_task_in_name(self) -> ArtifactPath:
        """The path if what looks like the id of a task is the beginning of the artifact's name.

        `setattr(self, "auc/1", x)` makes such a name.
        """
        return (
            self if self.task is None else replace(self, name=f"{self.task}/{self.name}", task=None)
        )

    def with_flow_run(self, flow_run: Pathspec) -> ArtifactPath:
        """Return the same path with another flow run: the one that `latest` stands for."""
        return replace(self, flow_run=flow_run)


def parse_artifact(text: str) -> ArtifactPath:
    """Return the path that `Flow/123/train/model` stands for; UsageError for any other text."""
    parts = parts_of(text.strip())
    if len(parts) < _OF_A_STEP:
        raise UsageError(
            f"{text!r} does not name an artifact; give Flow/123/train/model or "
            "Flow/latest/train/model, or Flow/123/train/4/model for one task"
        )
    flow_run, step = parse("/".join(parts[:2])), parts[2]
    task, name = None, parts[3]
    if len(parts) > _OF_A_STEP:
        task, name = parts[3], "/".join(parts[4:])
    if task is None and name.isdecimal():
        raise UsageError(f"{text!r} names a task; add an artifact: {text.strip()}/model")
    for kind, part, is_valid in (
        ("a step", step, _NAME.match(step)),
        ("an artifact", name, is_artifact_name(name)),
    ):
        if not is_valid:
            raise UsageError(f"{part!r} in {text!r} can't be the name of {kind}")
    if task is not None and not _TASK.match(task):
        raise UsageError(f"{task!r} in {text!r} can't be the id of a task")
    if task is not None and step == PARAMETERS:
        raise UsageError(
            f"parameters belong to a flow run, not to a task: give "
            f"{parameters_of(str(flow_run))}/{name}"
        )
    return ArtifactPath(flow_run, step, name, task)
