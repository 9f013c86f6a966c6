"""Index and item of foreachs, for config and tables."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mfwb.planning.foreach_items import describe_foreach, list_foreach_columns
from mfwb.snapshot import ForeachFrame
from tests.support.flow_runs import at, task


def _frame(place: str, item: Any) -> ForeachFrame:
    [frame] = at(place)
    return replace(frame, item=item, has_item=True)


def test_outside_of_a_foreach() -> None:
    """There is nothing; nor of a task that only began others."""
    assert describe_foreach(task("start/1")) == {}
    assert describe_foreach(task("work/1", foreach=at("work:xs:0"), is_control=True)) == {}


def test_an_item_that_is_not_known() -> None:
    """There is only the index."""
    own = task("work/1", foreach=at("work:xs:3"))

    assert describe_foreach(own) == {"index": 3}
    assert list_foreach_columns(own) == {"foreach.index": 3}


def test_nothing_is_an_item_too() -> None:
    """None is not the same as unknown."""
    own = task("work/1", foreach=(_frame("work:xs:0", None),))

    assert describe_foreach(own) == {"index": 0, "item": None}


def test_dicts_are_flat() -> None:
    """What is nested in a dict is text, and so is an empty dict, which W&B would leave out."""
    deep = task("work/1", foreach=(_frame("work:xs:0", {"lr": 0.1, "net": {"depth": [1, 2]}}),))
    empty = task("work/2", foreach=(_frame("work:xs:1", {}),))

    assert list_foreach_columns(deep) == {
        "foreach.index": 0,
        "foreach.item.lr": 0.1,
        "foreach.item.net": '{"depth": [1, 2]}',
    }
    assert describe_foreach(empty) == {"index": 1, "item": "{}"}


def test_levels() -> None:
    """An outer foreach has the name of its first step, which may equal a key."""
    frames = (_frame("index:xs:0", "a"), _frame("group:ys:1", "b"), _frame("work:zs:2", "c"))

    assert describe_foreach(task("work/1", foreach=frames)) == {
        "index": 2,
        "item": "c",
        "group": {"index": 1, "item": "b"},
        "index_": {"index": 0, "item": "a"},
    }
