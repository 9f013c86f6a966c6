"""What the datastore has of a flow run's tasks: what they wrote of their artifacts, in batches."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from mfwb.errors import ItemLost
from mfwb.snapshot import Datastore
from mfwb.source import internals
from mfwb.source.datastore import AttemptKey, open_store
from mfwb.source.raw import RawTask

__all__ = ["Stored"]


class Stored:
    """Artifact records by task, and the values of Metaflow's internal artifacts.

    Args:
        flow: whose tasks they are.
        begun: epoch ms; when reading the tasks' metadata began.
    """

    def __init__(self, flow: str, begun: int) -> None:
        self._flow = flow
        self._begun = begun
        self._facts: dict[AttemptKey, dict[str, Any]] = {}
        self._blobs: dict[str, bytes] = {}
        self._deaths: dict[AttemptKey, int] = {}

    def read(self, raws: Sequence[RawTask]) -> None:
        """Read all of them, batch by datastore."""
        by_datastore: dict[Datastore, list[AttemptKey]] = defaultdict(list)
        silent: dict[Datastore, list[AttemptKey]] = defaultdict(list)
        for raw in raws:
            if raw.datastore is not None:
                by_datastore[raw.datastore] += raw.attempts_done()
                silent[raw.datastore] += raw.attempts_silent()
        for datastore, keys in by_datastore.items():
            store = open_store(datastore, self._flow)
            facts = store.task_facts(keys)
            self._facts.update(facts)
            wanted = {sha for one in facts.values() for sha in _telling_shas(one)}
            for sha, data in store.read(sorted(wanted)):
                if not isinstance(data, ItemLost):
                    self._blobs[sha] = data
        for datastore, keys in silent.items():
            deaths = open_store(datastore, self._flow).deaths(keys)
            # What died meanwhile may have said why after its metadata was read.
            self._deaths |= {key: at for key, at in deaths.items() if at < self._begun}

    def facts(self, raw: RawTask) -> dict[str, Any]:
        """Return what the latest attempt that stored artifacts wrote about them."""
        known = [key for key in raw.attempts_done() if key in self._facts]
        return self._facts[known[-1]] if known else {}

    def died_at(self, raw: RawTask) -> int | None:
        """Return when the latest attempt died without a word, in epoch ms, if that is known."""
        return next((self._deaths.get(key) for key in raw.attempts_silent()), None)

    def internal(self, raw: RawTask, name: str, attempt: int | None = None) -> Any:
        """Return the value of an internal artifact, or None."""
        if attempt is None:
            facts = self.facts(raw)
        else:
            _, run, step, task = raw.path
            facts = self._facts.get(AttemptKey(run, step, task, attempt), {})
        sha = facts.get("objects", {}).get(name)
        return internals.decode(self._blobs.get(sha)) if sha else None

    def decoded(self, sha: str) -> Any:
        """Return the value of an internal artifact of that content, or None."""
        return internals.decode(self._blobs.get(sha))


def _telling_shas(facts: dict[str, Any]) -> Iterable[str]:
    objects, info = facts.get("objects", {}), facts.get("info", {})
    for name in (*internals.TELLING_NAMES, "_graph_info"):
        if name in objects:
            yield objects[name]
    for name, about in info.items():
        if "IncludedFile" in str(about.get("type")) and name in objects:
            yield objects[name]
