"""Log order: which W&B run logs an artifact first when several W&B runs log the same content.

W&B names the W&B run that logs a content first as its creator, and no other one. This has to be the
oldest flow run, and within a flow run the first W&B run, whatever the number of workers. So later
W&B runs wait until the content has been logged. A W&B run that would log a name with another type
waits for that name, since W&B gives the name the type of the first artifact.

The plan shows which contents are equal: the same files made of the same contents. This is known for
all levels beforehand, and it is rare that different contents make equal files.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from threading import Condition

from mfwb.planning import OutputArtifact, Plan, PlannedRun, WandbRunId

__all__ = ["LogOrder", "LoggedArtifact", "Turn", "logged_artifacts"]

_Position = tuple[int, int]
"""The position of a W&B run: the number of its flow run, and its own number in that."""


@dataclass(frozen=True, slots=True)
class LoggedArtifact:
    """An artifact that a W&B run logs.

    Attributes:
        name: its destination and its name.
        type: its type.
        content: name, type and what its files are made of.
    """

    name: tuple[Hashable, str]
    type: str
    content: Hashable


@dataclass(slots=True)
class _Queue:
    """The W&B runs that log one content, or one name with one type, in their order."""

    positions: dict[_Position, None] = field(default_factory=dict)  # a set that keeps its order
    is_logged: bool = False  # a W&B run has logged it

    def has_waiting_before(self, position: _Position) -> bool:
        """Return whether a W&B run with a lower position has not finished yet."""
        return next(iter(self.positions), position) < position


class LogOrder:
    """The flow runs of a call, in the order in which they were added."""

    def __init__(self) -> None:
        self._numbers = count()
        self._changed = Condition()
        self._contents: dict[Hashable, _Queue] = {}
        self._names: dict[Hashable, dict[str, _Queue]] = {}  # by type

    def add(self, plan: Plan) -> Turn:
        """Add a flow run that will be written, and return its turn; earlier ones are older."""
        number = next(self._numbers)
        destination = (plan.entity, plan.project)
        runs = [run for level in plan.levels() for run in level]
        positions = {run.id: (number, at) for at, run in enumerate(runs)}
        artifacts = {
            run.id: [_logged_artifact(destination, artifact) for artifact in run.outputs]
            for run in runs
        }
        with self._changed:
            for run in runs:
                for queue in self._queues(artifacts[run.id]):
                    queue.positions[positions[run.id]] = None
        return Turn(self, positions, artifacts)

    def is_blocked(self, artifacts: Iterable[LoggedArtifact], position: _Position) -> bool:
        """Return whether an earlier W&B run still has to log one of these artifacts."""
        with self._changed:
            return any(self._is_blocked(artifact, position) for artifact in artifacts)

    def wait(self, artifacts: Iterable[LoggedArtifact], position: _Position) -> None:
        """Wait until earlier W&B runs have logged these artifacts, or have given up."""
        with self._changed:
            self._changed.wait_for(lambda: not self.is_blocked(artifacts, position))

    def finish(
        self, artifacts: Iterable[LoggedArtifact], position: _Position, *, logged: bool
    ) -> None:
        """Note that a W&B run logged its artifacts, or never will; calls may be repeated."""
        with self._changed:
            for artifact in artifacts:
                types = self._names.get(artifact.name, {})
                queues = (self._contents.get(artifact.content), types.get(artifact.type))
                for queue in queues:
                    if queue is not None and position in queue.positions:
                        del queue.positions[position]
                        queue.is_logged = queue.is_logged or logged
                self._forget(artifact, types)
            self._changed.notify_all()

    def _is_blocked(self, artifact: LoggedArtifact, position: _Position) -> bool:
        content = self._contents.get(artifact.content)
        if content is not None and not content.is_logged and content.has_waiting_before(position):
            return True
        types = self._names.get(artifact.name, {})
        if len(types) == 1 or any(queue.is_logged for queue in types.values()):
            return False
        others = (queue for type_, queue in types.items() if type_ != artifact.type)
        return any(queue.has_waiting_before(position) for queue in others)

    def _queues(self, artifacts: Iterable[LoggedArtifact]) -> Iterator[_Queue]:
        for artifact in artifacts:
            yield self._contents.setdefault(artifact.content, _Queue())
            yield self._names.setdefault(artifact.name, {}).setdefault(artifact.type, _Queue())

    def _forget(self, artifact: LoggedArtifact, types: Mapping[str, _Queue]) -> None:
        """Remove what no W&B run will log any more: a call may see many flow runs."""
        content = self._contents.get(artifact.content)
        if content is not None and not content.positions:
            del self._contents[artifact.content]
        if types and not any(queue.positions for queue in types.values()):
            del self._names[artifact.name]


class Turn:
    """The turn of one flow run: which of its W&B runs may be written now."""

    def __init__(
        self,
        log_order: LogOrder,
        positions: Mapping[WandbRunId, _Position],
        artifacts: Mapping[WandbRunId, list[LoggedArtifact]],
    ) -> None:
        self._log_order = log_order
        self._positions = positions
        self._artifacts_by_run = artifacts

    def iterate_when_allowed(self, runs: Iterable[PlannedRun]) -> Iterator[PlannedRun]:
        """Yield the W&B runs of a flow run as soon as they may be written.

        W&B runs that need not wait come first, but none before one whose artifacts it uses, and
        none before an earlier one that will log a version of the same name: these are numbered in
        their order. Call `finish_run` for each of them afterwards.

        Args:
            runs: a W&B run comes after those whose artifacts it uses.
        """
        blocked: dict[WandbRunId, PlannedRun] = {}
        contents: set[Hashable] = set()  # of the W&B runs that come before
        waiting: set[Hashable] = set()  # names that a blocked W&B run will log a version of
        for run in runs:
            artifacts = self._artifacts_by_run[run.id]
            numbered = {item.name for item in artifacts if item.content not in contents}
            contents.update(item.content for item in artifacts)
            if (
                numbered.isdisjoint(waiting)
                and blocked.keys().isdisjoint(used.producer for used in run.inputs)
                and not self._log_order.is_blocked(artifacts, self._positions[run.id])
            ):
                yield run
            else:
                blocked[run.id] = run
                waiting |= numbered
        for run in blocked.values():
            self._log_order.wait(self._artifacts_by_run[run.id], self._positions[run.id])
            yield run

    def finish_run(self, run: PlannedRun, *, logged: bool) -> None:
        """Note that a W&B run was written, or could not be.

        Args:
            run: the planned W&B run.
            logged: whether all its artifacts were logged.
        """
        self._log_order.finish(
            self._artifacts_by_run[run.id], self._positions[run.id], logged=logged
        )

    def finish(self) -> None:
        """Note that the flow run logs nothing more, whether it succeeded or failed."""
        for run_id, position in self._positions.items():
            self._log_order.finish(self._artifacts_by_run[run_id], position, logged=False)


def logged_artifacts(plan: Plan) -> Iterator[LoggedArtifact]:
    """Yield what the W&B runs of a flow run log; equal contents are equal in all flow runs."""
    for run in plan.runs:
        for artifact in run.outputs:
            yield _logged_artifact((plan.entity, plan.project), artifact)


def _logged_artifact(destination: Hashable, artifact: OutputArtifact) -> LoggedArtifact:
    name = (destination, artifact.name)
    files = tuple((file.stem, file.form, file.plugin, file.content.sha1) for file in artifact.files)
    return LoggedArtifact(name, artifact.type, (name, artifact.type, files))
