"""Records of Metaflow's scheduler that show that it has given up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mfwb.snapshot import GraphStep, Task, TaskState
from mfwb.source.graph import GraphInfo
from mfwb.source.process_exits import ProcessExit
from mfwb.source.scheduler_exit import has_given_up
from tests.support.flow_runs import task, tried

GRAPH = GraphInfo(
    steps=(
        GraphStep("start", next=("work",)),
        GraphStep("work", next=("end",)),
        GraphStep("end"),
    ),
    retries={"work": 1},
    is_recorded=True,
)
DEV = {"runtime": "dev"}
START = task("start/1", to="work", metadata=DEV)
CLONE = replace(START, origin="DemoFlow/6/start/1")
ENDED = task("end/3", metadata=DEV)
STOPPED = task("work/2", metadata=DEV)


def failed(number: int, **facts: Any) -> Task:
    """Return a task whose attempt of that number failed."""
    attempts = (tried(ok=False, number=number),)
    known = {"state": TaskState.FAILED, "attempts": attempts, "metadata": DEV, **facts}
    return task("work/2", **known)


SILENT_END = replace(failed(0), metadata={"runtime": "argo-workflows"})
BAD, WELL = ProcessExit(1, 1, killed=False), ProcessExit(1, 0, killed=False)


@pytest.mark.parametrize(
    ("tasks", "ending", "expected"),
    [
        ((START, failed(1)), BAD, True),  # its last attempt
        ((START, failed(0)), BAD, False),  # another one is to come
        ((START, failed(1)), None, False),  # nobody has seen its process end
        ((START, failed(0)), WELL, True),  # os._exit(0): what it should have written is missing
        ((START, failed(0)), ProcessExit(1, 202, killed=False), True),  # it forbids another attempt
        ((START, failed(0)), ProcessExit(1, -9, killed=True), True),  # the scheduler killed it
        ((START, failed(0)), ProcessExit(1, -9, killed=False), False),  # somebody else did
        ((CLONE, failed(1)), BAD, False),  # what retries there are its origin does not tell
        ((CLONE, failed(0)), WELL, True),
        ((START, SILENT_END), WELL, False),  # another scheduler
        ((START, replace(STOPPED, attempts=(tried(number=1),))), BAD, True),  # after it went well
        ((START, replace(STOPPED, attempts=(tried(number=0),))), BAD, False),
        ((START, STOPPED), WELL, False),
    ],
)
def test_a_process_that_ended(
    tasks: tuple[Task, ...], ending: ProcessExit | None, *, expected: bool
) -> None:
    """The exit of the process decides if no retry can follow."""
    exits = {} if ending is None else {tasks[-1].pathspec: ending}

    assert has_given_up(tasks, exits, GRAPH, without_next=()) is expected


@pytest.mark.parametrize(
    ("tasks", "expected"),
    [
        ((STOPPED,), True),
        ((STOPPED, ENDED), True),
        ((ENDED,), False),  # the last step has none
        ((replace(STOPPED, metadata={"runtime": "argo-workflows"}),), False),
        ((CLONE, STOPPED), False),  # a resumed flow may end elsewhere
        ((replace(STOPPED, state=TaskState.UNFINISHED),), False),
    ],
)
def test_a_step_that_leads_nowhere(tasks: tuple[Task, ...], *, expected: bool) -> None:
    """Without a `self.next` Metaflow's scheduler can't go on."""
    stopped = {task.pathspec for task in tasks if task.transition is None}

    assert has_given_up(tasks, {}, GRAPH, without_next=stopped) is expected
    assert not has_given_up(tasks, {}, GRAPH, without_next=())  # it is just not stored yet
