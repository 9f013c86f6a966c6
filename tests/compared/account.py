"""The account of a flow run, held against what Metaflow's client counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from tests.compared.comparison import Difference, is_in_summary, is_picked
from tests.compared.metaflow_facts import FlowRunFacts
from tests.compared.values import is_value

__all__ = ["KINDS", "differences_of_account", "differences_of_totals"]

KINDS = ("tasks", "attempts", "artifacts", "parameters", "tags", "logs", "cards", "code_packages")
_ENDINGS = {"written", "deduplicated", "switched_off", "masked", "referenced", "lost"}

_Account = dict[str, dict[str, int]]


def differences_of_account(facts: FlowRunFacts, outcome: dict[str, Any]) -> Iterator[Difference]:
    """Yield what does not add up.

    Args:
        facts: the flow run.
        outcome: the flow run in the document that mfwb printed.
    """
    at = f"{facts.pathspec} account"
    account: _Account | None = outcome["account"]
    if account is None:
        yield Difference(at, "one", None)
        return
    if odd := {ending for numbers in account.values() for ending in numbers} - _ENDINGS:
        yield Difference(f"{at} endings", sorted(_ENDINGS), sorted(odd))
    counted = {kind: sum(account.get(kind, {}).values()) for kind in KINDS}
    expected = _expected(facts)
    for kind in KINDS:
        if counted[kind] != expected[kind]:
            yield Difference(f"{at} {kind}", expected[kind], counted[kind])
    for kind, number in _masked(facts).items():
        masked = account.get(kind, {}).get("masked", 0)
        if masked != number:
            yield Difference(f"{at} masked {kind}", number, masked)
    held = counted["artifacts"] + outcome["artifacts_passed_on"]
    if held != facts.artifacts_held:
        yield Difference(f"{at} artifacts with those passed on", facts.artifacts_held, held)
    yield from _of_wandb_runs(at, account, outcome)
    lost = sum(numbers.get("lost", 0) for numbers in account.values())
    losses = sum(len(item["losses"]) for item in (outcome, *outcome["wandb_runs"]))
    if lost > losses:
        yield Difference(f"{at} losses with a reason", lost, losses)


def differences_of_totals(document: dict[str, Any]) -> Iterator[Difference]:
    """Yield the totals of a document that are not the sum of its flow runs."""
    total = _sum(item["account"] or {} for item in document["flow_runs"])
    reported = {
        (kind, ending): number
        for kind, numbers in document["totals"]["account"].items()
        for ending, number in numbers.items()
        if number
    }
    if total != reported:
        yield Difference("totals of the account", total, reported)


def _expected(facts: FlowRunFacts) -> dict[str, int]:
    """Return how many items there are of each kind.

    An artifact that a task was only given by its parents is an item of the task that wrote it. One
    that it assigned again is an item of its own if it is a value, and no file.
    """
    tasks = [task for tasks in facts.steps.values() for task in tasks]
    written = sum(
        is_in_summary(held) or not is_picked(facts, task, name)
        for task in tasks
        for name, held in task.held.items()
    )
    return {
        "tasks": len(tasks),
        "attempts": sum(task.attempts for task in tasks),
        "artifacts": written + len(facts.included),
        "parameters": len(facts.parameters) + len(facts.constants) + len(facts.included),
        "tags": len(facts.tags) + facts.system_tags,
        "logs": sum(not task.is_clone for task in tasks),
        "cards": sum(len(task.cards) for task in tasks),
        "code_packages": int(facts.code is not None),
    }


def _masked(facts: FlowRunFacts) -> dict[str, int]:
    """Return how many items of each kind have a secret in what W&B has as text.

    What is a file with all its bytes is none of them, though the text beside it is masked.
    """
    tasks = [task for tasks in facts.steps.values() for task in tasks]
    artifacts = sum(
        held.is_masked and is_value(held.value) and not is_picked(facts, task, name)
        for task in tasks
        for name, held in task.held.items()
    )
    logs = sum(any("***" in line.text for line in task.log) for task in tasks)
    return {"parameters": facts.masked_parameters, "artifacts": artifacts, "logs": logs}


def _of_wandb_runs(at: str, account: _Account, outcome: dict[str, Any]) -> Iterator[Difference]:
    """Tags and parameters are those of the flow run; all else is that of some W&B run."""
    runs = _sum(run["account"] for run in outcome["wandb_runs"])
    whole = _sum([{k: v for k, v in account.items() if k not in {"tags", "parameters"}}])
    if runs != whole:
        yield Difference(f"{at} of its W&B runs", whole, runs)


def _sum(accounts: Iterable[_Account]) -> dict[tuple[str, str], int]:
    total: Counter[tuple[str, str]] = Counter()
    for account in accounts:
        for kind, numbers in account.items():
            total.update({(kind, ending): number for ending, number in numbers.items()})
    return {key: number for key, number in total.items() if number}
