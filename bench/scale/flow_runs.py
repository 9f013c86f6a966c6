"""Flow runs of the bench flow with more tasks than Metaflow could run in an hour.

Metaflow runs eight tasks, once. Further tasks are copies of these under ids of their own, with the
artifacts that the code of the step makes for their index, stored as Metaflow stores them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from bench.flow import BenchFlow
from bench.sample import flow_run
from bench.workplaces import SCALE
from tests.support.copies import Wide, widen_flow_run

__all__ = ["wide_flow_run"]

_REAL_TASKS = 8

_EPOCHS = 20
_HOUR = 3_600_000  # ms


def wide_flow_run(tasks: int) -> str:
    """Return the pathspec of a flow run with that many tasks, made at the first call."""
    pathspec = flow_run(SCALE, fresh=False, count=_REAL_TASKS)
    note = SCALE / f"wide-{tasks}-{Path(pathspec).name}"
    if not note.exists():
        note.write_text(_widen(pathspec, tasks), encoding="utf-8")
    return note.read_text(encoding="utf-8")


def _widen(pathspec: str, tasks: int) -> str:
    items = [f"shop-{number:03d}" for number in range(tasks)]

    def artifacts(index: int) -> Mapping[str, Any]:
        task = SimpleNamespace(index=index, input=items[index], epochs=_EPOCHS, join=None)
        task.next = lambda *_: None
        BenchFlow.fit(task)
        made = {
            name: value
            for name, value in vars(task).items()
            if name not in {"index", "input", "epochs", "join", "next"}
        }
        return {**made, "count": tasks, "items": items, "_foreach_values": items}

    scores = dict.fromkeys(items, 0.5)
    of_steps: dict[str, dict[str, Any]] = {
        "_parameters": {"count": tasks},
        "start": {"count": tasks, "items": items, "_foreach_num_splits": tasks},
        "join": {"count": tasks, "scores": scores},
        "end": {"count": tasks, "scores": scores},
    }
    started_at_ms = int(pathspec.split("/")[1]) // 1000 - _HOUR - tasks
    wide = Wide("fit", tasks, artifacts, of_steps)
    return widen_flow_run(SCALE, pathspec, wide, started_at_ms=started_at_ms)
