"""Runs checks one after the other: none takes longer than allowed, and none ends the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from mfwb.crash_log import BugLogs
from mfwb.deadlines import STARTING, run_within
from mfwb.diagnosis.check import Check, failed
from mfwb.errors import BUG_EXIT_CODE, MfwbError, Unreachable, UsageError
from mfwb.operations import noted
from mfwb.system_errors import describe_shortage

__all__ = ["BoundedChecks"]


class BoundedChecks:
    """The checks of one diagnosis."""

    def __init__(self, seconds: float) -> None:
        """Make an empty list.

        Args:
            seconds: the time limit of each check.
        """
        self.seconds = seconds
        self.done: list[Check] = []
        self._bugs = BugLogs()

    def run(
        self, group: str, name: str, check: Callable[[], Check | Iterable[Check]], advice: str = ""
    ) -> bool:
        """Run a check, or several; return whether none of them failed.

        Args:
            group: of the check that is reported if an error ends it.
            name: the same.
            check: returns the checks; an iterator is read to its end. It may raise any error.
            advice: what to do about an error that says nothing about that.
        """
        completed: list[Check] = []

        def run_all() -> None:
            result = check()
            completed.extend([result] if isinstance(result, Check) else result)

        try:
            with noted("doctor", f"{group}: {name}"):
                # Each request in it has the limit; imports and wandb-core take time of their own.
                run_within(self.seconds + STARTING, run_all, "it")
        except MfwbError as error:
            # Texts of mfwb's errors say what is wrong, and then often what to do.
            problem, _, own_advice = str(error).partition("; ")
            last = [failed(group, name, problem, own_advice or advice, _code_of(error))]
        except Exception as error:  # noqa: BLE001 - the other checks go on
            lacking = describe_shortage(error)
            code = UsageError.exit_code if lacking else BUG_EXIT_CODE
            last = [failed(group, name, lacking or self._bugs.reason(error), "", code)]
        else:
            last = []
        # What is wrong with a settings file, for example, stops several checks: it is said once.
        has_failed = bool(last)
        known = {(check.group, check.detail) for check in self.done}
        last = [check for check in last if (check.group, check.detail) not in known]
        results = [*completed, *last]  # a check that took too long may still add to the first
        self.done += results
        return not has_failed and not any(result.exit_code for result in completed)


def _code_of(error: MfwbError) -> int:
    return error.exit_code if error.exit_code == UsageError.exit_code else Unreachable.exit_code
