"""A cron job that nobody watches."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.faults.scene import differences, settled
from tests.support.sandbox import Sandbox
from tests.support.wandb_server import WandbServer

_SOAK = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from tests.faults.soak import main
main()
"""


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

    done = sandbox.python(_SOAK, str(tmp_path), origin, str(rounds), str(seed))

    assert done.code == 0, done.err[-3000:]
    reported = json.loads(done.out.splitlines()[-1])
    wanted = _state_after_one_sync(sandbox, [origin, *reported["over"]])
    for path in reported["deleted"]:
        wanted["runs"].pop(path, None)
    found = differences(reported["state"]["runs"], wanted["runs"])
    assert found == [], "\n".join(found)
    assert sorted(reported["state"]["artifacts"]) == sorted(wanted["artifacts"])
    assert set(reported["last"]) <= {"unchanged"}
    assert reported["surprises"] == []


def _state_after_one_sync(sandbox: Sandbox, pathspecs: Sequence[str]) -> dict[str, Any]:
    """Return what another server has after one sync of flow runs, by another ledger."""
    location = ("--entity", "acme", "--project", "p", "--metadata", f"local@{sandbox.root}")
    with WandbServer() as server:
        own = {"WANDB_BASE_URL": server.base_url, "WANDB_API_KEY": server.api_key}
        clean = str(sandbox.root / "clean")
        done = sandbox.mfwb("sync", *pathspecs, *location, **own, MFWB_STATE_DIR=clean)
        assert done.code == 0, done.err
        state: dict[str, Any] = settled(server.state.snapshot("acme/p"), receipts=False)
        return dict(json.loads(json.dumps(state)))
