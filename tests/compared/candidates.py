"""The aliases of candidates: of what a step wrote in a foreach, and a step behind it picked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tests.compared.choices import Choices, is_same_content
from tests.compared.metaflow_facts import FlowRunFacts
from tests.compared.wandb_facts import WandbRunFacts

__all__ = ["differences_of_candidates"]


def differences_of_candidates(
    facts: FlowRunFacts,
    choices: Choices,
    run_of: Mapping[str, WandbRunFacts | None],
    granularity: str,
) -> Iterator[tuple[str, Any, Any]]:
    """Yield candidates without their alias: the item, Metaflow's side, and W&B's.

    Only what the step right before the one that picks wrote itself is looked at.

    Args:
        facts: the flow run.
        choices: what was picked, by task and name.
        run_of: the W&B run of each task.
        granularity: `step` or `task`.
    """
    tasks = {task.pathspec: task for of_step in facts.steps.values() for task in of_step}
    start = f"run-{facts.pathspec.split('/')[1]}"
    for pathspec, picked in choices.items():
        for parent in (tasks[item] for item in facts.truth.parents.get(pathspec, ())):
            run = run_of.get(parent.pathspec)
            for name in picked.keys() & parent.held.keys():
                is_own = not any(
                    name in tasks[item].held
                    and is_same_content(tasks[item].held[name], parent.held[name])
                    for item in facts.ancestors(parent.pathspec)
                )
                if run is None or not parent.in_foreach or not is_own:
                    continue
                place = "-".join(map(str, parent.place))
                alias = (
                    f"{start}-candidates-{parent.step}"
                    if granularity == "step"
                    else f"{start}-candidate-{parent.step}-{place}"
                )
                for version in run.logged.get(name, []):
                    if alias not in version.aliases:
                        yield f"{version.path} alias", alias, version.aliases
