"""Four ways to sync, each into an entity of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from tests.support.sandbox import Finished, Sandbox

__all__ = ["ENTITIES", "WAYS", "Way", "sync"]


@dataclass(frozen=True)
class Way:
    """How to sync."""

    granularity: str
    mode: str

    @property
    def entity(self) -> str:
        """Where to."""
        return f"{self.mode}-{self.granularity}"


WAYS = tuple(
    Way(granularity, mode) for granularity, mode in product(("step", "task"), ("online", "offline"))
)
ENTITIES = tuple(way.entity for way in WAYS)


def sync(sandbox: Sandbox, way: Way, pathspecs: Sequence[str]) -> list[Finished]:
    """Sync flow runs, each into its flow's project; return what mfwb said, push included."""
    bundle = str(sandbox.root / f"bundle-{way.granularity}")
    how = ("--granularity", way.granularity, "--mode", way.mode, "--entity", way.entity)
    where = ("--path-root", str(sandbox.root), "--metadata", f"local@{sandbox.root}", "--json")
    folder = ("--dir", bundle) if way.mode == "offline" else ()
    done = [sandbox.mfwb("sync", *pathspecs, *how, *where, *folder)]
    if folder:
        done.append(sandbox.mfwb("push", bundle, "--json"))
    return done
