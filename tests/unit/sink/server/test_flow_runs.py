"""Flow runs read back from W&B, for a lost ledger."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from mfwb.sink.server.existing_runs import ExistingRun
from mfwb.sink.server.flow_runs import group_by_flow_run


def existing(step: str, name: str, group: str) -> ExistingRun:
    """Return a W&B run of a step."""
    source = {"created_at": 5, "provider": "local@/data", "flow_run": "Flow/1"}
    facts: dict[str, Any] = {
        **dict.fromkeys(ExistingRun.__dataclass_fields__, ""),
        "id": f"id-{step}",
        "name": name,
        "group": group,
        "source": source,
        "complete": "x",
        "receipt": None,
        "handle": SimpleNamespace(config={"metaflow": {"pathspec": f"Flow/1/{step}"}}),
    }
    return ExistingRun(**facts)


def test_names_that_people_changed() -> None:
    """W&B runs have mfwb's names, the most frequent group counts, and foreign runs are left out."""
    by_others = replace(existing("else", "Else", "Else"), source={"flow_run": "Flow/1"})
    runs = [
        by_others,
        existing("start", "Best of all", "Paper"),
        existing("work", "Flow/1/work", "Flow/1"),
        existing("end", "Flow/1/end", "Flow/1"),
    ]

    [result] = group_by_flow_run(runs)

    assert result.group == "Flow/1"
    assert [run.name for run in result.wandb_runs] == ["Flow/1/end", "Flow/1/start", "Flow/1/work"]
