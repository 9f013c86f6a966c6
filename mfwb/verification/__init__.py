"""Verification: whether W&B says what Metaflow says, worked out a second time.

What W&B should say is worked out here from Metaflow's client and docs/mapping.md alone: plainly,
slowly, and without the code that a sync runs through (lineage, planning, payload, conversion,
pipeline, ledger). Where a sync and its verification disagree, one of the two is wrong.
"""

from __future__ import annotations
