"""Pathspecs, as a user writes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfwb.errors import UsageError
from mfwb.snapshot.pathspec import Pathspec, parse


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
        f"{text!r} is no pathspec; say Flow/123, Flow/latest or Flow --last 5"
    )


@pytest.mark.parametrize("text", ["Flow/123/train", "Flow/123/train/4", "Flow/123/train/4/model"])
def test_more_than_a_flow_run(text: str) -> None:
    """A step or a task is not enough to sync; the complaint says what to write."""
    with pytest.raises(UsageError) as caught:
        parse(text)

    assert str(caught.value) == (
        f"{text!r} names more than a flow run; mfwb works on whole runs, so say 'Flow/123'"
    )


@given(st.text(max_size=30))
def test_any_text(text: str) -> None:
    """Whatever is written, it is a pathspec or a usage error, never a crash or a path."""
    try:
        found = parse(text)
    except UsageError:
        return

    assert str(found) == text.strip()
    assert found.run is None or not {"/", "\\", " ", "*"} & set(found.run)
