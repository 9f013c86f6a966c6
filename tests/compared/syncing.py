"""Four ways to sync, each into an entity of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from tests.compared.settings import SETTINGS
from tests.support.sandbox import Finished, Sandbox

__all__ = ["ENTITIES", "WAYS", "Way", "sync", "verify"]


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
    done = [sandbox.mfwb("sync", *pathspecs, *_options(sandbox, way))]
    if way.mode == "offline":
        done.append(sandbox.mfwb("push", _bundle(sandbox, way), "--json"))
    return done


def verify(sandbox: Sandbox, way: Way, pathspecs: Sequence[str]) -> Finished:
    """Return what mfwb itself says of what it synced: of the bundle, if there is one."""
    options = _options(sandbox, way)
    return sandbox.mfwb("verify", *pathspecs, *options, "--read-data")


def _options(sandbox: Sandbox, way: Way) -> tuple[str, ...]:
    how = ("--granularity", way.granularity, "--mode", way.mode, "--entity", way.entity)
    where = ("--path-root", str(sandbox.root), "--metadata", f"local@{sandbox.root}", "--json")
    folder = ("--dir", _bundle(sandbox, way)) if way.mode == "offline" else ()
    rules = sandbox.root / "rules.toml"
    rules.write_text(SETTINGS, encoding="utf-8")
    return (*how, *where, *folder, "--overview", "--config", str(rules))


def _bundle(sandbox: Sandbox, way: Way) -> str:
    return str(sandbox.root / f"bundle-{way.granularity}")
