"""W&B, opened for one call and closed behind it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import wandb

from mfwb.config import Settings
from mfwb.planning import Plan
from mfwb.ports import Destination, Session
from mfwb.sink.destinations import Destinations
from mfwb.sink.environment import our_environment
from mfwb.sink.existing import ExistingRuns
from mfwb.sink.offline import OfflineSession
from mfwb.sink.online import OnlineSession
from mfwb.sink.run_settings import check_wandb_settings

__all__ = ["WandbSink", "open_sink"]


@contextmanager
def open_sink(settings: Settings) -> Iterator[WandbSink]:
    """Yield W&B as a sink; UsageError for settings that W&B does not know."""
    with our_environment() as scratch:
        check_wandb_settings(settings)
        yield WandbSink(Destinations(settings), scratch)


class WandbSink:
    """Opens sessions, one for each flow run."""

    def __init__(self, destinations: Destinations, scratch: Path) -> None:
        self._destinations = destinations
        self._scratch = scratch
        self.bundle: Path | None = destinations.bundle

    def destination(self, flow: str, *, ask: bool) -> Destination:
        """Return where the runs of a flow go; with `ask`, an unknown entity is asked for."""
        return self._destinations.of(flow, ask=ask)

    @contextmanager
    def open(self, plan: Plan) -> Iterator[Session]:
        """Look at what is there, and get ready to write."""
        if self.bundle is not None:
            yield OfflineSession(plan, self.bundle)
        else:
            yield self._online(plan)

    def _online(self, plan: Plan) -> OnlineSession:
        base_url = self._destinations.base_url
        viewer = self._destinations.viewer_entity()  # before all else: do the credentials hold?
        entity = plan.entity or viewer or ""
        api = wandb.Api(overrides={"base_url": base_url, "entity": entity})
        return OnlineSession(plan, ExistingRuns(api, entity, plan.project), base_url, self._scratch)
