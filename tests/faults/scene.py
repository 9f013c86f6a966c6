"""One flow run, one server of its own, one project: synced, disturbed, synced again, compared."""

from __future__ import annotations

import hashlib
import json
import re
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from mfwb.sink.offline.wandb_file import read_records
from tests.integration.results import metadata_of
from tests.support.sandbox import Finished, Sandbox
from tests.support.wandb_server import Fault, WandbServer
from tests.support.warm import Process

__all__ = [
    "PROJECT",
    "Scene",
    "bundle_of",
    "comes_to",
    "differences",
    "kill_core",
    "settled",
    "unnumbered",
]

PROJECT = "p"
_KILLER = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from tests.faults.killer import main
main()
"""
_VERSION = re.compile(r',"version":"v\d+"')
_PROBE = re.compile("[a-z0-9_]{8}")  # by which Python's tempfile tries whether it may write here
_PROBED = b"blat"  # what it writes there
_WRITER = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


@dataclass
class Scene:
    """Where a sync is disturbed."""

    root: Path
    flows_root: Path
    pathspec: str
    server: WandbServer
    options: tuple[str, ...] = ()

    @property
    def sandbox(self) -> Sandbox:
        """A place that knows the server; temporary files lie in it, too."""
        (self.root / "tmp").mkdir(parents=True, exist_ok=True)
        return Sandbox(
            self.root,
            {
                "WANDB_BASE_URL": self.server.base_url,
                "WANDB_API_KEY": self.server.api_key,
                "TMPDIR": str(self.root / "tmp"),
            },
        )

    @property
    def arguments(self) -> tuple[str, ...]:
        """The command line of the sync."""
        location = ("--project", PROJECT, "--entity", "acme")
        return (
            "sync",
            self.pathspec,
            "--json",
            *location,
            "--metadata",
            metadata_of(self.flows_root),
            *self.options,
        )

    def sync(self, *more: str, **environment: str) -> Finished:
        """Sync to the end."""
        return self.sandbox.mfwb(*self.arguments, *more, **environment)

    def start(self, *more: str) -> Process:
        """Start a sync."""
        return self.sandbox.start_mfwb(*self.arguments, *more)

    def start_killer(self, number: int) -> Process:
        """Start a sync that is killed after so many changes of files."""
        return Process(
            (str(number), *self.arguments),
            folder=self.root,
            environment=self.sandbox.environment,
            program=_KILLER,
        )

    def state(self) -> dict[str, Any]:
        """Return all that the server has, but for who wrote it."""
        snapshot = settled(self.server.state.snapshot(f"acme/{PROJECT}"))
        return unnumbered(snapshot) if "task" in self.options else snapshot

    def left(self) -> list[str]:
        """Return the temporary files that are left."""
        folder = self.root / "tmp"
        files = [path for path in folder.rglob("*") if path.is_file() and not _is_probe(path)]
        return sorted(str(file.relative_to(folder)) for file in files)


def _is_probe(file: Path) -> bool:
    return bool(_PROBE.fullmatch(file.name)) and file.read_bytes() in (b"", _PROBED)


def settled(snapshot: dict[str, Any], *, receipts: bool = True) -> dict[str, Any]:
    """Leave out which ledger's sync wrote a W&B run.

    Args:
        snapshot: of a server.
        receipts: whether these count: they say who logged a content first.
    """
    for run in snapshot["runs"].values():
        if not receipts:
            run["summary"].get("mfwb", {}).pop("receipt", None)
        run["config"].get("mfwb", {}).pop("writer", None)
    return snapshot


def unnumbered(snapshot: dict[str, Any]) -> dict[str, Any]:
    """Call artifact versions by their content: siblings log theirs in no order.

    Two versions of one content would still be two.
    """
    versions = snapshot["artifacts"]
    names: dict[str, str] = {}
    for path, version in versions.items():
        name = f"{path.rpartition(':')[0]}@{version['digest']}"
        names[path] = name + "'" * list(names.values()).count(name)
    for run in snapshot["runs"].values():
        receipt = run["summary"]["mfwb"]["receipt"]
        run["summary"]["mfwb"]["receipt"] = _VERSION.sub("", receipt)
        for relation in ("logged", "used"):
            run[relation] = sorted(names[path] for path in run[relation])
    by_path = re.compile("|".join(rf"{re.escape(path)}(?![0-9])" for path in names))
    text = by_path.sub(lambda result: names[result[0]], json.dumps(snapshot))
    unnumbered: dict[str, Any] = json.loads(text)
    return unnumbered


def differences(found: Any, wanted: Any, place: str = "") -> list[str]:
    """Return where two states differ, and how."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        names = sorted(found.keys() | wanted.keys(), key=str)
        return [
            line
            for name in names
            for line in differences(
                found.get(name, "nothing"), wanted.get(name, "nothing"), f"{place}/{name}"
            )
        ]
    if isinstance(found, list) and isinstance(wanted, list) and len(found) == len(wanted):
        pairs = enumerate(zip(found, wanted, strict=True))
        return [line for n, (f, w) in pairs for line in differences(f, w, f"{place}/{n}")]
    return [] if found == wanted else [f"{place}: {found!r:.200} rather than {wanted!r:.200}"]


def bundle_of(folder: Path) -> dict[str, Any]:
    """Return the files of a bundle by name, but for its ledger, where it lies, and who wrote it."""
    return {
        str(path.relative_to(folder)): _content(path, folder)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "ledger" not in path.name and "locks" not in path.parts
    }


def _content(path: Path, folder: Path) -> Any:
    if path.name == "manifest.json":
        listed = json.loads(path.read_bytes())["files"]
        return {name: None if name.endswith(".wandb") else listed[name] for name in listed}
    if path.suffix != ".wandb":
        return hashlib.sha256(path.read_bytes()).hexdigest()
    records = [str(record).replace(str(folder), "BUNDLE") for record in read_records(path)]
    return [_WRITER.sub("somebody", record) for record in records]


def comes_to(fault: Fault, process: Process) -> bool:
    """Wait until something has gone wrong; return False if the process ends before."""
    while process.poll() is None:
        with suppress(TimeoutError):
            fault.wait(0.1)
            return True
    return False


def kill_core(process: Process) -> None:
    """Kill the wandb-core that a process started."""
    cores = [
        child for child in psutil.Process(process.pid).children(recursive=True) if _is_core(child)
    ]
    for core in cores:
        core.send_signal(signal.SIGKILL)


def _is_core(process: psutil.Process) -> bool:
    try:
        return "wandb-core" in process.name()
    except psutil.Error:
        return False
