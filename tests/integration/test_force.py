"""`mfwb sync --force`: it ends in the state of a first sync, whatever was damaged in W&B."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.faults.scene import differences, settled
from tests.integration.results import losses_of, metadata_of, run_id_of
from tests.support.sandbox import Finished, Sandbox
from tests.support.wandb_server import Assumptions, WandbServer
from tests.support.wandb_server.artifacts import delete_artifact

Sync = Callable[..., Finished]
FlowRuns = Callable[[str], str]

_OTHERS = {"reviewed by": "Ann", "their_score": 0.5}


def test_force_mends_whatever_was_damaged(
    sync: Sync, w_and_b: WandbServer, project: str, flow_run: FlowRuns
) -> None:
    """All is written again that mfwb writes, what others wrote stays, and each loss counts once."""
    pathspec = flow_run("fan_flow")
    limit = ("--max-artifact-size", "1KB")
    first = sync(pathspec, *limit)
    location = f"acme/{project}"
    wanted = _state(w_and_b, location)
    each, end = (run_id_of(first.document, f"{pathspec}/{step}") for step in ("each", "end"))
    _damage(w_and_b, location, each, end)
    assert differences(_state(w_and_b, location), wanted)

    forced = sync(pathspec, *limit, "--force")

    assert forced.code == first.code == 0, forced.err
    result = _state(w_and_b, location)
    others = {
        key: result["runs"][f"{location}/{each}"]["summary"].pop(key, None) for key in _OTHERS
    }
    assert others == _OTHERS
    assert differences(result, wanted) == []
    assert losses_of(first.document)
    assert losses_of(forced.document) == losses_of(first.document)
    assert forced.document["totals"]["losses"] == first.document["totals"]["losses"]


def test_damaged_rows(tmp_path: Path, flows_root: Path, flow_run: FlowRuns) -> None:
    """A row that is missing is put in, wherever it was; of one with another value it is told."""
    pathspec = flow_run("numbered_flow")
    with WandbServer(assumptions=Assumptions(history_on_reinit="uncounted")) as server:
        at = {"WANDB_BASE_URL": server.base_url, "WANDB_API_KEY": server.api_key}
        to = ("--entity", "acme", "--project", "p", "--metadata", metadata_of(flows_root))
        command = ("sync", pathspec, "--json", *to)
        sandbox = Sandbox(tmp_path, at)
        first = sandbox.mfwb(*command)
        [run] = [item for item in server.store.runs.values() if len(item.history) > 1]
        with server.store.lock:
            del run.history[1]
            run.history.append(json.dumps({"theirs": 1, "_step": 9}))
            run.history[0] = json.dumps({**json.loads(run.history[0]), "losses": 77})
            run.summary["theirs"] = 2

        forced = sandbox.mfwb(*command, "--force")
        third = sandbox.mfwb(*command)

        rows = [json.loads(item) for item in run.history]
    assert first.code == forced.code == 0, forced.err
    reported = sorted((row["_step"], row.get("losses")) for row in rows)
    assert reported == [(0, 3), (0, 77), (1, 2), (2, 1), (9, None)]
    assert run.summary["theirs"] == 2
    assert losses_of(first.document) == []
    [loss] = losses_of(forced.document)
    assert "W&B has a row too many" in str(loss)
    assert losses_of(third.document) == [loss]
    assert third.document["flow_runs"][0]["status"] == "unchanged"


def _damage(w_and_b: WandbServer, place: str, each: str, end: str) -> None:
    """Do to two W&B runs what may have happened to them."""
    store = w_and_b.store
    entity, name = place.split("/")
    with store.lock:
        project = store.projects[entity, name]
        run, last = project.runs[each], project.runs[end]
        run.summary.update(_OTHERS, score="gone")
        del run.summary["tasks"]
        run.config.pop("factor")
        run.config.pop("metaflow")
        del run.history[1:]
        run.files.pop(next(file for file in run.files if file.startswith("media/table")))
        run.console.clear()
        last.summary.clear()
        last.outputs.clear()
        last.inputs.clear()
        for version in store.versions.values():
            version.used_by.pop(last.path, None)
        collection = project.collections["side"]
        version = next(item for item in collection.versions if item.state == "COMMITTED")
        delete_artifact(store, version.id, delete_aliases=True)
        project.collections["base"].aliases.clear()


def _state(w_and_b: WandbServer, place: str) -> dict[str, Any]:
    """Return all that is there, but for the number of a version that comes again as another one."""
    snapshot = settled(w_and_b.state.snapshot(place))
    for run in snapshot["runs"].values():
        if receipt := run["summary"].get("mfwb", {}).get("receipt"):
            run["summary"]["mfwb"]["receipt"] = re.sub(r',"version":"v\d+"', "", receipt)
    state: dict[str, Any] = json.loads(re.sub(r"\bside:v\d+", "side", json.dumps(snapshot)))
    return state
