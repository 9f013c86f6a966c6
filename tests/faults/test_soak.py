"""A cron job that nobody watches."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.support.sandbox import Sandbox

_REPOSITORY = str(Path(__file__).parents[2])


@pytest.mark.timeout(3000)
@pytest.mark.parametrize(
    ("rounds", "seed"), [(4, 1), pytest.param(1000, 2, marks=pytest.mark.exhaustive)]
)
def test_rounds_of_a_cron_job(tmp_path: Path, rounds: int, seed: int) -> None:
    """After all that happened W&B has what one clean sync would have brought, and no more."""
    sandbox = Sandbox(tmp_path, patience=2900)
    made = sandbox.flow("numbered_flow", "run", "--run-id-file", "id.txt")
    assert made.code == 0, made.err
    origin = f"NumberedFlow/{(tmp_path / 'id.txt').read_text(encoding='utf-8')}"

    done = sandbox.run(
        *(sys.executable, "-m", "tests.faults.soak", str(tmp_path), origin, str(rounds), str(seed)),
        PYTHONPATH=_REPOSITORY,
    )

    assert done.code == 0, done.err[-3000:]
    reported = json.loads(done.out.splitlines()[-1])
    assert reported["clean"] == 0
    assert reported["differences"] == [], "\n".join(reported["differences"])
    assert reported["artifacts"][0] == reported["artifacts"][1]
    assert set(reported["last"]) <= {"unchanged"}
    assert reported["surprises"] == []
