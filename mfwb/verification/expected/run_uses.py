"""Which artifacts a W&B run should use, and from which W&B runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from mfwb.verification.expected.facts import FlowRunFacts, TaskFacts
from mfwb.verification.expected.loggers import Loggers
from mfwb.verification.expected.model import ExpectedUse, Need
from mfwb.verification.expected.step_code import StepCode
from mfwb.verification.expected.written import History

__all__ = ["expect_uses"]


def expect_uses(  # noqa: PLR0913, PLR0917 - one for each thing that decides
    facts: FlowRunFacts,
    tasks: Sequence[TaskFacts],
    code: StepCode | None,
    history: History,
    loggers: Loggers,
    run_of: Mapping[str, str],
    is_file: Callable[[TaskFacts, str], bool],
) -> Iterator[ExpectedUse]:
    """Yield what a W&B run uses.

    Args:
        facts: of the flow run.
        tasks: of the W&B run.
        code: of their step; None if it is not known.
        history: the parents of all tasks.
        loggers: the tasks in whose W&B runs artifacts are logged.
        run_of: the W&B run of each task by its path, both by name.
        is_file: whether what a task wrote under a name is a file in W&B.
    """
    own = {run_of[task.path] for task in tasks}
    required: dict[str, set[frozenset[str]]] = {}
    allowed: dict[str, set[str]] = {}
    for task in tasks:
        parents = history.parents[task.path]
        for name in sorted({name for parent in parents for name in parent.held}):
            groups = []
            for parent in parents:
                if name in parent.held:
                    makers = loggers.logged_by(parent, name)
                    maker_runs = frozenset(run_of[maker] for maker in makers)
                    allowed.setdefault(name, set()).update(maker_runs)
                    if is_file(parent, name):
                        groups.append(maker_runs)
            required.setdefault(name, set()).update(_picked(task, name, loggers, run_of))
            if groups and code is not None and task.outcome != "unfinished":
                required.setdefault(name, set()).update(_required(task, name, groups, code))
    included = {name for name, kind in facts.kinds.items() if kind == "IncludeFile"}
    first = {run_of[task.path] for task in facts.steps.get(facts.start_step, ())}
    for name in included - own:
        allowed.setdefault(name, set()).update(first)
        if code is not None and name in code.loads and first:
            required.setdefault(name, set()).add(frozenset(first))
    for name, runs in allowed.items():
        groups_of_others = tuple(
            sorted((group for group in required.get(name, ()) if not group & own), key=sorted)
        )
        yield ExpectedUse(name, groups_of_others, frozenset(runs))


def _picked(
    task: TaskFacts, name: str, loggers: Loggers, run_of: Mapping[str, str]
) -> Iterator[frozenset[str]]:
    """Yield the W&B runs from which a task picked what its own W&B run logs."""
    picked = loggers.picked(task, name) if name in task.held else None
    if picked and picked[0] is Need.REQUIRED:
        yield frozenset(run_of[path] for path in picked[1])


def _required(
    task: TaskFacts, name: str, groups: Sequence[frozenset[str]], code: StepCode
) -> Iterator[frozenset[str]]:
    """Yield sets of W&B runs; the task has read what at least one of each has logged."""
    if name in code.from_all_inputs:
        yield from groups
    elif name in code.input_loads:
        yield frozenset().union(*groups)
    elif name in code.loads and len(groups) == 1:  # behind a join it depends on what was merged
        yield groups[0]
    if task.items_of == name and "input" in code.loads and task.indexes and len(groups) == 1:
        yield groups[0]
