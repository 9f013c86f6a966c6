"""Lazy sink: wandb is imported only when a call has to read from W&B or write to it.

An offline sync writes its bundle without wandb.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from mfwb.config import Settings
from mfwb.destination import Destinations, WandbDefaults, given_mode, read_defaults
from mfwb.destination.wandb_defaults import cache_key, load_defaults, save_defaults
from mfwb.errors import UsageError
from mfwb.planning import InputArtifact, Plan
from mfwb.ports import (
    Destination,
    ExistingFlowRun,
    ExistingWandbRun,
    NoProgress,
    OwnRun,
    Progress,
    Session,
)
from mfwb.request_budget import RequestBudget
from mfwb.sink.setup.credentials import check_wandb_file, entity_query, restrict_api_key
from mfwb.sink.setup.environment import replay_environment
from mfwb.sink.setup.plain_settings import is_surely_valid
from mfwb.sink.setup.settings_tables import wandb_settings_tables
from mfwb.snapshot.pathspec import FlowRunId

if TYPE_CHECKING:
    from mfwb.sink.offline.bundle_sink import BundleSink
    from mfwb.sink.wandb_sink import WandbSink

__all__ = ["LazySink", "open_sink"]


_REQUESTS_FOR_ENTITY = 2  # who is logged in, and the entity of that user


@contextmanager
def open_sink(
    settings: Settings,
    *,
    memory: Path,
    may_ask: bool,
    progress: Progress | None = None,
    read_only: bool = False,
) -> Iterator[LazySink]:
    """Yield W&B as a sink.

    Args:
        settings: of this call.
        memory: the folder that keeps the defaults of W&B's own settings between calls.
        may_ask: whether W&B may be asked for an entity that was not given.
        progress: is notified of requests and uploads; None: nothing is.
        read_only: whether nothing may be written, so that these defaults are not kept.

    Raises:
        UsageError: for settings that W&B does not know or that come from an untrusted file.
    """
    progress = progress or NoProgress()
    check_wandb_file()
    key = cache_key()
    known = _offline_defaults(settings)
    if known is None and not wandb_settings_tables(settings):
        known = load_defaults(memory, key)
    with (
        restrict_api_key(settings) as no_key_reason,
        replay_environment(settings.timeout) as scratch,
        ExitStack() as contexts,
    ):

        @cache  # it may be called below, or by `LazySink.load`, or by both
        def query_once() -> WandbDefaults:
            # The first import of wandb.
            from mfwb.sink.client.process_wide import altered_wandb, without_debug_logs  # noqa: PLC0415

            contexts.enter_context(altered_wandb())
            from mfwb.sink.setup.sdk_settings import files_of_settings, query_defaults  # noqa: PLC0415

            defaults = query_defaults(settings.timeout)
            contexts.enter_context(without_debug_logs())
            if not read_only:
                save_defaults(memory, key, files_of_settings(), defaults)
            return defaults

        budget = RequestBudget(settings.max_requests_per_minute)
        query_entity = entity_query(settings, no_key_reason, progress)

        def query_and_count(base_url: str) -> str | None:
            budget.note_sent(_REQUESTS_FOR_ENTITY)
            return query_entity(base_url)

        destinations = Destinations(
            settings, known or query_once(), query_and_count, may_ask=may_ask
        )
        sink = LazySink(
            destinations,
            settings,
            query_once,
            scratch=scratch,
            progress=progress,
            request_budget=budget,
        )
        if known is None or not _are_surely_valid(settings):
            sink.load()
        yield sink


def _offline_defaults(settings: Settings) -> WandbDefaults | None:
    """Return W&B's settings for an offline sync; None for an online one, where wandb reads them."""
    given = given_mode(settings)
    if given not in {None, "offline"}:
        return None
    defaults = read_defaults()
    return defaults if (given or defaults.mode) == "offline" else None


def _are_surely_valid(settings: Settings) -> bool:
    """Return whether wandb need not check the tables of its own settings."""
    return all(
        is_surely_valid(name, value)
        for _, fields in wandb_settings_tables(settings)
        for name, value in fields.items()
    )


