"""Errors of mfwb, grouped by what the caller should do about them.

    MfwbError
    ├── Stop                  nothing more can be done in this call
    │   ├── UsageError        wrong arguments or settings                     exit 2
    │   │   └── LedgerDamaged the ledger is not what mfwb wrote               exit 2
    │   ├── Unreachable       an end that can't be reached, or no credentials exit 4
    │   ├── LockHeld          another sync is at work                         exit 5
    │   └── BundleChanged     a bundle is not what the sync wrote             exit 1
    ├── SkipFlowRun           this flow run can't be synced, the others can   exit 1
    │   ├── NotFound          the flow, flow run or step does not exist
    │   ├── SourceError       Metaflow's side gave no usable answer
    │   ├── LineageError      the recorded facts contradict themselves
    │   ├── NotOurs           the W&B run of that id came from another source
    │   └── SinkError         W&B's side refused or failed
    │       └── Refused       W&B refuses the entity, the project or the key  exit 4
    ├── FlowRunsFailed        a call ended, and some flow runs failed in it   exit 1, 4 or 70
    └── FlowRunsDiffer        W&B differs from what Metaflow says             exit 6

If a single item (an artifact, a log, a card) can't be written to W&B, this is not an error but a
`mfwb.snapshot.Loss`, which is counted and shown; the sync of the other items continues.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mfwb.safe_text import one_line

__all__ = [
    "BUG_EXIT_CODE",
    "BundleChanged",
    "FlowRunsDiffer",
    "FlowRunsFailed",
    "ItemLost",
    "LedgerDamaged",
    "LineageError",
    "LockHeld",
    "MfwbError",
    "NotFound",
    "NotOurs",
    "Refused",
    "SinkError",
    "SkipFlowRun",
    "SourceError",
    "Stop",
    "Unreachable",
    "UsageError",
    "ends_the_call",
]

BUG_EXIT_CODE = 70
"""The exit code of a call that met an error of mfwb's own."""


class MfwbError(Exception):
    """An error that a user can fix; its text is one line that explains what to do.

    The text is made one printable line, since it may contain names and answers of others, and it
    is shown, logged, stored in the ledger and sent.
    """

    exit_code = 1

    def __init__(self, text: str = "") -> None:
        super().__init__(one_line(text))

    def _render_traceback_(self) -> list[str]:
        """Return what IPython and notebooks show instead of a traceback: the text, and where.

        What mfwb was doing when it met the error tells a user nothing; the text says what to do.
        """
        from itertools import takewhile  # noqa: PLC0415 - not needed for help
        from traceback import extract_tb  # noqa: PLC0415 - the same

        package = str(Path(__file__).parent)
        frames = extract_tb(self.__traceback__)
        callers = [*takewhile(lambda frame: not frame.filename.startswith(package), frames)]
        line = (callers[-1].line or "").strip() if callers else ""
        where = [f"  in line {callers[-1].lineno}: {one_line(line)}"] if line else []
        return [f"\x1b[31mmfwb.{type(self).__name__}\x1b[0m: {self}", *where]


class Stop(MfwbError):  # noqa: N818 - it is named after what to do, as its siblings are
    """The whole call ends here."""


class UsageError(Stop):
    """The arguments or the settings are wrong."""

    exit_code = 2


class LedgerDamaged(UsageError):  # noqa: N818 - the same
    """The file of the ledger is damaged."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(
            f"the ledger {path} is damaged: {problem}; `mfwb status --rebuild` rebuilds it from W&B"
        )
        self.path = path
        self.problem = problem

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle it by its arguments, which exceptions lose otherwise."""
        return type(self), (self.path, self.problem)


class Unreachable(Stop):
    """Metaflow or W&B can't be reached, or refuses the credentials."""

    exit_code = 4


class LockHeld(Stop):
    """Another sync works on the same destination."""

    exit_code = 5


class BundleChanged(Stop):
    """A bundle differs from what an offline sync wrote, so that nothing of it is sent."""


class SkipFlowRun(MfwbError):  # noqa: N818 - the same
    """One flow run can't be synced; the others go on."""


class NotFound(SkipFlowRun):
    """Metaflow answered that the object does not exist.

    Attributes:
        reason: the message without the hint, which depends on what else there is at the moment.
    """

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(f"{reason}{hint}")
        self.reason = reason


class SourceError(SkipFlowRun):
    """Metaflow's side could not be read."""


class LineageError(SkipFlowRun):
    """The facts of a flow run contradict each other."""


class NotOurs(SkipFlowRun):
    """A W&B run of the planned id exists and was not written for this flow run."""


class SinkError(SkipFlowRun):
    """W&B's side refused or failed."""


class Refused(SinkError):  # noqa: N818 - the same
    """W&B refuses these credentials for the project; other projects may accept them."""

    exit_code = 4


class FlowRunsFailed(MfwbError):  # noqa: N818 - the same
    """Some flow runs failed in a call that ended; `Result.raise_for_failures` raises it.

    Attributes:
        reasons: why each of them failed, by pathspec.
        total: how many flow runs the call had, the others included.
        exit_code: what the command line ends with then: 70 for an error of mfwb's own, 4 if W&B
            refused all that failed, else 1.
    """

    def __init__(self, reasons: Mapping[str, str], total: int, exit_code: int = 1) -> None:
        shown = [
            f"{pathspec}: {one_line(reason, _LONGEST_REASON)}"
            for pathspec, reason in [*reasons.items()][:_MAX_REASONS]
        ]
        more = len(reasons) - len(shown)
        super().__init__(
            f"{len(reasons):,} of {total:,} flow runs failed: {'; '.join(shown)}"
            + (f"; and {more:,} more" if more else "")
        )
        self.reasons = dict(reasons)
        self.total = total
        self.exit_code = exit_code

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle it by its arguments, which exceptions lose otherwise."""
        return type(self), (self.reasons, self.total, self.exit_code)


class FlowRunsDiffer(MfwbError):  # noqa: N818 - the same
    """W&B differs from what Metaflow says; `Verification.raise_for_differences` raises it.

    Attributes:
        items: the items that differ, by pathspec of the flow run.
        total: how many flow runs were verified.
    """

    exit_code = 6

    def __init__(self, items: Mapping[str, tuple[str, ...]], total: int) -> None:
        shown = [
            f"{pathspec}: {', '.join(one_line(item) for item in differing[:_MAX_REASONS])}"
            + (f" and {len(differing) - _MAX_REASONS:,} more" if differing[_MAX_REASONS:] else "")
            for pathspec, differing in [*items.items()][:_MAX_REASONS]
        ]
        more = len(items) - len(shown)
        super().__init__(
            f"{len(items):,} of {total:,} flow runs differ in W&B: {'; '.join(shown)}"
            + (f"; and {more:,} more" if more else "")
        )
        self.items = dict(items)
        self.total = total

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle it by its arguments, which exceptions lose otherwise."""
        return type(self), (self.items, self.total)


_MAX_REASONS = 3
_LONGEST_REASON = 300  # letters


class ItemLost(Exception):  # noqa: N818 - it is a finding, not a failure of the sync
    """One item can't be read or sent; its text is the reason of the loss, one line."""

    def __init__(self, text: str = "") -> None:
        super().__init__(one_line(text))


def ends_the_call(error: BaseException) -> bool:
    """Return whether an error ends the whole call, for all flow runs."""
    from concurrent.futures import CancelledError  # noqa: PLC0415 - not needed for help

    ends = (Stop, KeyboardInterrupt, SystemExit, GeneratorExit, CancelledError)
    return isinstance(error, ends)
