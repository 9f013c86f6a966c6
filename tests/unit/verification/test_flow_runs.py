"""Several flow runs: the failure of one ends no other."""

from __future__ import annotations

import pytest

from mfwb.config import load_settings
from mfwb.errors import NotFound, SinkError, Unreachable
from mfwb.ports import Ended, NoProgress
from mfwb.units.subsets import NOTHING
from mfwb.verification.connection import RecordedProjects
from mfwb.verification.flow_runs import ChosenFlowRun, Watched, verify_flow_runs
from mfwb.verification_outcome import FlowRunVerification, Verdict


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

    assert [(item.pathspec, item.verdict, item.bug) for item in done] == [
        ("F/1", Verdict.FAILED, False),
        ("F/2", Verdict.SKIPPED, False),
        ("F/3", Verdict.FAILED, True),
        ("F/4", Verdict.FAILED, False),
    ]
    assert [item.reason for item in done[:3]] == [
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
        assert [item.verdict for item in verified] == [Verdict.FAILED]


class _Slow(NoProgress):
    """Positions of flow runs as they are begun."""

    def __init__(self) -> None:
        self.begun: list[int] = []

        self.selection: list[int] = []
        self.ended: list[str] = []

    def selected(self, flow_runs: int) -> None:
        """Note how many there are."""
        self.selection.append(flow_runs)

    def flow_run(self, pathspec: str, position: int, total: int) -> None:  # noqa: ARG002
        """Note one."""
        self.begun.append(position)

    def finished(self, ended: Ended) -> None:
        """Note its end."""
        self.ended.append(ended.pathspec)


@pytest.mark.parametrize(("workers", "most"), [(1, 1), (3, 3), (64, 8)])
def test_several_at_a_time_in_order(workers: int, most: int) -> None:
    """No more are begun than there are workers, however many flow runs there are."""
    chosen = [ChosenFlowRun(f"F/{number}", excluded=f"{number}") for number in range(400)]
    progress = _Slow()

    def resolve(_flow: str) -> tuple[str | None, str]:
        raise KeyError("oops")

    chosen[7] = ChosenFlowRun("F/7")
    projects = RecordedProjects(resolve, lambda _entity, _project: pytest.fail("never"))
    settings = load_settings({"workers": workers})
    ahead = []
    done: list[FlowRunVerification] = []
    for run in verify_flow_runs(chosen, settings, projects, NOTHING, Watched(progress, Bugs())):
        ahead.append(len(progress.begun) - len(done))
        done.append(run)

    assert [item.pathspec for item in done] == [item.pathspec for item in chosen]
    assert [item.verdict for item in done].count(Verdict.FAILED) == 1
    assert (progress.selection, progress.begun) == ([400], [*range(400)])
    assert sorted(progress.ended) == sorted(item.pathspec for item in chosen)
    assert max(ahead) == most
