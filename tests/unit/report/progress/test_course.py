"""The course of a call."""

from __future__ import annotations

import pytest

from mfwb.outcome import FlowRunOutcome, Status
from mfwb.ports import Ended
from mfwb.report.progress.course import Course


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        """Return the time."""
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    """Return a clock."""
    return Clock()


@pytest.fixture
def reported() -> list[str]:
    """Return the lines that are reported."""
    return []


@pytest.fixture
def course(clock: Clock, reported: list[str]) -> Course:
    """Return a course that has just begun."""

    def tell(line: str, _ended: Ended) -> None:
        reported.append(line)

    return Course(tell, clock=clock)


def test_what_is_written_is_named_and_not_what_is_read(course: Course) -> None:
    """The next flow run is read while one is written; of several W&B runs the first is named."""
    texts = [course.now().text]
    course.selected(2)
    course.flow_run("F/1", 0, 2)
    texts.append(course.now().text)
    course.planned("F/1", 2)
    course.writing("F/1", "F/1/a")
    course.writing("F/1", "F/1/b")
    course.flow_run("F/2", 1, 2)
    texts.append(course.now().text)
    course.written("F/1", "F/1/a")
    texts.append(course.now().text)
    course.written("F/1", "F/1/b")
    texts.append(course.now().text)
    course.finished(FlowRunOutcome("F/1", Status.SYNCED))
    texts.append(course.now().text)
    course.finished(FlowRunOutcome("F/2", Status.FAILED))
    texts.append(course.now().text)

    assert texts == [
        "looking for flow runs",
        "reading F/1",
        "F/1/a",
        "F/1/b",
        "checking F/1",
        "reading F/2",
        "finishing",
    ]


def test_no_bar_before_the_total_is_known(course: Course) -> None:
    """Of one flow run the W&B runs are counted, and it never goes back."""
    assert (course.now().done, course.now().count) == (None, "")
    course.selected(1)
    course.flow_run("F/1", 0, 1)
    assert (course.now().done, course.now().count) == (None, "")
    course.planned("F/1", 4)
    assert (course.now().done, course.now().count) == (0, "0/4 W&B runs")
    course.written("F/1", "F/1/a")
    assert (course.now().done, course.now().count) == (0.25, "1/4 W&B runs")


def test_several_flow_runs_are_counted(course: Course) -> None:
    """The total is known at once; what is written of a flow run counts as a part of it."""
    course.selected(4)
    seen = [course.now()]
    course.finished(FlowRunOutcome("F/1", Status.UNCHANGED))
    course.flow_run("F/2", 1, 4)
    course.planned("F/2", 2)
    course.written("F/2", "F/2/a")
    seen.append(course.now())
    course.finished(FlowRunOutcome("F/2", Status.SYNCED))
    seen.append(course.now())

    assert [moment.count for moment in seen] == [
        "0/4 flow runs",
        "1/4 flow runs",
        "2/4 flow runs",
    ]
    assert [moment.done for moment in seen] == [0, 0.375, 0.5]


def test_connecting(course: Course) -> None:
    """Who is called is shown until it answers, with the number of failed tries."""
    course.connecting("W&B", 0)
    assert course.now().text == "connecting to W&B"
    course.connecting("W&B", 2)
    assert course.now().text == "connecting to W&B, retry 2"
    course.connected("W&B")
    assert course.now().text == "looking for flow runs"


def test_uploads_of_several_runs(course: Course, clock: Clock) -> None:
    """Bytes are added up; the speed is measured, also across the end of an upload."""
    course.planned("F/1", 3)
    for name in ("F/1/a", "F/1/b"):
        course.writing("F/1", name)
        course.uploading(name, 0, 50_000_000)
    assert (course.now().sent, course.now().size) == (0, 100_000_000)
    assert course.now().seconds_left is None, "nothing is known of the speed"
    clock.seconds += 1
    course.uploading("F/1/a", 10_000_000, 50_000_000)
    assert course.now().seconds_left is None, "a second says nothing"
    clock.seconds += 4
    course.uploading("F/1/a", 50_000_000, 50_000_000)
    assert course.now().seconds_left == pytest.approx(5)
    course.written("F/1", "F/1/a")
    clock.seconds += 5
    course.uploading("F/1/b", 25_000_000, 50_000_000)
    assert course.now().sent == 25_000_000
    assert course.now().seconds_left == pytest.approx(25 / 7.5)
    course.uploading("F/1/b", 50_000_000, 50_000_000)
    assert course.now().seconds_left is None, "all is sent"


def test_small_and_late_uploads_are_not_shown(course: Course) -> None:
    """Small ones take no time; a count may come after the end of its upload."""
    course.writing("F/1", "F/1/a")
    course.uploading("F/1/a", 10, 7_000_000)
    assert course.now().size == 0
    course.uploading("F/1/a", 10, 9_000_000)
    assert course.now().size == 9_000_000
    course.finished(FlowRunOutcome("F/1", Status.FAILED))
    course.uploading("F/1/a", 20, 9_000_000)
    assert course.now().size == 0
    assert course.now().text == "looking for flow runs"


def test_what_is_told(course: Course, clock: Clock, reported: list[str]) -> None:
    """Each flow run that had something to do, with the time since it began."""
    course.selected(3)
    course.flow_run("F/1", 0, 3)
    clock.seconds += 61
    course.finished(FlowRunOutcome("F/1", Status.SYNCED))
    course.finished(FlowRunOutcome("F/2", Status.UNCHANGED))
    course.finished(FlowRunOutcome("F/3", Status.FAILED, reason="gone"))

    assert reported == ["F/1 synced: 0 W&B runs, 1 minute", "F/3 failed: gone"]
