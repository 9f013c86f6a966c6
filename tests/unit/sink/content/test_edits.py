"""Merging written, current and planned metadata: mfwb changes only its own values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
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
from tests.support.examples import examples

KEEP, OVERWRITE = EditRule(), EditRule(overwrite=True)
FEW = st.sampled_from(["", "a", "b", "c"])
VALUES = st.sampled_from([0, 1.0, 0.5, "x", None, [1], {"k": [1.0]}])
CONFIGS = st.dictionaries(st.sampled_from("pqrs"), VALUES, max_size=4)


def run_metadata(
    name: str, tags: Any = (), notes: str = "", config: Any = (), facts: Any = ()
) -> RunMetadata:
    """Return metadata with mfwb's own part of config."""
    config_with_marker = {**dict(config), "metaflow": dict(facts), "mfwb": {"version": "1"}}
    return RunMetadata(name, "G", "step", tuple(tags), notes, config_with_marker)


RUN_METADATA = st.builds(
    run_metadata, st.sampled_from("XYZ"), st.sets(st.sampled_from("tuv")), FEW, CONFIGS, CONFIGS
)


def stored(run_metadata: RunMetadata) -> RunMetadata:
    """Return metadata as W&B stores it: as JSON, with numbers that a database may convert."""
    config = json.loads(json.dumps(run_metadata.config), parse_float=lambda n: _number(float(n)))
    return replace(run_metadata, config=config)


def _number(number: float) -> Any:
    return int(number) if number.is_integer() else number


def plain(run_metadata: RunMetadata) -> dict[str, Any]:
    """Return metadata without mfwb's note, for comparisons."""
    config = {key: value for key, value in run_metadata.config.items() if key != "mfwb"}
    return {
        **{name: getattr(run_metadata, name) for name in ("name", "group", "job_type", "notes")},
        "tags": set(run_metadata.tags),
        "config": json.loads(json.dumps(config)),
    }


@settings(max_examples=examples(40), deadline=None)
@given(RUN_METADATA, RUN_METADATA)
def test_without_edits_the_plan_is_written(before: RunMetadata, planned: RunMetadata) -> None:
    """Whatever was written before, if nobody edited it."""
    merged = merge_metadata(planned, stored(new_run_metadata(before)), KEEP)

    assert plain(merged.run_metadata) == plain(planned)
    assert (merged.kept, merged.undone) == ((), ())
    assert read_written_digests(merged.run_metadata.config) == read_written_digests(
        new_run_metadata(planned).config
    )


@settings(max_examples=examples(40), deadline=None)
@given(RUN_METADATA, RUN_METADATA, RUN_METADATA)
def test_only_what_mfwb_wrote_changes(
    before: RunMetadata, edited: RunMetadata, planned: RunMetadata
) -> None:
    """Each value that mfwb did not write stays; a removed value stays removed."""
    current = _edited(stored(new_run_metadata(before)), edited)
    merged = merge_metadata(planned, current, KEEP)

    for name in ("name", "notes"):
        if getattr(current, name) != getattr(before, name):
            assert getattr(merged.run_metadata, name) == getattr(current, name) or not getattr(
                current, name
            )
    added, removed = {*current.tags} - {*before.tags}, {*before.tags} - {*current.tags}
    assert added <= {*merged.run_metadata.tags}
    assert not removed & {*merged.run_metadata.tags}
    for own, wrote, now in _mappings(before, current, merged.run_metadata):
        for key, value in own.items():
            if key not in wrote or wrote[key] != value:
                assert now[key] == value
        assert not (wrote.keys() - own.keys()) & now.keys()
    assert merged.undone == ()


@settings(max_examples=examples(40), deadline=None)
@given(RUN_METADATA, RUN_METADATA, RUN_METADATA)
def test_a_second_merge_changes_nothing(
    before: RunMetadata, edited: RunMetadata, planned: RunMetadata
) -> None:
    """A second merge with the same plan keeps the result, and reports the same edits."""
    first = merge_metadata(planned, _edited(stored(new_run_metadata(before)), edited), KEEP)
    second = merge_metadata(planned, stored(first.run_metadata), KEEP)

    assert plain(second.run_metadata) == plain(first.run_metadata)
    assert set(second.kept) == set(first.kept)


@settings(max_examples=examples(40), deadline=None)
@given(RUN_METADATA, RUN_METADATA, RUN_METADATA)
def test_overwriting_spares_what_others_added(
    before: RunMetadata, edited: RunMetadata, planned: RunMetadata
) -> None:
    """Mfwb's own values are as planned; values that mfwb does not plan stay."""
    current = _edited(stored(new_run_metadata(before)), edited)
    merged = merge_metadata(planned, current, OVERWRITE).run_metadata

    assert merged.name == planned.name
    assert {*planned.tags} <= {*merged.tags}
    assert {*current.tags} - {*before.tags} <= {*merged.tags}
    for key, value in planned.config.items():
        assert key in ("metaflow", "mfwb") or merged.config[key] == value
    own = {key for key in current.config if key not in before.config and key not in planned.config}
    assert own <= merged.config.keys()


