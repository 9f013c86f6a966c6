"""The work of a call grows with the number of tasks, and no faster: what is done is counted.

Time is not measured: it says little of a flow run of a hundred tasks, and a step that compares each
task with all others is found by its count long before it is felt.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from tests.support.copies import Wide, widen_flow_run
from tests.support.sandbox import Sandbox

_SIZES = (8, 16, 32)
_GROWTH = 3.2
"""Of one function from 16 to 32 tasks, compared with 8 to 16. What is quadratic grows fourfold;
lists beyond some length are treated in another way, which takes up to three times the calls."""

_GROWTH_OF_ALL = 2.1
_ALL = "all"
_SPARE = 100  # calls of one function that depend on when threads wait
_COUNTED_CALLS = Path(__file__).with_name("counted_calls.py")


def test_work_is_linear_in_tasks(tmp_path: Path) -> None:
    """Twice the further tasks take twice the further calls and files, function by function."""
    place = Sandbox(tmp_path)
    ran = place.flow("many_flow", "run", "--run-id-file", "id.txt")
    assert ran.code == 0, ran.err
    run_id = (tmp_path / "id.txt").read_text(encoding="utf-8")
    small, middle, large = (_counts(place, _widen(tmp_path, run_id, size)) for size in _SIZES)

    assert small.keys() == middle.keys() == large.keys()
    for command in large:
        growth = _growing_too_fast(small[command], middle[command], large[command])
        assert not growth, f"{command}: {growth}"


def _growing_too_fast(
    small: Mapping[str, int], middle: Mapping[str, int], large: Mapping[str, int]
) -> dict[str, tuple[int, int, int]]:
    """Return the counts that grow faster than the number of tasks; `_ALL` is their sum."""
    counts = {name: (small.get(name, 0), middle.get(name, 0), large[name]) for name in large}
    counts[_ALL] = (sum(small.values()), sum(middle.values()), sum(large.values()))
    return {
        name: (first, second, third)
        for name, (first, second, third) in counts.items()
        if third - second > _limit(name) * (second - first) + _SPARE
    }


def _limit(name: str) -> float:
    return _GROWTH_OF_ALL if name == _ALL else _GROWTH


def _widen(root: Path, run_id: str, size: int) -> str:
    items = list(range(size))

    def artifacts(index: int) -> Mapping[str, Any]:
        return {
            "items": items,
            "_foreach_values": items,
            "model": Fraction(index, 7),
            "shop": f"shop-{index}",
            "score": index / 4,
            "curve": [float(index), 1.0, 2.0],
        }

    return widen_flow_run(
        root,
        f"ManyFlow/{run_id}",
        Wide("each", size, artifacts, {"start": {"items": items, "_foreach_num_splits": size}}),
        # Nearly at once: the code of what started before its file was written is not trusted.
        started_at_ms=int(run_id) // 1000 - size,
    )


def _counts(place: Sandbox, flow_run: str) -> dict[str, dict[str, int]]:
    """Return what each command does with a flow run."""
    folder = place.root / flow_run.replace("/", "-")
    folder.mkdir()
    offline = ("--mode", "offline", "--entity", "many", "--dir")
    commands = {  # a plan is part of a sync
        f"sync per {granularity}": [
            *("sync", flow_run, "--granularity", granularity),
            *(*offline, str(folder / granularity)),
        ]
        for granularity in ("step", "task")
    }
    commands["lineage"] = ["lineage", flow_run, "--format", "json"]
    file = folder / "counts.json"
    file.write_text(json.dumps(commands), encoding="utf-8")
    done = place.python(_COUNTED_CALLS.read_text(encoding="utf-8"), str(file))
    assert done.code == 0, done.err
    return dict(json.loads(file.read_text(encoding="utf-8")))
