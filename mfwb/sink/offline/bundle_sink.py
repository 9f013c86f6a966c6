"""The sink of an offline sync: a bundle. W&B is not asked for anything."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from mfwb.planning import Plan
from mfwb.ports import Session
from mfwb.sink.offline.manifest import Checksums
from mfwb.sink.offline.new_payloads import NewPayloads
from mfwb.sink.offline.session import OfflineSession

__all__ = ["BundleSink"]


class BundleSink:
    """Open sessions, one for each flow run; several may be open at once."""

    def __init__(self, bundle: Path) -> None:
        self._bundle = bundle
        self._checksums = Checksums(bundle)
        self._payloads: NewPayloads | None = None
        self._lock = threading.Lock()

    @contextmanager
    def open(
        self,
        plan: Plan,
        *,
        writer: str,
        written: Collection[str] = (),  # noqa: ARG002 - as the other mode has it
        forgotten: Collection[str] = (),  # noqa: ARG002 - the same
    ) -> Iterator[Session]:
        """Yield a session that writes the plan."""
        payloads = self._new_payloads()
        yield OfflineSession(plan, self._bundle, self._checksums, payloads, writer=writer)

    def _new_payloads(self) -> NewPayloads:
        with self._lock:
            if self._payloads is None:  # only now, as a sync with nothing to do need not know it
                self._payloads = NewPayloads(self._bundle)
            return self._payloads
