"""W&B, opened for one call when something has to be asked or written, and closed behind it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from mfwb.config import Settings
from mfwb.destination import Destinations, WandbDefaults
from mfwb.destination.wandb_defaults import cache_key, recall, remember
from mfwb.errors import UsageError
from mfwb.planning import Plan
from mfwb.ports import Destination, FoundFlowRun, Session
from mfwb.sink.setup.credentials import check_wandb_file, entity_query, restrict_api_key
from mfwb.sink.setup.environment import replay_environment
from mfwb.sink.setup.settings_tables import tables_of

if TYPE_CHECKING:
    from mfwb.sink.wandb_sink import WandbSink

__all__ = ["LazySink", "open_sink"]


@contextmanager
def open_sink(settings: Settings, *, memory: Path, may_ask: bool) -> Iterator[LazySink]:
    """Yield W&B as a sink; UsageError for settings that W&B does not know, or nobody trusts.

    Args:
        settings: of this call.
        memory: the folder in which is remembered what W&B's own settings say.
        may_ask: whether W&B is asked for an entity that was not given.
    """
    check_wandb_file()
    key = cache_key()
    known = None if tables_of(settings) else recall(memory, key)
    with (
        restrict_api_key(settings) as no_key,
        replay_environment(settings.timeout) as scratch,
        ExitStack() as until_then,
    ):

        @cache  # it is asked here, or when the sink wakes, or both
        def ask() -> WandbDefaults:
            # The first to import wandb.
            from mfwb.sink.client.process_wide import altered_wandb, without_debug_logs  # noqa: PLC0415

            until_then.enter_context(altered_wandb())
            from mfwb.sink.setup.sdk_settings import ask_defaults, files_of_settings  # noqa: PLC0415

            said = ask_defaults(settings.timeout)
            until_then.enter_context(without_debug_logs())
            remember(memory, key, files_of_settings(), said)
            return said

        ask_entity = entity_query(settings, no_key)
        destinations = Destinations(settings, known or ask(), ask_entity, may_ask=may_ask)
        sink = LazySink(destinations, settings, ask, scratch)
        if known is None:
            sink.wake()
        yield sink


class LazySink:
    """A sink that imports wandb when it can't be avoided any more."""

    def __init__(
        self,
        destinations: Destinations,
        settings: Settings,
        ask: Callable[[], WandbDefaults],
        scratch: Path,
    ) -> None:
        self._settings = settings
        self._ask = ask  # W&B, and remember what it says: so the next call knows better
        self._destinations = destinations
        self._scratch = scratch
        self._sink: WandbSink | None = None
        self._lock = threading.Lock()

    @property
    def bundle(self) -> Path | None:
        """The folder that an offline sync writes to; None: it goes to a server."""
        return self._destinations.bundle

    def destination(self, flow: str) -> Destination:
        """Return where the runs of a flow go."""
        return self._destinations.of(flow)

    def look_ahead(self, destination: Destination, groups: Sequence[str]) -> None:
        """Ask for all W&B runs of some groups at once, so that `open` need not ask for each."""
        self.wake().look_ahead(destination, groups)

    def read_back(self, destination: Destination) -> Iterable[FoundFlowRun]:
        """Return all flow runs that W&B has from mfwb there; of a bundle, none."""
        return self.wake().read_back(destination)

    def open(
        self, plan: Plan, *, writer: str, written: Collection[str] = ()
    ) -> AbstractContextManager[Session]:
        """Look at what is there, and get ready to write."""
        return self.wake().open(plan, writer=writer, written=written)

    def wake(self) -> WandbSink:
        """Return the sink that does the work; UsageError if W&B's settings have just changed."""
        with self._lock:
            if self._sink is None:
                if self._ask() != self._destinations.defaults:
                    raise UsageError("W&B's settings changed meanwhile; run it again")
                from mfwb.sink.wandb_sink import WandbSink  # noqa: PLC0415 - wandb is there now

                self._sink = WandbSink(self._settings, self._destinations, self._scratch)
            return self._sink
