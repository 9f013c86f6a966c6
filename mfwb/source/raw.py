"""What the metadata provider says of one task, as Metaflow's client hands it out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mfwb.snapshot import Datastore
from mfwb.source.attempts import Record, done_attempts, to_attempts
from mfwb.source.datastore import AttemptKey

__all__ = ["RawTask", "read_parameters_task", "read_raw"]

_PARAMETERS = "_parameters"


@dataclass(frozen=True, slots=True)
class RawTask:
    """What the metadata provider says of one task."""

    task: Any  # metaflow.Task
    records: tuple[Record, ...]
    datastore: Datastore | None

    @property
    def path(self) -> list[str]:
        """Flow, run, step and task."""
        return self.task.path_components  # type: ignore[no-any-return]

    def value(self, name: str) -> str | None:
        """Return the newest metadata of that name."""
        found = [record for record in self.records if record.name == name]
        return max(found, key=lambda one: one.created_at).value if found else None

    def attempts_done(self) -> list[AttemptKey]:
        """Return the attempts that stored artifacts, oldest first."""
        _, run, step, task = self.path
        return [AttemptKey(run, step, task, number) for number in done_attempts(self.records)]

    def attempts_silent(self) -> list[AttemptKey]:
        """Return the latest attempt if it has not said how it went: it runs, or it was killed."""
        _, run, step, task = self.path
        latest = to_attempts(self.records)[-1:]
        return [AttemptKey(run, step, task, one.number) for one in latest if one.ok is None]

    @property
    def seen_at(self) -> int:
        """When the task last gave a sign of life, in epoch ms."""
        facts = self.task._object  # noqa: SLF001 - the client hides the heart, which services have
        heartbeat = int(facts.get("last_heartbeat_ts") or 0) * 1000
        return max(int(facts["ts_epoch"]), heartbeat, *(one.created_at for one in self.records))


def read_raw(task: Any, provider: str) -> RawTask:
    """Return the metadata of a `metaflow.Task`: one call to the provider."""
    records = tuple(
        Record(one.name, _text(one.value), str(one.type), int(one.created_at))
        for one in task.metadata
    )
    raw = RawTask(task, records, None)
    kind, root = raw.value("ds-type"), raw.value("ds-root")
    if kind is None or root is None:
        return raw
    return RawTask(task, records, _relocated(Datastore(kind, root), provider))


def read_parameters_task(run: Any, provider: str) -> RawTask | None:
    """Return the hidden task that holds parameters; its datastore is only in its artifacts."""
    task = run[_PARAMETERS].task if _PARAMETERS in run else None
    if task is None:
        return None
    raw = read_raw(task, provider)
    record = next(iter(task), None)
    if record is None:
        return raw
    facts = record._object  # noqa: SLF001 - 2.19.39 keeps type and root nowhere else
    location = str(facts["location"])
    root = location.removeprefix(":root:")
    return RawTask(task, raw.records, _relocated(Datastore(facts["ds_type"], root), provider))


def _relocated(datastore: Datastore, provider: str) -> Datastore:
    """Follow a local datastore that was moved together with its metadata.

    Artifacts carry the absolute root of the machine and folder they were written in.
    """
    if datastore.type != "local" or Path(datastore.root).is_dir():
        return datastore
    home = Path(provider.removeprefix("local@")) / ".metaflow"
    moved = provider.startswith("local@") and home.is_dir()
    return Datastore("local", str(home)) if moved else datastore


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
