"""No check ends the others, whatever it raises."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest

from mfwb.diagnosis.bounded_checks import BoundedChecks
from mfwb.diagnosis.check import Check, passed
from mfwb.errors import LockHeld, SinkError, SourceError, Unreachable, UsageError


@pytest.mark.parametrize(
    ("error", "code", "detail"),
    [
        (UsageError("wrong; mend it"), 2, "wrong"),
        (Unreachable("no answer"), 4, "no answer"),
        (SourceError("broken"), 4, "broken"),
        (SinkError("refused"), 4, "refused"),
        (LockHeld("busy"), 4, "busy"),
        (OSError(errno.EMFILE, "Too many open files"), 2, "Too many open files"),
        (MemoryError(), 2, "there is not enough memory"),
        (KeyError("x"), 70, "this is a bug in mfwb (KeyError: 'x')"),
    ],
)
def test_errors(
    error: Exception, code: int, detail: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was found before the error stays; the error is a failed check."""
    monkeypatch.setenv("MFWB_STATE_DIR", str(tmp_path))
    checks = BoundedChecks(5.0)

    def check() -> Iterator[Check]:
        yield passed("G", "first", "fine")
        raise error

    assert not checks.run("G", "second", check, "the advice")
    assert checks.run("G", "third", lambda: passed("G", "third", "fine"))

    assert [item.name for item in checks.done] == ["first", "second", "third"]
    assert checks.done[1].exit_code == code
    assert checks.done[1].detail.startswith(detail)
    assert (len([*tmp_path.glob("bug-*")]) == 1) is (code == 70)
    if code == 2 and isinstance(error, UsageError):
        assert checks.done[1].advice == "mend it"
