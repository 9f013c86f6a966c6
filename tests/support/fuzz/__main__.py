# ruff: noqa: T201 - it is a program
"""Loads thousands of damaged pickles; fails if one of them does more than fail to load.

`python -m tests.support.fuzz [CASES] [SEED]`
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

from tests.support.fuzz.mutations import mutated
from tests.support.fuzz.seeds import seeds
from tests.support.hostile_pickles.trials import Trials

CASES = 12_000
SEED = 20_261_121
_BAD = ("crash", "executed", "no memory")


def main(cases: int = CASES, seed: int = SEED) -> int:
    """Return the exit code; print figures, and each pickle that is a finding."""
    began = time.monotonic()
    workers = os.cpu_count() or 1
    share = -(-cases // workers)
    with ThreadPoolExecutor(workers) as pool:
        counts = sum(
            pool.map(lambda location: _part(share, seed + location), range(workers)), Counter()
        )
    for (way, outcome), count in sorted(counts.items()):
        print(f"{way:8}{outcome:12}{count:>7,}")
    seconds = time.monotonic() - began
    print(f"{counts.total():,} cases in {seconds:.0f} s, from seed {seed}")
    return int(any(outcome in _BAD for _, outcome in counts))


def _part(cases: int, seed: int) -> Counter[tuple[str, str]]:
    random = Random(seed)  # noqa: S311 - to be the same again
    pool = seeds()
    random.shuffle(pool)
    counts: Counter[tuple[str, str]] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        trials = Trials(Path(folder))
        for location in range(cases):
            way, original = pool[location % len(pool)]
            data = mutated(original, random.choice(pool)[1], random)
            outcome = trials.outcome(way, data)
            kind = outcome.partition(":")[0]
            counts[way, kind] += 1
            if way == "value":
                counts["digest", trials.outcome("digest", data).partition(":")[0]] += 1
            if kind in _BAD:
                print(f"{way}: {outcome}\n{data.hex()}")
        trials.close()
    return counts


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
