"""`mfwb sync --force`: it ends in the state of a first sync, whatever was damaged in W&B."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from tests.faults.scene import differences, settled
from tests.integration.results import losses_of, run_id_of
from tests.sandbox import Finished
from tests.wandb_server import WandbServer
from tests.wandb_server.artifacts import delete_artifact

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
    place = f"acme/{project}"
    wanted = _state(w_and_b, place)
    each, end = (run_id_of(first.document, f"{pathspec}/{step}") for step in ("each", "end"))
    _damage(w_and_b, place, each, end)
    assert differences(_state(w_and_b, place), wanted)

    forced = sync(pathspec, *limit, "--force")

    assert forced.code == first.code == 0, forced.err
    found = _state(w_and_b, place)
    others = {key: found["runs"][f"{place}/{each}"]["summary"].pop(key, None) for key in _OTHERS}
    assert others == _OTHERS
    assert differences(found, wanted) == []
    assert losses_of(first.document)
    assert losses_of(forced.document) == losses_of(first.document)
    assert forced.document["totals"]["losses"] == first.document["totals"]["losses"]


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
        del run.history[0]
        run.files.pop(next(one for one in run.files if one.startswith("media/table")))
        run.console.clear()
        last.summary.clear()
        last.outputs.clear()
        last.inputs.clear()
        for version in store.versions.values():
            version.used_by.pop(last.path, None)
        collection = project.collections["side"]
        version = next(one for one in collection.versions if one.state == "COMMITTED")
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
