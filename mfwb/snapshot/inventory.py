"""Inventory: the items that a flow run has, counted from its facts alone.

This is the other side of the account: it knows nothing of a plan or of lineage, so an item that
these forget shows up here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from mfwb.account import Kind
from mfwb.snapshot.facts import ArtifactRef, FlowRun, Loss, Task
from mfwb.snapshot.pathspec import parameters_of

__all__ = [
    "ArtifactCheck",
    "check_artifacts",
    "count_facts",
    "has_log",
    "is_unread_card",
    "unread_card",
]


def count_facts(flow_run: FlowRun) -> dict[Kind, int]:
    """Return the numbers of items of a flow run by kind, without artifacts."""
    tasks = list(flow_run.tasks)
    return {
        Kind.TASKS: len(tasks),
        Kind.ATTEMPTS: sum(len(task.attempts) for task in tasks),
        Kind.PARAMETERS: len(flow_run.parameters),
        Kind.TAGS: len(flow_run.tags) + len(flow_run.system_tags),
        Kind.LOGS: sum(map(has_log, tasks)),
        Kind.CARDS: sum(len(task.cards) for task in tasks)
        + sum(map(is_unread_card, flow_run.losses)),
        Kind.CODE_PACKAGES: len(flow_run.code_packages),
    }


def has_log(task: Task) -> bool:
    """Return whether a task has a log of its own, perhaps an empty one: a clone has none."""
    return task.origin is None


def unread_card(task: str) -> str:
    """Return the name for the loss of a card whose record in Metaflow can't be read."""
    return f"{task}{_CARD}"


def is_unread_card(loss: Loss) -> bool:
    """Return whether a loss of a flow run is that of such a card."""
    return loss.item.endswith(_CARD)


_CARD = " card"


@dataclass(frozen=True, slots=True)
class ArtifactCheck:
    """The result of comparing an account of artifacts with the facts.

    Attributes:
        passed_on: the number of artifacts that a task only passed on: another task has the same
            content under the same name, and the account has it there.
        missing: pathspecs of artifacts that the account does not have.
        surplus: pathspecs that the account has more than once, or that the flow run does not have.
    """

    passed_on: int
    missing: tuple[str, ...]
    surplus: tuple[str, ...]


def check_artifacts(flow_run: FlowRun, accounted: Iterable[str]) -> ArtifactCheck:
    """Compare the artifacts of an account with those that the facts of a flow run have.

    The content of an included file counts as an artifact of the parameters. Another parameter may
    be one, too, if W&B's config has no room for it.

    Args:
        flow_run: the flow run.
        accounted: the pathspecs of the artifacts in the account.
    """
    counts = Counter(accounted)
    held = [
        (f"{task.pathspec}/{ref.name}", ref) for task in flow_run.tasks for ref in task.artifacts
    ]
    owner = parameters_of(flow_run.pathspec)
    possible = {pathspec for pathspec, _ in held}
    possible |= {f"{owner}/{parameter.name}" for parameter in flow_run.parameters}
    included = [
        f"{owner}/{parameter.name}"
        for parameter in flow_run.parameters
        if parameter.kind == "IncludeFile" and f"{owner}/{parameter.name}" not in counts
    ]
    known = {identity for path, ref in held if path in counts for identity in _identities(ref)}
    others = [(pathspec, ref) for pathspec, ref in held if pathspec not in counts]
    missing = [pathspec for pathspec, ref in others if not _is_among(ref, known)]
    return ArtifactCheck(
        passed_on=len(others) - len(missing),
        missing=(*missing, *included),
        surplus=tuple(
            path for path, number in counts.items() if number > 1 or path not in possible
        ),
    )


def _is_among(ref: ArtifactRef, known: Collection[tuple[str, str]]) -> bool:
    return any(identity in known for identity in _identities(ref))


def _identities(ref: ArtifactRef) -> Iterator[tuple[str, str]]:
    yield ref.name, ref.sha1
    if ref.content is not None:
        yield ref.name, ref.content