@pytest.mark.parametrize("rule", [KEEP, OVERWRITE])
def test_notes_of_people_are_never_overwritten(rule: EditRule) -> None:
    """Notes that mfwb wrote are updated; a word of somebody else in them keeps them as they are."""
    first = new_run_metadata(planned_with("from Metaflow"))
    edited = replace(first, notes="from Metaflow\n\nthe best one so far")

    assert merge_metadata(planned_with("newer"), first, rule).run_metadata.notes == "newer"
    merged = merge_metadata(planned_with("newer"), edited, rule)
    assert merged.run_metadata.notes == edited.notes
    assert (merged.kept, merged.undone) == ((), ())
    again = merge_metadata(planned_with("newest"), merged.run_metadata, rule)
    assert again.run_metadata.notes == edited.notes


def test_notes_that_somebody_removed() -> None:
    """They stay away, which is reported, unless edits are overwritten."""
    removed = replace(new_run_metadata(planned_with("from Metaflow")), notes="")

    kept = merge_metadata(planned_with("newer"), removed, KEEP)
    assert (kept.run_metadata.notes, kept.kept) == ("", ("notes",))
    assert merge_metadata(planned_with("newer"), removed, OVERWRITE).run_metadata.notes == "newer"


def test_notes_are_added_to_a_wandb_run_that_had_none() -> None:
    """A W&B run of an mfwb that wrote no notes gets them, unless somebody wrote some."""
    older = new_run_metadata(planned_with(""))
    theirs = replace(older, notes="mine")

    assert merge_metadata(planned_with("ours"), older, KEEP).run_metadata.notes == "ours"
    assert merge_metadata(planned_with("ours"), theirs, OVERWRITE).run_metadata.notes == "mine"


def planned_with(notes: str) -> RunMetadata:
    """Return planned metadata with these notes."""
    return RunMetadata("F/1/train", "F/1", "train", (), notes, {"metaflow": {"flow": "F"}})


def test_removed_keys_come_back_if_all_is_restored() -> None:
    """`--force` brings back keys of config, which W&B's pages can't remove; not tags."""
    planned = run_metadata("X", "t", config={"p": 1})
    current = replace(
        new_run_metadata(planned),
        tags=(),
        config={"mfwb": new_run_metadata(planned).config["mfwb"]},
    )

    assert "p" not in merge_metadata(planned, current, KEEP).run_metadata.config
    merged = merge_metadata(planned, current, EditRule(restore=True))
    assert merged.run_metadata.config["p"] == 1
    assert merged.run_metadata.tags == ()
    assert merged.kept == ("tag t",)


def test_words_of_an_older_mfwb() -> None:
    """Without a note, each current value that differs stays, except below mfwb's own names."""
    current = run_metadata("X", "tu", "n", {"p": 1, "q": 2}, {"tags": ["old"], "seen": 1})
    planned = run_metadata("Y", "tv", "", {"p": 1.0, "q": 3, "r": 4}, {"tags": ["new"]})

    merged = merge_metadata(planned, current, KEEP)

    assert plain(merged.run_metadata) == plain(
        run_metadata("X", "tuv", "n", {"p": 1, "q": 2, "r": 4}, {"tags": ["new"], "seen": 1})
    )
    assert merged.kept == ("name", "config q")
    later = merge_metadata(
        run_metadata("Y", "v", "", {"p": 1}, {"tags": ["new"]}), merged.run_metadata, KEEP
    ).run_metadata
    assert set(later.tags) == {"u", "v"}  # `t` was mfwb's
    assert "r" not in later.config


def test_summary_of_others() -> None:
    """Keys that mfwb neither writes nor wrote, and that are not W&B's."""
    current = {"loss": 1, "gone": 2, "verdict": 3, "_step": 4, "mfwb": {}, "_wandb": {}}

    assert select_others_summary(current, ["loss"], ["gone", "loss"]) == {"verdict": 3}


def _edited(current: RunMetadata, edited: RunMetadata) -> RunMetadata:
    """Return the current metadata after edits of everything except mfwb's own note."""
    return replace(edited, config={**edited.config, "mfwb": current.config["mfwb"]})


def _mappings(*versions: RunMetadata) -> list[tuple[Mapping[str, Any], ...]]:
    before, current, now = (
        {key: value for key, value in version.config.items() if key not in ("mfwb", "metaflow")}
        for version in versions
    )
    facts = [version.config["metaflow"] for version in versions]
    return [(current, before, now), (facts[1], facts[0], facts[2])]
