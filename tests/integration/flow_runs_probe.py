"""Say what Metaflow knows of flow runs: a program, since its client is one for a process."""

from __future__ import annotations

import json
import sys
from typing import Any

import metaflow


def main() -> None:
    """Print a JSON object: pathspec -> what is known; and with `--tag TAG`, tag them before."""
    root, *pathspecs = sys.argv[1:]
    metaflow.metadata(f"local@{root}")
    metaflow.namespace(None)
    if pathspecs[0] == "--tag":
        tag, *pathspecs = pathspecs[1:]
        for pathspec in pathspecs:
            metaflow.Run(pathspec).add_tag(tag)
    sys.stdout.write(json.dumps({pathspec: _flow_run(pathspec) for pathspec in pathspecs}))


def _flow_run(pathspec: str) -> dict[str, Any]:
    run = metaflow.Run(pathspec)
    return {
        "pathspec": run.pathspec,
        "created_ms": run._object["ts_epoch"],
        "finished": run.finished,
        "successful": run.successful,
        "tags": sorted(run.user_tags),
        "user": run._object["user_name"],
        "system_tags": sorted(run.system_tags),
        "listed": pathspec in {item.pathspec for item in metaflow.Flow(pathspec.partition("/")[0])},
        "tasks": {f"{step.id}/{task.id}": _task(task) for step in run for task in step},
    }


def _task(task: Any) -> dict[str, Any]:
    return {
        "pathspec": task.pathspec,
        "created_ms": task._object["ts_epoch"],
        "finished": task.finished,
        "successful": task.successful,
        "tags": sorted(task.user_tags),
        "artifacts": {item.id: item.data for item in task},
        "records": sorted((item.name, item.type, item.value) for item in task.metadata),
        "times_ms": sorted(item.created_at for item in task.metadata),
        "exception": task.exception and str(task.exception.exception),
        "log_ms": [round(line[0].timestamp() * 1000) for line in task.loglines("stdout")],
        "log": task.stdout,
    }


main()
