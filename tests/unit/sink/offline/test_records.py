"""Records of a `.wandb` file."""

from __future__ import annotations

import json

from mfwb.sink.offline.records import history_records, make_draft_id


def test_each_column_of_a_row_is_there_once() -> None:
    """W&B's own columns replace those of the same name, whatever a chart is called."""
    rows = [(3, {"loss": 0.5, "_step": 9, "_timestamp": 8.0, "text": "a"}), (4, {})]

    records = list(history_records(rows, {"_timestamp": 1.5, "_runtime": 0.0}))

    assert [record.history.step.num for record in records] == [3, 4]
    columns = [
        [(*item.nested_key, json.loads(item.value_json)) for item in record.history.item]
        for record in records
    ]
    own = [("_timestamp", 1.5), ("_runtime", 0.0)]
    assert columns == [
        [("loss", 0.5), ("text", "a"), *own, ("_step", 3)],
        [*own, ("_step", 4)],
    ]


def test_draft_ids_look_like_those_of_wandb() -> None:
    """They have as many digits and small letters, and depend on the draft alone."""
    draft_id = make_draft_id("acme/p/run/model:1")

    assert len(draft_id) == 128
    assert draft_id.isalnum()
    assert draft_id == draft_id.lower() == make_draft_id("acme/p/run/model:1")
    assert draft_id != make_draft_id("acme/p/run/model:2")
