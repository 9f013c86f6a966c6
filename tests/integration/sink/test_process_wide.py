"""A program that calls `mfwb.sync()` goes on with the wandb that it had before."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.results import metadata_of
from tests.support.sandbox import Sandbox

_PROGRAM = """
import json, os, sys
from pathlib import Path
import wandb
import wandb.util, wandb.apis.public, wandb.sdk.data_types.utils, wandb.sdk.lib.service
import wandb.sdk.artifacts.artifact_instance_cache as caches
import wandb.sdk.lib.service.service_process, wandb.sdk.wandb_config, wandb.sdk.wandb_setup
from pydantic._internal import _fields
import mfwb

pathspec, metadata, project, bundle, opens = sys.argv[1:]
first = wandb.setup().settings if opens == "first" else None

def seen():
    # Each name of each module and class of wandb, by identity: whatever is put in its place shows.
    found = {}
    for name in modules:
        for key, value in vars(sys.modules[name]).items():
            found[f"{name}.{key}"] = value
            if isinstance(value, type) and value.__module__.startswith("wandb"):
                own = dict(vars(value)).items()
                found |= {f"{name}.{key}.{part}": one for part, one in own}
    found["pydantic"] = _fields.extract_docstrings_from_cls
    for key in ("artifact_instance_cache", "artifact_instance_cache_by_client_id"):
        found[f"type of {key}"] = type(getattr(caches, key))
    return found

modules = sorted(name for name in sys.modules if name.partition(".")[0] == "wandb")
variables, before = dict(os.environ), seen()
online = mfwb.sync(pathspec, metadata=metadata, project=project)
mfwb.sync(pathspec, metadata=metadata, project=project + "-o", mode="offline", dir=bundle)
pushed = mfwb.push(Path(bundle))
after, then = seen(), dict(os.environ)
settings = wandb.setup().settings

print(json.dumps({
    "statuses": [one.flow_runs[0].status.value for one in (online, pushed)],
    "altered": sorted(
        name for name, value in before.items() if name not in after or after[name] is not value
    ),
    "variables": sorted(
        name
        for name, _ in variables.items() ^ then.items()
        if name.startswith("WANDB_")
    ),
    "same settings": first is None or settings is first,
    "effective": [settings.silent, settings.console, settings.root_dir, settings.disable_git],
}))
"""

_OF_ANY_USE = {
    "wandb.analytics.opentelemetry.opentelemetry_proxy._singleton_telemetry_proxy",
    "wandb.analytics.opentelemetry.opentelemetry_proxy._singleton_telemetry_recorder",
    "wandb.sdk.lib.import_hooks._post_import_hooks_init",
}
"""What W&B makes once a process, when it is first used."""


@pytest.mark.parametrize("opens", ["first", pytest.param("after", marks=pytest.mark.exhaustive)])
def test_wandb_is_as_before(
    online: Sandbox, project: str, flow_run: Callable[[str], str], flows_root: Path, opens: str
) -> None:
    """Nothing of its modules, classes and settings is altered, whether it was set up or not."""
    pathspec, metadata = flow_run("linear_flow"), metadata_of(flows_root)
    bundle = str(online.root / "bundle")

    done = online.run(
        *(sys.executable, "-c", _PROGRAM, pathspec, metadata, project, bundle, opens),
        WANDB_ENTITY="acme",
    )

    assert done.code == 0, done.err
    reported = json.loads(done.out.splitlines()[-1])
    assert reported["statuses"] == ["synced", "synced"]
    altered = {*reported["altered"]} - _OF_ANY_USE
    assert not altered, "\n".join(sorted(altered))
    assert reported["variables"] == []
    assert reported["same settings"]
    assert reported["effective"] == [False, "wrap", str(online.root), False]
