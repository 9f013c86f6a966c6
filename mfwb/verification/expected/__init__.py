"""What W&B should say of a flow run, worked out from Metaflow's client and docs/mapping.md.

The structure of the flow run comes from the client (`metaflow.Run` and what it leads to); types,
sizes and bytes of artifacts, which the client returns by unpickling alone, come from Metaflow's
datastore through `mfwb.source.datastore`. Pickles are loaded in a confined process of their own.
"""

from __future__ import annotations
