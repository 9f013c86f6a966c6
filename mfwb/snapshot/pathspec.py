"""Metaflow's pathspecs, as a user writes them."""

from __future__ import annotations

from dataclasses import dataclass

from mfwb.errors import UsageError
from mfwb.snapshot.identifiers import is_flow_name, is_run_id

LATEST = "latest"

LAST_MOMENT = 253_402_300_799_999
"""The last millisecond of the year 9999, since 1970: Python's datetime knows no later one."""

_FIRST_ID = 10**15
"""The smallest number that is an id of a local flow run: microseconds, as of 2001."""


@dataclass(frozen=True, slots=True)
class Pathspec:
    """A flow, or one run of it; run None means "every run that is asked for"."""

    flow: str
    run: str | None = None

    def __str__(self) -> str:
        return self.flow if self.run is None else f"{self.flow}/{self.run}"


def parse(text: str) -> Pathspec:
    """Return `Flow` or `Flow/run` as a value; UsageError with what is wrong otherwise."""
    parts = text.strip().split("/")
    if len(parts) > 2:  # noqa: PLR2004 - a flow and a run
        raise UsageError(
            f"{text!r} names more than a flow run; mfwb works on whole runs, so say "
            f"{'/'.join(parts[:2])!r}"
        )
    flow, run = parts[0], (parts[1] if len(parts) > 1 else None)
    if not is_flow_name(flow) or (run is not None and not is_run_id(run)):
        raise UsageError(f"{text!r} is no pathspec; say Flow/123, Flow/latest or Flow --last 5")
    return Pathspec(flow, run)


def flow_run_of(pathspec: str) -> str:
    """Return the flow run that a step, a task or an artifact belongs to, by its pathspec."""
    return "/".join(pathspec.split("/")[:2])


def moment_of_id(run_id: str) -> int | None:
    """Return the moment that the id of a local flow run is, in epoch ms; None if it is none.

    Metaflow takes the start in microseconds for an id, unless somebody chose one.
    """
    if not (run_id.isascii() and run_id.isdecimal() and len(run_id) <= _LONGEST_ID):
        return None
    moment = int(run_id)
    return moment // 1000 if _FIRST_ID <= moment <= LAST_MOMENT * 1000 else None


_LONGEST_ID = len(str(LAST_MOMENT * 1000))