class LazySink:
    """A sink that imports wandb only when it is needed."""

    def __init__(  # noqa: PLR0913 - these are the parts that it works with
        self,
        destinations: Destinations,
        settings: Settings,
        query_once: Callable[[], WandbDefaults],
        *,
        scratch: Path,
        progress: Progress,
        request_budget: RequestBudget,
    ) -> None:
        self.request_budget = RequestBudget() if destinations.bundle else request_budget
        self._settings = settings
        # It also remembers the defaults for the next call.
        self._query_defaults = query_once
        self._destinations = destinations
        self._scratch = scratch
        self._progress = progress
        self._sink: WandbSink | None = None
        self._bundle_sink: BundleSink | None = None
        self._lock = threading.Lock()

    @property
    def bundle(self) -> Path | None:
        """The folder that an offline sync writes to; None for a sync to a server."""
        return self._destinations.bundle

    def destination(self, flow: str) -> Destination:
        """Return the destination of the runs of a flow."""
        return self._destinations.of(flow)

    def prefetch(self, destination: Destination, groups: Sequence[str]) -> None:
        """Fetch all W&B runs of some groups at once, so that `open` need not fetch each of them."""
        if self.bundle is None:
            self.load().prefetch(destination, groups)

    def list_flow_runs(self, destination: Destination) -> Iterable[ExistingFlowRun]:
        """Return all flow runs that mfwb synced to a destination; none for a bundle."""
        return self.load().list_flow_runs(destination) if self.bundle is None else ()

    def existing(
        self, plan: Plan, *, writer: str, written: Collection[str] = ()
    ) -> Mapping[str, ExistingWandbRun]:
        """Return the planned W&B runs that exist or were deleted, by planned id; of a bundle, none.

        The ledger of a bundle records what is complete.
        """
        if self.bundle is not None:
            return {}
        return self.load().existing(plan, writer=writer, written=written)

    def has_logged(self, plan: Plan, used: InputArtifact) -> bool:
        """Return whether W&B has an artifact of another flow run; a bundle has none."""
        return self.bundle is None and self.load().has_logged(plan, used)

    def find_ids(self, destination: Destination, groups: Sequence[str]) -> frozenset[str]:
        """Return the ids of all W&B runs of some groups; of a bundle, none."""
        return self.load().find_ids(destination, groups) if self.bundle is None else frozenset()

    def find_own_runs(
        self,
        destination: Destination,
        source: FlowRunId,
        *,
        group: str,
        wandb_runs: Collection[str],
    ) -> tuple[list[OwnRun], int]:
        """Return the W&B runs of a flow run, and the number of others' that are among them."""
        return self.load().find_own_runs(destination, source, group=group, wandb_runs=wandb_runs)

    def delete_run(self, destination: Destination, run: OwnRun) -> None:
        """Delete a W&B run; its artifacts stay."""
        self.load().delete_run(destination, run)

    def open(
        self,
        plan: Plan,
        *,
        writer: str,
        written: Collection[str] = (),
        forgotten: Collection[str] = (),
    ) -> AbstractContextManager[Session]:
        """Fetch the existing W&B runs and yield a session that writes the plan."""
        sink = self.load() if self.bundle is None else self._open_bundle(self.bundle)
        return sink.open(plan, writer=writer, written=written, forgotten=forgotten)

    def load(self) -> WandbSink:
        """Import wandb and return the real sink; UsageError if W&B's settings have just changed."""
        with self._lock:
            if self._sink is None:
                defaults = self._query_defaults()
                if self.bundle is None and defaults != self._destinations.defaults:
                    raise UsageError("W&B's settings changed meanwhile; run it again")
                from mfwb.sink.wandb_sink import WandbSink  # noqa: PLC0415 - late, too

                self._sink = WandbSink(
                    self._settings,
                    self._destinations,
                    self._scratch,
                    self._progress,
                    self.request_budget,
                )
            return self._sink

    def _open_bundle(self, bundle: Path) -> BundleSink:
        with self._lock:
            if self._bundle_sink is None:
                from mfwb.sink.offline.bundle_sink import BundleSink  # noqa: PLC0415 - only now

                self._bundle_sink = BundleSink(bundle)
            return self._bundle_sink
