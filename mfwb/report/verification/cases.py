"""A verification as test cases for CI: a suite for each flow run, a case for each W&B run."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from mfwb.report.format import short_name
from mfwb.report.junit import Case, Suite, to_junit
from mfwb.verification_outcome import Difference, FlowRunVerification, Verdict, Verification

__all__ = ["verification_to_junit"]

_COMMAND = "verify"
_LONGEST_VALUE = 120  # letters


def verification_to_junit(verification: Verification) -> str:
    """Return a verification as JUnit XML: a difference is a failure of its W&B run's case.

    What could not be verified is an error, since nothing is known of it.
    """
    return to_junit([_suite(run) for run in verification.flow_runs], f"mfwb {_COMMAND}")


def _suite(flow_run: FlowRunVerification) -> Suite:
    by_run: dict[str | None, list[Difference]] = {name: [] for name in flow_run.wandb_runs}
    for difference in flow_run.differences:
        by_run.setdefault(difference.wandb_run, []).append(difference)
    as_a_whole = by_run.pop(None, [])
    return Suite(
        flow_run.pathspec,
        (
            _flow_run_case(flow_run, as_a_whole),
            *(
                _case(short_name(name or "", flow_run.pathspec), differences)
                for name, differences in by_run.items()
            ),
        ),
        tuple(_properties(flow_run)),
    )


def _flow_run_case(flow_run: FlowRunVerification, differences: Iterable[Difference]) -> Case:
    """Return the case of the flow run as a whole, which each flow run has."""
    reason = flow_run.reason or "no reason was recorded"
    if flow_run.verdict is Verdict.FAILED:
        return Case(_COMMAND, error=(reason,), kind="bug" if flow_run.bug else "failed")
    if flow_run.verdict is Verdict.SKIPPED:
        return Case(_COMMAND, skipped=reason)
    open_items = (f"can't be decided: {item}: {why}" for item, why in flow_run.unknown)
    return _case(_COMMAND, differences, (flow_run.verdict.value, *open_items))


def _case(name: str, differences: Iterable[Difference], output: tuple[str, ...] = ()) -> Case:
    lines = tuple(map(_line, differences))
    return Case(name, failure=lines, kind="different" if lines else "", output=output)


def _line(difference: Difference) -> str:
    sides = f"Metaflow {_value(difference.metaflow)}, W&B {_value(difference.wandb)}"
    return f"{difference.kind} {difference.item}: {sides}; {difference.cause}"


def _value(value: Any) -> str:
    text = "nothing" if value is None else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."


def _properties(flow_run: FlowRunVerification) -> Iterator[tuple[str, str]]:
    facts = {
        "verdict": flow_run.verdict.value,
        "entity": flow_run.entity,
        "project": flow_run.project,
        "group": flow_run.group,
        "written_by": ", ".join(flow_run.written_by),
    }
    yield from ((name, value) for name, value in facts.items() if value)
    compared = flow_run.compared or {}
    yield from ((f"compared.{kind}", str(number)) for kind, number in compared.items())
