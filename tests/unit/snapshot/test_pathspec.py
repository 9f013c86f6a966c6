"""Pathspecs that users write."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfwb.errors import UsageError
from mfwb.snapshot.pathspec import (
    PARAMETERS,
    FlowRunId,
    Pathspec,
    TaskPath,
    below_flow_run,
    flow_of,
    flow_run_of,
    is_parameters,
    owner_and_name,
    parameters_of,
    parse,
    step_of,
)


@pytest.mark.parametrize(
    ("text", "pathspec"),
    [
        ("Flow/123", Pathspec("Flow", "123")),
        ("Flow/latest", Pathspec("Flow", "latest")),
        ("Flow", Pathspec("Flow")),
        ("  Flow/123\n", Pathspec("Flow", "123")),
        ("_my_flow2/argo-my.flow-x:1", Pathspec("_my_flow2", "argo-my.flow-x:1")),
    ],
)
def test_pathspecs(text: str, pathspec: Pathspec) -> None:
    """A flow alone or one of its runs is a pathspec, and is written as it was read."""
    assert parse(text) == pathspec
    assert str(pathspec) == text.strip()


@pytest.mark.parametrize(
    "text",
    ["", "/", "Flow/", "/123", "my flow", "1Flow", "Flow/a b", "Flow/1\n2", "Flow/*", "flow.py"],
)
def test_what_is_no_pathspec(text: str) -> None:
    """Anything else is refused, with what could be said instead."""
    with pytest.raises(UsageError) as caught:
        parse(text)

    assert str(caught.value) == (
        f"{text!r} is not a pathspec; give Flow/123, Flow/latest or Flow --last 5"
    )


@pytest.mark.parametrize("text", ["Flow/123/train", "Flow/123/train/4", "Flow/123/train/4/model"])
def test_more_than_a_flow_run(text: str) -> None:
    """A step or a task is not enough to sync; the complaint says what to write."""
    with pytest.raises(UsageError) as caught:
        parse(text)

    assert str(caught.value) == (
        f"{text!r} names more than a flow run; mfwb works on whole runs, so give 'Flow/123'"
    )


@given(st.text(max_size=30))
def test_any_text(text: str) -> None:
    """Whatever is written, it is a pathspec or a usage error, never a crash or a path."""
    try:
        result = parse(text)
    except UsageError:
        return

    assert str(result) == text.strip()
    assert result.run is None or not {"/", "\\", " ", "*"} & set(result.run)


# --- of what was recorded -------------------------------------------------------------------


def test_parts_of_a_task() -> None:
    """A task's pathspec has four parts, and is written as it was read."""
    path = TaskPath.of("Flow/123/train/4")

    assert path == TaskPath("Flow", "123", "train", "4")
    assert str(path) == "Flow/123/train/4"
    for other in ("Flow/123/train", "Flow/123/train/4/model", ""):
        with pytest.raises(ValueError, match="unpack"):
            TaskPath.of(other)


def test_parts_of_other_pathspecs() -> None:
    """Of a task, of an artifact and of the parameters the same parts are told."""
    for pathspec in ("Flow/123/train", "Flow/123/train/4", "Flow/123/train/4/model"):
        assert (flow_of(pathspec), flow_run_of(pathspec)) == ("Flow", "Flow/123")
        assert step_of(pathspec) == "train"
    assert below_flow_run("Flow/123/train/4") == "train/4"
    assert owner_and_name("Flow/123/train/4/model") == ("Flow/123/train/4", "model")
    assert owner_and_name("model") == ("", "model")


def test_parameters_stand_where_steps_do() -> None:
    """They have no task of their own."""
    held = parameters_of("Flow/123")

    assert held == "Flow/123/_parameters"
    assert (step_of(held), is_parameters(held)) == (PARAMETERS, True)
    assert not is_parameters("Flow/123/train/4")


STARTED = 1_700_000_000_000
THIS = FlowRunId("Flow/123", "local@/data", STARTED)


def test_flow_run_of_a_config() -> None:
    """It comes back as it was written, also from readers of JSON that know floats alone."""
    facts = {"flow_run": "Flow/123", "provider": "local@/data", "created_at": STARTED}

    assert THIS.to_dict() == facts
    assert FlowRunId.from_config(facts) == THIS
    assert FlowRunId.from_config({**facts, "created_at": float(STARTED), "more": 1}) == THIS


@pytest.mark.parametrize(
    "facts",
    [
        None,
        "Flow/123",
        {},
        {"flow_run": "Flow/123", "provider": "local@/data"},
        {"flow_run": "Flow/123", "provider": None, "created_at": STARTED},
        {"flow_run": ["Flow/123"], "provider": "local@/data", "created_at": STARTED},
        {"flow_run": "Flow/123", "provider": "local@/data", "created_at": True},
        {"flow_run": "Flow/123", "provider": "local@/data", "created_at": "5"},
        {"flow_run": "Flow/123", "provider": "local@/data", "created_at": float("nan")},
    ],
)
def test_config_that_names_no_flow_run(facts: object) -> None:
    """What others wrote there is no flow run, and this one least of all."""
    assert FlowRunId.from_config(facts) is None
    assert not THIS.is_of(facts)


def test_flow_runs_of_one_pathspec_are_distinguished() -> None:
    """By where they were recorded and when they began; a chosen id once counted as the start."""
    facts = THIS.to_dict()
    service = FlowRunId("Flow/123", "service@https://meta", STARTED)

    assert THIS.is_of(facts)
    assert THIS.is_of({**facts, "created_at": 0})  # 123 microseconds
    assert not THIS.is_of({**facts, "created_at": 1})
    assert not THIS.is_of({**facts, "created_at": STARTED + 1})
    assert not THIS.is_of({**facts, "provider": "local@/other"})
    assert not THIS.is_of({**facts, "flow_run": "Flow/124"})
    assert not service.is_of({**service.to_dict(), "created_at": 0})
    by_moment = FlowRunId(f"Flow/{STARTED}000", "local@/data", STARTED)
    assert not by_moment.is_of({**by_moment.to_dict(), "created_at": STARTED - 1})
