"""Facts in config and summary of a W&B run."""

from __future__ import annotations

from mfwb.verification.expected.facts import AttemptFacts
from mfwb.verification.expected.run_facts import (
    expect_facts,
    expect_outcome,
    span,
    unexpected_facts,
    unexpected_outcome,
)
from tests.unit.verification.expected.facts_of_tasks import flow_run, task

FAILED = task(
    "fit",
    "1",
    outcome="failed",
    exception=("ValueError", "no", None),
    attempts=(
        AttemptFacts(0, False, 500, 600),  # noqa: FBT003 - its outcome
        AttemptFacts(1, False, 2000, 4500),  # noqa: FBT003 - the same
    ),
    earlier={0: "first"},
)
TASKS = [task("fit"), FAILED]


def test_times_are_those_of_the_last_attempts() -> None:
    """From the first start to the last end, in epoch ms; none of tasks that never began."""
    assert span(TASKS) == (1000, 4500)
    assert span([task("fit", attempts=())]) == (None, None)


def test_facts() -> None:
    """Failures, earlier attempts and metadata; what is empty is missing."""
    facts = expect_facts(flow_run(*TASKS), TASKS, "F/1/fit", {})

    assert facts["started_at"].options == ("1970-01-01T00:00:01.000Z",)
    assert facts["tasks"].options == (["F/1/fit/0", "F/1/fit/1"],)
    assert facts["failures"].options == (
        [{"task": "F/1/fit/1", "type": "ValueError", "message": "no"}],
    )
    [entries] = facts["earlier_attempts"].options
    assert [(entry["attempt"], entry["exception"]) for entry in entries] == [(0, "first")]
    assert "cloned_from" not in facts
    assert "doc" not in facts


def test_metadata_that_differs_between_tasks() -> None:
    """One value if all have the same, else a list of the different ones."""
    tasks = [
        task("fit", f"{n}", metadata={"runtime": "dev", "python_version": version})
        for n, version in enumerate(("3.10", "3.11", "3.11"))
    ]
    facts = expect_facts(flow_run(*tasks), tasks, "F/1/fit", {})

    assert facts["runtime"].options == ("dev",)
    assert facts["python_version"].options == (["3.10", "3.11"],)


def test_outcome() -> None:
    """How many tasks ended in each way, how long they took, and the exception."""
    outcome = expect_outcome(TASKS, None)

    assert outcome["tasks"].options == ({"ok": 1, "failed": 1},)
    assert outcome["duration_seconds"].options == (3.5,)
    assert outcome["exception"].options == ("ValueError: no",)
    assert "stopped" not in outcome


def test_keys_that_would_be_untrue() -> None:
    """W&B must not have failures of tasks that ended well, nor attempts that never were."""
    well = [task("fit")]

    assert unexpected_facts(well) == {"cloned_from", "earlier_attempts", "failures"}
    assert unexpected_facts(TASKS) == {"cloned_from"}
    assert unexpected_outcome(well, None) == {"stopped", "exception", "stacktrace"}
    assert unexpected_outcome(TASKS, "killed") == frozenset()
