"""Commits: uploaded artifacts become versions in their order, several by one request.

The W&B runs of a flow run that log versions of one name are uploaded at about the same time, and
wait for the first one. Whoever may commit takes along those that come next and are ready: GraphQL
carries out the parts of a mutation in their order.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import wandb

from mfwb.planning import WandbRunId
from mfwb.sink.online.version_order import VersionOrder

__all__ = ["Commits"]


class Commits:
    """The uncommitted artifacts of one flow run; thread-safe."""

    def __init__(
        self,
        order: VersionOrder,
        send: Callable[[Sequence[wandb.Artifact]], Sequence[wandb.Artifact]],
    ) -> None:
        """Start without any.

        Args:
            order: of the W&B runs that log versions of the same names.
            send: commits artifacts in this order with one request, and returns the versions.
        """
        self._order = order
        self._send = send
        self._drafts: dict[tuple[str, WandbRunId], wandb.Artifact] = {}
        self._versions: dict[tuple[str, WandbRunId], wandb.Artifact] = {}
        self._lock = threading.Lock()

    def commit(self, run_id: WandbRunId, name: str, draft: wandb.Artifact) -> wandb.Artifact:
        """Return the version that an uploaded artifact becomes; the error of its own request.

        A request for several that fails says nothing about its parts: each is then sent alone.

        Args:
            run_id: the W&B run that logs it.
            name: its planned name.
            draft: the artifact.
        """
        with self._lock:
            self._drafts[name, run_id] = draft
        self._order.offer(run_id, name)
        while True:
            group = self._order.take(run_id, name)
            if group and (error := self._commit_group(name, group)) and len(group) == 1:
                raise error
            with self._lock:
                version = self._versions.pop((name, run_id), None)
            if version is not None:
                return version

    def _commit_group(self, name: str, group: Sequence[WandbRunId]) -> Exception | None:
        """Commit the artifacts of some W&B runs; return the error if that fails."""
        has_worked = False
        try:
            with self._lock:
                drafts = [self._drafts[name, run_id] for run_id in group]
            versions = self._send(drafts)
            with self._lock:
                for run_id, version in zip(group, versions, strict=True):
                    self._versions[name, run_id] = version
                for run_id in group:
                    del self._drafts[name, run_id]
            has_worked = True
        except Exception as error:  # noqa: BLE001 - of one part it is its own, of many nobody's
            return error
        finally:
            self._order.give_back(name, group, alone=not has_worked)
        return None
