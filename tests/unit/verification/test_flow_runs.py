"""Several flow runs: the failure of one ends no other."""

from __future__ import annotations

import pytest

from mfwb.config import load_settings
from mfwb.errors import NotFound, SinkError, Unreachable
from mfwb.ports import NoProgress
from mfwb.units.subsets import NOTHING
from mfwb.verification.connection import RecordedProjects
from mfwb.verification.flow_runs import ChosenFlowRun, Watched, verify_flow_runs
from mfwb.verification_outcome import Verdict


class Bugs:
    """Logs of errors, of which only the text is kept."""

    def reason(self, error: BaseException) -> str:
        """Return the reason of a failure."""
        return f"a bug: {error}"


def test_each_ends_for_itself() -> None:
    """What can't be read, what is refused, a bug, and what an option excludes."""
    chosen = [
        ChosenFlowRun("F/1", NotFound("there is no F/1")),
        ChosenFlowRun("F/2", excluded="it did not fail"),
        ChosenFlowRun("F/3"),
        ChosenFlowRun("F/4", MemoryError()),
    ]

    def resolve(_flow: str) -> tuple[str | None, str]:
        raise KeyError("oops")

    projects = RecordedProjects(resolve, lambda _entity, _project: pytest.fail("never"))
    done = list(
        verify_flow_runs(
            chosen, load_settings({}), projects, NOTHING, Watched(NoProgress(), Bugs())
        )
    )

    assert [(one.pathspec, one.verdict, one.bug) for one in done] == [
        ("F/1", Verdict.FAILED, False),
        ("F/2", Verdict.SKIPPED, False),
        ("F/3", Verdict.FAILED, True),
        ("F/4", Verdict.FAILED, False),
    ]
    assert [one.reason for one in done[:3]] == [
        "there is no F/1",
        "it did not fail",
        "a bug: 'oops'",
    ]


@pytest.mark.parametrize(("error", "ends"), [(SinkError("no"), False), (Unreachable("no"), True)])
def test_what_ends_the_call(error: Exception, *, ends: bool) -> None:
    """Bad credentials end the call; an outage is the failure of the flow run that met it."""

    def resolve(_flow: str) -> tuple[str | None, str]:
        raise error

    projects = RecordedProjects(resolve, lambda _entity, _project: pytest.fail("never"))
    watched = Watched(NoProgress(), Bugs())
    verified = verify_flow_runs(
        [ChosenFlowRun("F/1")], load_settings({}), projects, NOTHING, watched
    )

    if ends:
        with pytest.raises(Unreachable):
            list(verified)
    else:
        assert [one.verdict for one in verified] == [Verdict.FAILED]
