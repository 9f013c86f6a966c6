"""Many flow runs for little: one that Metaflow ran, copied within its local datastore.

    pathspec = copy_flow_run(root, "TwoFlow/1795259356270784", started_at_ms=now - 3_600_000)
    running = copy_running_flow_run(root, "TwoFlow/1795259356270784", started_at_ms=now)
    running.finish()  # or running.fail("no such table")
    tag_flow_run(root, pathspec, "checked", at_ms=now)

Metaflow's client reads a copy as it reads the origin: its id, its times, also those of the log, and
the ids in its records are its own. A copy appears at once, never half of it. Artifacts are kept by
content in a folder that all flow runs of a flow share, so there is nothing to copy of them; what a
flow wrote *into* an artifact, such as its own id, is still that of the origin. Cards stay behind.
"""

from .copying import RunningCopy, copy_flow_run, copy_listing, copy_running_flow_run
from .synced import add_to_ledger
from .tagging import tag_flow_run
from .widening import Wide, widen_flow_run

__all__ = [
    "RunningCopy",
    "Wide",
    "add_to_ledger",
    "copy_flow_run",
    "copy_listing",
    "copy_running_flow_run",
    "tag_flow_run",
    "widen_flow_run",
]
