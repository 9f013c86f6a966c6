"""Print the sha1 of each artifact of a flow run, as mfwb reads it and as Metaflow does.

python bytes_probe.py METADATA PATHSPEC
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import metaflow
from metaflow.datastore import FlowDataStore
from metaflow.plugins import DATASTORES

from mfwb.snapshot import Datastore
from mfwb.source.datastore.flow_store import open_store


def main() -> None:
    """Read each artifact four times."""
    provider, pathspec = sys.argv[1:]
    metaflow.metadata(provider)
    metaflow.namespace(None)
    run = metaflow.Run(pathspec)
    flow = run.pathspec.partition("/")[0]
    result = {}
    for artifact in (artifact for step in run for task in step for artifact in task):
        facts = artifact._object
        kind, root = facts["ds_type"], facts["location"].removeprefix(":root:")
        [implementation] = [item for item in DATASTORES if kind == item.TYPE]
        theirs = FlowDataStore(flow, environment=None, storage_impl=implementation, ds_root=root)
        [(_, data)] = theirs.ca_store.load_blobs([artifact.sha])
        ours = open_store(Datastore(kind, root), flow)
        ours.copy(artifact.sha, len(data), Path("copied"))
        result[artifact.pathspec] = {
            "copied": _sha1(Path("copied").read_bytes()),
            "read": [_sha1(read) for _, read in ours.read([artifact.sha]) if type(read) is bytes],
            "head": ours.head(artifact.sha, 20) == data[:20],
            "metaflow": _sha1(data),
            "sha": artifact.sha,
        }
    json.dump(result, sys.stdout)


def _sha1(data: bytes) -> str:
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()


if __name__ == "__main__":
    main()
