"""Errors by what a caller should do about them."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from mfwb import errors


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.UsageError, 2),
        (errors.Unreachable, 4),
        (errors.LockHeld, 5),
        (errors.NotFound, 1),
        (errors.SourceError, 1),
        (errors.LineageError, 1),
        (errors.NotOurs, 1),
        (errors.SinkError, 1),
    ],
)
def test_exit_codes(error: type[errors.MfwbError], code: int) -> None:
    """Each error has the exit code that is promised."""
    assert error("no").exit_code == code


def test_stop_or_go_on() -> None:
    """An error ends the call or the flow run, never both; a lost item ends neither."""
    named = [getattr(errors, name) for name in errors.__all__]
    every = [each for each in named if isinstance(each, type)]
    stops = {item.__name__ for item in every if issubclass(item, errors.Stop)}
    skips = {item.__name__ for item in every if issubclass(item, errors.SkipFlowRun)}

    assert stops == {
        "Stop",
        "UsageError",
        "LedgerDamaged",
        "Unreachable",
        "LockHeld",
        "BundleChanged",
    }
    assert skips == {
        "SkipFlowRun",
        "NotFound",
        "Refused",
        "SourceError",
        "LineageError",
        "NotOurs",
        "SinkError",
    }
    assert {each.__name__ for each in every} - stops - skips == {
        "MfwbError",
        "FlowRunsDiffer",
        "FlowRunsFailed",
        "ItemLost",
    }
    assert not issubclass(errors.ItemLost, errors.MfwbError)


# --- flow runs that failed -------------------------------------------------------------------


def test_failed_flow_runs_are_named() -> None:
    """The text has the first of them, each with its reason; the attributes have all."""
    reasons = {f"F/{number}": f"gone\n{number}" for number in range(1, 1_006)}

    error = errors.FlowRunsFailed(reasons, total=2_000, exit_code=4)

    assert str(error) == (
        "1,005 of 2,000 flow runs failed: F/1: gone 1; F/2: gone 2; F/3: gone 3; and 1,002 more"
    )
    assert (error.reasons, error.total, error.exit_code) == (reasons, 2_000, 4)


def test_a_long_reason_hides_no_other() -> None:
    """What one flow run failed of may be long: it is cut, in the text alone."""
    error = errors.FlowRunsFailed({"F/1": "x" * 10_000, "F/2": "gone"}, total=2)

    assert str(error).endswith("…; F/2: gone")
    assert error.reasons["F/1"] == "x" * 10_000
    assert error.exit_code == 1


def test_failed_flow_runs_can_be_pickled() -> None:
    """A pool of processes hands the error on whole."""
    error = errors.FlowRunsFailed({"F/1": "gone"}, total=1, exit_code=70)

    copy = pickle.loads(pickle.dumps(error))

    assert (type(copy), str(copy), vars(copy)) == (type(error), str(error), vars(error))


def test_a_damaged_ledger_can_be_pickled(tmp_path: Path) -> None:
    """A pool of processes hands the error on whole."""
    error = errors.LedgerDamaged(tmp_path / "ledger.sqlite", "it has\nno header")

    copy = pickle.loads(pickle.dumps(error))

    assert (type(copy), str(copy), vars(copy)) == (type(error), str(error), vars(error))
    assert copy.path == tmp_path / "ledger.sqlite"
