"""Flow runs to compare: the project's own flows, and some for values."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from tests.support.sandbox import FLOWS
from tests.support.truth.answers import Asked
from tests.support.truth.random_flow import write_flow
from tests.support.truth.shapes import SHAPES
from tests.support.truth.stage import Stage

__all__ = ["RECORDS", "make"]

RECORDS = "truth"
"""The folder where tasks record what they do."""

_OWN = Path(__file__).parent / "flows"
_UNFINISHED = {"killed"}  # nothing is synced of what may still go on
_OTHERS = {
    "linear_flow": ((),),
    "fan_flow": ((), ("--factor", "3"), ("--factor", "0")),
    "failing_flow": ((),),
    "numbered_flow": (("--number", "1"), ("--number", "2"), ("--number", "1")),
    "ten_flow": ((),),
    "two_flow": (("--rate", "0.25"), ("--tag", "one", "--tag", "two words")),
    "shared_flow": ((), ("--rate", "1e300")),
    "parity_flow": ((), ("--label", "")),
    "stored_flow": ((),),
    "pictures_flow": ((),),
    "curves_flow": ((),),
    "picking_flow": ((),),
    "sweep_flow": ((),),
}
_RANDOM = 30

_Act = Callable[[Stage], list[str]]


def make(root: Path, *, sample: bool) -> list[str]:
    """Run flows in a folder, unless that was done before, and return their pathspecs."""
    root.mkdir(parents=True, exist_ok=True)
    stage = Stage(root, Asked(root))
    acts = _own(_SAMPLE) if sample else {**_own(_EVERY), **_others(root)}
    with ThreadPoolExecutor(1 if sample else 2) as crew:
        played = crew.map(lambda name: stage.play(name, acts[name]), acts)
        return [pathspec for item in played for pathspec in item.flow_runs]


def _others(root: Path) -> dict[str, _Act]:
    """Return what runs flows that are there for other tests, by a name for each."""
    result = {name: act for name, act in SHAPES.items() if name not in _UNFINISHED}
    for name, ways in _OTHERS.items():
        for number, way in enumerate(ways):
            result[f"{name} {number}"] = _run(FLOWS / f"{name}.py", *way)
    result["wine"] = _run(FLOWS.parents[1] / "examples" / "wine_flow.py", "--rounds", "5")
    result["tutorial"] = _run(FLOWS.parents[1] / "examples" / "tutorial_flow.py", "--rows", "100")
    for seed in range(_RANDOM):
        result[f"random {seed}"] = partial(_run_random, root, seed)
    return result


_SAMPLE = {"numbers_flow": 1, "tables_flow": 1, "masked_flow": 1}
_ONCE = {"masked_flow"}
_EVERY = {path.stem: 1 if path.stem in _ONCE else 5 for path in sorted(_OWN.glob("[a-z]*.py"))}


def _own(times: dict[str, int]) -> dict[str, _Act]:
    return {
        f"{name} {seed}": _run(_OWN / f"{name}.py", "--seed", str(seed))
        for name, count in times.items()
        for seed in range(count)
    }


def _run_random(root: Path, seed: int, stage: Stage) -> list[str]:
    return _run(write_flow(seed, root))(stage)  # a source that is written later is not believed


def _run(script: Path, *arguments: str) -> _Act:
    fails = script.stem == "failing_flow"
    return lambda stage: [stage.flow(script, "run", *arguments, fails=fails)]
