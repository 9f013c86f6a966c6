"""The result of one check, and of all of them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal

from typing_extensions import TypedDict

from mfwb.errors import BUG_EXIT_CODE, Unreachable, UsageError
from mfwb.notebook_display import ShownInNotebooks
from mfwb.redaction import mask_url_users
from mfwb.safe_text import one_line
from mfwb.settings_in_force import SettingInForce

__all__ = [
    "Check",
    "CheckStatus",
    "Diagnosis",
    "DoctorDocument",
    "failed",
    "passed",
    "skipped",
    "warned",
]


class CheckDocument(TypedDict):
    """One check.

    Attributes:
        group: the part that it is about, for example "W&B".
        name: what was checked, for example "credentials".
        status: passed, warned, failed or skipped.
        detail: the result, in one line.
        advice: what to do, in one line; null: nothing.
    """

    group: str
    name: str
    status: str
    detail: str
    advice: str | None


class SettingDocument(TypedDict):
    """One setting in force.

    Attributes:
        name: its name, with the tables that it is in.
        value: its value, or stars if that may be a secret.
        origin: the exact source that sets it.
        kind: default, file, variable or argument.
    """

    name: str
    value: Any
    origin: str
    kind: str


class DoctorDocument(TypedDict):
    """What `mfwb doctor` prints with `--json`.

    Attributes:
        version: of the form of this document; keys may be added without a new one.
        command: doctor.
        exit_code: what the command ends with.
        checks: the checks, in the order in which they are shown.
        settings: the settings in force, those with default values included.
        totals: numbers of checks by status.
    """

    version: Literal[1]
    command: str
    exit_code: int
    checks: list[CheckDocument]
    settings: list[SettingDocument]
    totals: dict[str, int]


class CheckStatus(Enum):
    """How a check ended."""

    PASSED = "passed"
    WARNED = "warned"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check.

    Attributes:
        group: the part that it is about, for example "W&B".
        name: what was checked, for example "credentials".
        status: how it ended.
        detail: the result, in one line; users and passwords in its URLs are masked.
        advice: what to do, in one line; empty if there is nothing to do.
        exit_code: what `mfwb doctor` ends with because of it; 0 unless it failed.
    """

    group: str
    name: str
    status: CheckStatus
    detail: str
    advice: str = ""
    exit_code: int = 0

    def __post_init__(self) -> None:
        """Mask the detail: people send what `mfwb doctor` says to others."""
        object.__setattr__(self, "detail", mask_url_users(self.detail))

    def to_dict(self) -> CheckDocument:
        """Return it as JSON has it."""
        return {
            "group": self.group,
            "name": self.name,
            "status": self.status.value,
            "detail": self.detail,
            "advice": self.advice or None,
        }


@dataclass(frozen=True, slots=True)
class Diagnosis(ShownInNotebooks):
    """The results of all checks.

    Attributes:
        checks: one for each thing that was checked, in the order in which they are shown.
        settings: the settings in force, those with default values included.
    """

    checks: tuple[Check, ...]
    settings: tuple[SettingInForce, ...] = field(default=())

    def __repr__(self) -> str:
        """Return `<mfwb doctor: 18 passed, 1 failed; W&B, credentials: the detail>`: one line."""
        numbers = [f"{self.count(s):,} {s.value}" for s in CheckStatus if self.count(s)]
        failed = [check for check in self.checks if check.status is CheckStatus.FAILED]
        first = failed[0] if failed else None
        why = f"; {first.group}, {first.name}: {first.detail}" if first else ""
        return f"<mfwb doctor: {', '.join(numbers)}{one_line(why, 300)}>"

    @property
    def exit_code(self) -> int:
        """0: nothing failed. 70: a check met a bug. 2: settings, versions or this machine have to
        be changed. 4: an end was not reached, or refuses the credentials.
        """  # noqa: D205 - a list
        codes = {check.exit_code for check in self.checks}
        order = (BUG_EXIT_CODE, UsageError.exit_code, Unreachable.exit_code)
        return next((code for code in order if code in codes), 0)

    def count(self, status: CheckStatus) -> int:
        """Return the number of checks that ended in that way."""
        return sum(check.status is status for check in self.checks)

    def to_dict(self) -> DoctorDocument:
        """Return the document of `mfwb doctor --json`."""
        return {
            "version": 1,
            "command": "doctor",
            "exit_code": self.exit_code,
            "checks": [check.to_dict() for check in self.checks],
            "settings": [
                {
                    "name": setting.name,
                    "value": json.loads(json.dumps(setting.value, default=str)),
                    "origin": setting.source,
                    "kind": setting.kind,
                }
                for setting in self.settings
            ],
            "totals": {status.value: self.count(status) for status in CheckStatus},
        }


def passed(group: str, name: str, detail: str) -> Check:
    """Return a check that found nothing wrong."""
    return Check(group, name, CheckStatus.PASSED, one_line(detail))


def warned(group: str, name: str, detail: str, advice: str) -> Check:
    """Return a check that found something that need not prevent a sync."""
    return Check(group, name, CheckStatus.WARNED, one_line(detail), one_line(advice))


def failed(
    group: str, name: str, detail: str, advice: str = "", exit_code: int = UsageError.exit_code
) -> Check:
    """Return a check that found something that prevents a sync."""
    return Check(group, name, CheckStatus.FAILED, one_line(detail), one_line(advice), exit_code)


def skipped(group: str, name: str, reason: str) -> Check:
    """Return a check that was not made."""
    return Check(group, name, CheckStatus.SKIPPED, one_line(reason))
