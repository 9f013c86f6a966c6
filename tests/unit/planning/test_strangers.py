"""Names, keys, tags and aliases in W&B, for any names in a flow run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings

from mfwb.planning import names
from mfwb.planning.run_metadata import timestamp
from mfwb.snapshot import Card, FlowRun
from mfwb.snapshot.storable import with_storable_text
from tests.support.flow_runs import data_frame, flow_run, ref, task
from tests.support.strangers import anything, assert_inert
from tests.unit.planning.plans import plan_of


def strange(text: str) -> FlowRun:
    """Return a flow run that is called so in all places."""
    name = text.replace("/", "_")
    cards = (Card("default", text, "u1"), Card("default", text, "u2"), Card(text, None, "u3"))
    start = task(
        f"start{name}/1{name}",
        to="end",
        has=[data_frame(f"d{text}", "w"), data_frame(text, "w2"), ref(f"v{text}")],
        cards=cards,
        metadata={"script-name": text, "git-info": text, "kubernetes-pod-name": text},
    )
    run = flow_run(start, task("end/2"))
    return with_storable_text(replace(run, tags=(text, "ok"), doc=text))


def assert_label(text: str, limit: int) -> None:
    """Make sure that this is a short, printable line that can be stored."""
    assert_inert(text)
    assert "\n" not in text
    assert 0 < len(text) <= limit
    text.encode()


@given(text=anything())
@settings(max_examples=150, deadline=None)
def test_plan(text: str) -> None:
    """All that has a limit in W&B keeps it, nothing is empty, nothing leads to another place."""
    plan = plan_of(strange(text))

    assert_label(plan.group, 128)
    for run in plan.runs:
        assert_label(run.name, 128)
        assert_label(run.group, 128)
        assert_label(run.job_type, 64)
        for tag in run.tags:
            assert_label(tag, 64)
        for value in run.origin.values():
            assert_inert(value)
        for key in (*run.config, *(value.key for value in run.values)):
            assert_key(key)
        cards = [card.key for card in run.cards]
        assert len(set(cards)) == len(cards)
        for key in cards:
            assert_key(key)
        for output in run.outputs:
            assert_label(output.name, 128)
            assert output.name.strip(".")
            for alias in output.aliases:
                assert_label(alias, 128)
        everything = run.fingerprint + plan.to_json()
        assert "\\u0000" not in everything


def assert_key(key: str) -> None:
    """Make sure that W&B can make a path of a key."""
    assert_label(key, 400)
    assert "\\" not in key
    assert all(part.strip(".") for part in key.split("/"))


@given(text=anything())
def test_names(text: str) -> None:
    """Names that differ stay different; those that fit stay."""
    assert_label(names.project_name(text), 128)
    assert not set(names.project_name(text)) & set("/\\#?%:")
    assert_key(names.summary_key(text))
    assert names.summary_key(text) != names.summary_key(f"{text}x")
    assert names.project_name("TrainFlow") == "TrainFlow"
    assert names.summary_key("train/loss") == "train/loss"
    assert names.card_key("card", "0", "my_card") == "card/0/my_card"
    table = f"run-{names.run_id('F', text, 'a' * 100)}-{names.table_key(text)}"
    assert_label(table, 128 - len("__"))


def test_times() -> None:
    """A moment that no calendar has is none."""
    odd: list[Any] = [10**20, -(10**20), 2**63]
    assert [timestamp(one) for one in odd] == [None, None, None]
