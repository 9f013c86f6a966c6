"""Errors by what a caller should do about them."""

from __future__ import annotations

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
    every = [one for one in named if one is not errors.ends_the_call]
    stops = {one.__name__ for one in every if issubclass(one, errors.Stop)}
    skips = {one.__name__ for one in every if issubclass(one, errors.SkipFlowRun)}

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
    assert not issubclass(errors.ItemLost, errors.MfwbError)
