"""Log a reference to an artifact of a flow run, as mfwb's sink does, and print what became of it.

python reference_probe.py METADATA PATHSPEC MODE [DIR]
"""

from __future__ import annotations

import gzip
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import wandb

from mfwb.config import Settings
from mfwb.planning import Content, OutputArtifact
from mfwb.ports import BlobLocation, ReadyArtifact, ReadyFile, ReadyRun
from mfwb.sink import open_sink
from mfwb.sink.content.artifacts import make_artifact
from mfwb.snapshot.pathspec import Pathspec
from mfwb.source import open_source
from tests.unit.planning.plans import plan_of

PATH = "thing.pkl.gz"


def reference(located: BlobLocation) -> ReadyFile:
    """Return the file of a W&B artifact whose bytes stay where they are."""
    return ReadyFile(
        PATH,
        located.size,
        uri=located.uri,
        etag=located.etag,
        version=located.version,
        gzipped=located.gzipped,
    )


def theirs(file: ReadyFile) -> dict[str, Any]:
    """Return the entry that W&B's own handler makes, which asks the network."""
    artifact = wandb.Artifact("theirs", type="other")
    [entry] = artifact.add_reference(str(file.uri), name=PATH)
    return dict(entry.to_json())


def downloaded(artifact: wandb.Artifact) -> str:
    """Return the sha1 of what a user of W&B gets, unpacked.

    The stand-in for W&B's server lists uploaded files alone to those who download all.
    """
    with gzip.open(artifact.get_entry(PATH).download("downloaded")) as stream:
        return hashlib.sha1(stream.read(), usedforsecurity=False).hexdigest()


def main() -> None:
    """Write the W&B run of the first step with nothing in it but the reference."""
    metadata, pathspec, mode, *folder = sys.argv[1:]
    settings = Settings.model_validate(
        {
            "metadata": metadata,
            "mode": mode,
            "entity": "acme",
            **({"dir": folder[0]} if folder else {}),
        }
    )
    with (
        open_source(settings) as source,
        open_sink(settings, memory=Path.cwd(), may_ask=True) as sink,
    ):
        flow_run = source.read(Pathspec(*pathspec.split("/")))
        [task] = flow_run.steps[0].tasks
        [ref] = [artifact for artifact in task.artifacts if artifact.name == "thing"]
        located = source.contents(flow_run).locate(
            Content(task.pathspec, ref.name, ref.sha1, ref.size)
        )
        if located is None:
            raise RuntimeError("it can't be referred to")
        plan = plan_of(flow_run)
        made = OutputArtifact("thing", type="other", aliases=("latest",), metadata={}, files=())
        ready = ReadyArtifact(made, (reference(located),))
        with sink.open(plan, writer="probe") as session:
            run = next(item for item in plan.runs if item.name == f"{pathspec}/start")
            written = session.write(run, ReadyRun(artifacts=(ready,)))
    with open_source(settings) as source:
        log = [line.text for line in source.contents(flow_run).log(task.pathspec, max_bytes=10**6)]
    ours = make_artifact(ready, plan.source.created_at)
    reported = {
        "place": written.location,
        "sha1": ref.sha1,
        "log": log,
        "ours": ours.manifest.entries[PATH].to_json(),
        "theirs": theirs(ready.files[0]),
    }
    if mode == "online":
        result = wandb.Api().artifact(f"acme/{plan.project}/thing:latest")
        reported |= {"project": plan.project, "downloaded": downloaded(result)}
    json.dump(reported, sys.stdout)


if __name__ == "__main__":
    main()
