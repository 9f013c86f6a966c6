"""What mfwb wrote, what is there, what it means to write: only its own words may change."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from mfwb.sink.content.edits import (
    EditRule,
    merge_metadata,
    new_run_metadata,
    read_written_digests,
    select_others_summary,
)
from mfwb.sink.content.run_metadata import RunMetadata

KEEP, OVERWRITE = EditRule(), EditRule(overwrite=True)
FEW = st.sampled_from(["", "a", "b", "c"])
VALUES = st.sampled_from([0, 1.0, 0.5, "x", None, [1], {"k": [1.0]}])
CONFIGS = st.dictionaries(st.sampled_from("pqrs"), VALUES, max_size=4)


def words(
    name: str, tags: Any = (), notes: str = "", config: Any = (), facts: Any = ()
) -> RunMetadata:
    """Return words with mfwb's own part of config."""
    said = {**dict(config), "metaflow": dict(facts), "mfwb": {"version": "1"}}
    return RunMetadata(name, "G", "step", tuple(tags), notes, said)


WORDS = st.builds(
    words, st.sampled_from("XYZ"), st.sets(st.sampled_from("tuv")), FEW, CONFIGS, CONFIGS
)


def stored(said: RunMetadata) -> RunMetadata:
    """Return what W&B has of words: JSON, of whose numbers a database may make others."""
    config = json.loads(json.dumps(said.config), parse_float=lambda n: _number(float(n)))
    return replace(said, config=config)


def _number(number: float) -> Any:
    return int(number) if number.is_integer() else number


def plain(said: RunMetadata) -> dict[str, Any]:
    """Return words without the note of them, for comparing."""
    config = {key: value for key, value in said.config.items() if key != "mfwb"}
    return {
        **{name: getattr(said, name) for name in ("name", "group", "job_type", "notes")},
        "tags": set(said.tags),
        "config": json.loads(json.dumps(config)),
    }


@settings(max_examples=40, deadline=None)
@given(WORDS, WORDS)
def test_without_edits_it_is_what_is_meant(before: RunMetadata, meant: RunMetadata) -> None:
    """Whatever was written before, if nobody changed it."""
    both = merge_metadata(meant, stored(new_run_metadata(before)), KEEP)

    assert plain(both.run_metadata) == plain(meant)
    assert (both.kept, both.undone) == ((), ())
    assert read_written_digests(both.run_metadata.config) == read_written_digests(
        new_run_metadata(meant).config
    )


@settings(max_examples=40, deadline=None)
@given(WORDS, WORDS, WORDS)
def test_only_what_mfwb_wrote_changes(
    before: RunMetadata, edited: RunMetadata, meant: RunMetadata
) -> None:
    """Each word that is there and is not what mfwb wrote stays; one that was removed stays away."""
    there = _edited(stored(new_run_metadata(before)), edited)
    both = merge_metadata(meant, there, KEEP)

    for name in ("name", "notes"):
        if getattr(there, name) != getattr(before, name):
            assert getattr(both.run_metadata, name) == getattr(there, name) or not getattr(
                there, name
            )
    added, removed = {*there.tags} - {*before.tags}, {*before.tags} - {*there.tags}
    assert added <= {*both.run_metadata.tags}
    assert not removed & {*both.run_metadata.tags}
    for own, wrote, now in _mappings(before, there, both.run_metadata):
        for key, value in own.items():
            if key not in wrote or wrote[key] != value:
                assert now[key] == value
        assert not (wrote.keys() - own.keys()) & now.keys()
    assert both.undone == ()


@settings(max_examples=40, deadline=None)
@given(WORDS, WORDS, WORDS)
def test_it_is_settled_at_once(
    before: RunMetadata, edited: RunMetadata, meant: RunMetadata
) -> None:
    """What came of it stays, however often the same is meant, and is told each time."""
    once = merge_metadata(meant, _edited(stored(new_run_metadata(before)), edited), KEEP)
    twice = merge_metadata(meant, stored(once.run_metadata), KEEP)

    assert plain(twice.run_metadata) == plain(once.run_metadata)
    assert set(twice.kept) == set(once.kept)


@settings(max_examples=40, deadline=None)
@given(WORDS, WORDS, WORDS)
def test_overwriting_spares_what_others_added(
    before: RunMetadata, edited: RunMetadata, meant: RunMetadata
) -> None:
    """Mfwb's own words are as it means them; what it has no word for is the others'."""
    there = _edited(stored(new_run_metadata(before)), edited)
    said = merge_metadata(meant, there, OVERWRITE).run_metadata

    assert said.name == meant.name
    assert {*meant.tags} <= {*said.tags}
    assert {*there.tags} - {*before.tags} <= {*said.tags}
    for key, value in meant.config.items():
        assert key in ("metaflow", "mfwb") or said.config[key] == value
    own = {key for key in there.config if key not in before.config and key not in meant.config}
    assert own <= said.config.keys()


def test_removed_keys_come_back_if_all_is_restored() -> None:
    """`--force` brings back keys of config, which W&B's pages can't remove; not tags."""
    meant = words("X", "t", config={"p": 1})
    there = replace(
        new_run_metadata(meant), tags=(), config={"mfwb": new_run_metadata(meant).config["mfwb"]}
    )

    assert "p" not in merge_metadata(meant, there, KEEP).run_metadata.config
    both = merge_metadata(meant, there, EditRule(restore=True))
    assert both.run_metadata.config["p"] == 1
    assert both.run_metadata.tags == ()
    assert both.kept == ("tag t",)


def test_words_of_an_older_mfwb() -> None:
    """What it wrote is not known: what is there and differs stays, but for mfwb's own names."""
    there = words("X", "tu", "n", {"p": 1, "q": 2}, {"tags": ["old"], "seen": 1})
    meant = words("Y", "tv", "", {"p": 1.0, "q": 3, "r": 4}, {"tags": ["new"]})

    both = merge_metadata(meant, there, KEEP)

    assert plain(both.run_metadata) == plain(
        words("X", "tuv", "n", {"p": 1, "q": 2, "r": 4}, {"tags": ["new"], "seen": 1})
    )
    assert both.kept == ("name", "config q")
    later = merge_metadata(
        words("Y", "v", "", {"p": 1}, {"tags": ["new"]}), both.run_metadata, KEEP
    ).run_metadata
    assert set(later.tags) == {"u", "v"}  # `t` was mfwb's
    assert "r" not in later.config


def test_summary_of_others() -> None:
    """Keys that mfwb neither writes nor wrote, and that are not W&B's."""
    there = {"loss": 1, "gone": 2, "verdict": 3, "_step": 4, "mfwb": {}, "_wandb": {}}

    assert select_others_summary(there, ["loss"], ["gone", "loss"]) == {"verdict": 3}


def _edited(there: RunMetadata, edited: RunMetadata) -> RunMetadata:
    """Return what is there after somebody changed all of it but mfwb's own note."""
    return replace(edited, config={**edited.config, "mfwb": there.config["mfwb"]})


def _mappings(*said: RunMetadata) -> list[tuple[Mapping[str, Any], ...]]:
    before, there, now = (
        {key: value for key, value in one.config.items() if key not in ("mfwb", "metaflow")}
        for one in said
    )
    facts = [one.config["metaflow"] for one in said]
    return [(there, before, now), (facts[1], facts[0], facts[2])]
