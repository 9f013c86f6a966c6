"""Flow runs that somebody damaged: each fails by itself, at once, and the others are synced."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.integration.source.damaged import DAMAGES, SECRET, Place
from tests.support.copies import copy_flow_run
from tests.support.sandbox import Finished, Sandbox

MINUTE = 60_000
ODD_NAMES = {
    "a[b]": "a_b_",
    "line\nend": "line_end",
    "caf\udce9": "caf_",  # no UTF-8
    "white space": "white_space",
}
PATIENCE = 240  # seconds for all of them together, on a machine that does much else


@dataclass(frozen=True)
class Synced:
    """What became of many damaged flow runs and of some healthy ones, in one sync."""

    done: Finished
    pathspecs: dict[str, str]
    healthy: tuple[str, ...]
    bundle: Path
    seconds: float

    def outcome(self, name: str) -> Any:
        """Return what was said of a flow run."""
        return self.of(self.pathspecs[name])

    def of(self, pathspec: str) -> Any:
        """Return what was said of a flow run."""
        [result] = [
            item for item in self.done.document["flow_runs"] if item["pathspec"] == pathspec
        ]
        return result


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Synced:
    """Sync a flow of which all but a few flow runs are damaged."""
    home = tmp_path_factory.mktemp("damaged")
    root, external = home / "root", home / "outside"
    external.mkdir()
    (external / "secret").write_text(SECRET, encoding="utf-8")
    ran = Sandbox(root).flow("two_flow", "run", "--run-id-file", "id.txt")
    assert ran.code == 0, ran.err
    first = f"TwoFlow/{(root / 'id.txt').read_text(encoding='utf-8')}"
    start = int(first.split("/")[1]) // 1000
    flow = root / ".metaflow" / "TwoFlow"
    pathspecs, healthy = {}, [first]
    for location, (name, damage) in enumerate(DAMAGES.items()):
        copy = copy_flow_run(root, first, started_at_ms=start - location * MINUTE)
        pathspecs[name] = copy
        own = external / str(location)
        own.mkdir()
        (own / "secret").write_text(SECRET, encoding="utf-8")
        damage.do(Place(flow / copy.split("/")[1], own))
    healthy.append(copy_flow_run(root, first, started_at_ms=start - 500 * MINUTE))
    odd = {
        "a[b]": "a_b_",
        "line\nend": "line_end",
        "caf\udce9": "caf_",
        "white space": "white_space",
    }
    for name in odd:
        copy = copy_flow_run(root, first, started_at_ms=start - 600 * MINUTE)
        (flow / copy.split("/")[1]).rename(flow / name)
    (flow / "circle").symlink_to(".")
    bundle = home / "bundle"
    began = time.monotonic()
    to = ("--mode", "offline", "--dir", str(bundle), "--entity", "acme", "--project", "p")
    done = Sandbox(home / "sandbox", patience=PATIENCE).mfwb(
        "sync", "TwoFlow", "--all", *to, "--json", "--metadata", f"local@{root}"
    )
    assert done.code in {0, 1}, done.err
    return Synced(done, pathspecs, tuple(healthy), bundle, time.monotonic() - began)


def test_the_others_are_synced(synced: Synced) -> None:
    """What is healthy is synced; that something failed is told by the exit code."""
    assert synced.done.code == 1, synced.done.err
    assert {synced.of(item)["status"] for item in synced.healthy} == {"synced"}
    assert "Traceback" not in synced.done.err


def test_none_hangs(synced: Synced) -> None:
    """No flow run takes longer than an honest one."""
    assert synced.seconds < PATIENCE / 2


@pytest.mark.parametrize("name", DAMAGES)
def test_damage(synced: Synced, name: str) -> None:
    """One line says what is wrong; what is at fault alone is lost alone."""
    damage, outcome = DAMAGES[name], synced.outcome(name)
    losses = [*outcome.get("losses", ())]
    losses += [loss for run in outcome["wandb_runs"] for loss in run["losses"]]
    reported = [f"{item['item']}: {item['reason']}" for item in losses]

    if damage.fine:
        assert (outcome["status"], reported) == ("synced", [])
    elif damage.lost:
        assert outcome["status"] == "synced"
        assert any(damage.reason in item for item in reported), reported
    else:
        assert outcome["status"] == "failed", reported
        assert damage.reason in outcome["reason"]
        assert len(outcome["reason"].splitlines()) == 1
        assert len(outcome["reason"]) < 1_000


@pytest.mark.parametrize("near", ODD_NAMES.values())
def test_odd_folders(synced: Synced, near: str) -> None:
    """A folder whose name no flow run can have fails under a name as near as can be."""
    outcome = synced.of(f"TwoFlow/{near}")

    assert outcome["status"] == "failed"
    assert "no flow run has such a name" in outcome["reason"]


def test_links_in_a_circle(synced: Synced) -> None:
    """A link from a flow's folder to itself is a flow run that fails."""
    assert synced.of("TwoFlow/circle")["status"] == "failed"


def test_no_secret_leaves(synced: Synced) -> None:
    """What lies outside the datastore is in no file of the bundle, nor in what is said."""
    assert SECRET not in synced.done.out + synced.done.err
    files = [path for path in synced.bundle.rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if SECRET.encode() in path.read_bytes()]
