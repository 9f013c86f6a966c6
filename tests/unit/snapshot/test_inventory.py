"""The items of a flow run, counted from its facts alone."""

from __future__ import annotations

from mfwb.account import Kind
from mfwb.snapshot import Card, CodePackage, Loss
from mfwb.snapshot.inventory import check_artifacts, count_facts, unread_card
from tests.support.flow_runs import at, flow_run, parameter, ref, spec, task, tried

FAN = flow_run(
    task("start/1", to="work", has=[ref("x", "x")]),
    task("work/2", to="join", has=[ref("x", "x"), ref("m", "m0")], foreach=at("work:items:0")),
    task("work/3", to="join", has=[ref("x", "x"), ref("m", "m1")], foreach=at("work:items:1")),
    task("join/4", has=[ref("x", "new", content="same")]),
    parameters=(parameter("rate", 1), parameter("words", None, "IncludeFile")),
)
ALL = [spec(item) for item in ("start/1/x", "work/2/m", "work/3/m", "join/4/x")]
WORDS = spec("_parameters/words")


def test_numbers() -> None:
    """Each kind is counted; a clone has no log, and a card that can't be read is one."""
    run = flow_run(
        task(
            "start/1",
            to="end",
            attempts=(tried(ok=False), tried(number=1)),
            cards=(Card("default", None, "u"),),
        ),
        task("end/2", origin="DemoFlow/6/end/2"),
        tags=("a", "b"),
        system_tags=("user:ada",),
        parameters=(parameter("rate", 1),),
        code_packages=(CodePackage("DemoFlow/7/start/1", "a" * 40, "local"),),
        losses=(Loss(unread_card("DemoFlow/7/end/2"), "odd"), Loss("something", "else")),
    )

    assert count_facts(run) == {
        Kind.TASKS: 2,
        Kind.ATTEMPTS: 2,
        Kind.PARAMETERS: 1,
        Kind.TAGS: 3,
        Kind.LOGS: 1,
        Kind.CARDS: 2,
        Kind.CODE_PACKAGES: 1,
    }


def test_artifacts_that_are_passed_on() -> None:
    """An artifact that a task passes on is accounted for at the task that wrote it."""
    result = check_artifacts(FAN, [*ALL, WORDS])

    assert (result.passed_on, result.missing, result.surplus) == (2, (), ())


def test_content_decides_what_is_passed_on() -> None:
    """Other bytes of the same value are the same content; another name is another artifact."""
    run = flow_run(
        task("start/1", to="end", has=[ref("x", "x", content="one")]),
        task("end/2", has=[ref("x", "other", content="one"), ref("y", "x", content="one")]),
    )
    result = check_artifacts(run, [spec("start/1/x")])

    assert (result.passed_on, result.missing) == (1, (spec("end/2/y"),))


def test_artifact_that_is_forgotten() -> None:
    """Content that nobody accounts for is missing, wherever it is; so is an included file."""
    result = check_artifacts(FAN, [item for item in ALL if not item.endswith("/x")])

    assert result.passed_on == 0
    assert result.missing == (
        spec("start/1/x"),
        spec("work/2/x"),
        spec("work/3/x"),
        spec("join/4/x"),
        WORDS,
    )


def test_artifact_that_is_accounted_for_twice() -> None:
    """Neither that nor an artifact that the flow run does not have adds up."""
    result = check_artifacts(FAN, [*ALL, WORDS, ALL[0], spec("start/1/ghost")])

    assert result.surplus == (ALL[0], spec("start/1/ghost"))


def test_parameter_as_a_file() -> None:
    """A value that config has no room for is an artifact of the parameters."""
    result = check_artifacts(FAN, [*ALL, WORDS, spec("_parameters/rate")])

    assert (result.missing, result.surplus) == ((), ())
