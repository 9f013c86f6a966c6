"""`mfwb sync --force` with a W&B run per task, after single damages in W&B."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from tests.faults.scene import differences
from tests.integration.test_force import _state
from tests.support.sandbox import Finished
from tests.support.wandb_server import WandbServer

_Runs = list[Any]
_Damage = Callable[[Any, _Runs, random.Random], None]


def _without_aliases(project: Any, _runs: _Runs, chance: random.Random) -> None:
    name = chance.choice(sorted(name for name, item in project.collections.items() if item.aliases))
    project.collections[name].aliases.clear()


def _without_edges(_project: Any, runs: _Runs, chance: random.Random) -> None:
    chance.choice([run for run in runs if run.inputs]).inputs.clear()


def _without_log(_project: Any, runs: _Runs, chance: random.Random) -> None:
    chance.choice([run for run in runs if run.console]).console.clear()


def _without_a_file(_project: Any, runs: _Runs, chance: random.Random) -> None:
    run = chance.choice([item for item in runs if item.files])
    run.files.pop(chance.choice(sorted(run.files)))


def _without_summary(_project: Any, runs: _Runs, chance: random.Random) -> None:
    chance.choice(runs).summary.clear()


def _without_history(_project: Any, runs: _Runs, chance: random.Random) -> None:
    chance.choice([run for run in runs if run.history]).history.clear()


_DAMAGES: tuple[_Damage, ...] = (
    _without_aliases,
    _without_edges,
    _without_log,
    _without_a_file,
    _without_summary,
    _without_history,
)
_SAMPLE = (_without_edges,)  # test_force.py has all of them at once, and the rows


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(damage, marks=() if damage in _SAMPLE else pytest.mark.exhaustive)
        for damage in _DAMAGES
    ],
)
def test_a_single_damage(
    sync: Callable[..., Finished],
    w_and_b: WandbServer,
    project: str,
    flow_run: Callable[[str], str],
    damage: _Damage,
) -> None:
    """A forced sync ends in the state of the first one, whichever task's run was damaged."""
    pathspec = flow_run("fan_flow")
    arguments = (pathspec, "--granularity", "task")
    first = sync(*arguments)
    location = f"acme/{project}"
    wanted = _state(w_and_b, location)
    for seed in range(2):
        with w_and_b.store.lock:
            existing = w_and_b.store.projects["acme", project]
            runs = [existing.runs[name] for name in sorted(existing.runs)]
            damage(existing, runs, random.Random(seed))  # noqa: S311 - which one is damaged

        forced = sync(*arguments, "--force")

        assert forced.code == first.code == 0, forced.err
        assert differences(_state(w_and_b, location), wanted) == [], seed
