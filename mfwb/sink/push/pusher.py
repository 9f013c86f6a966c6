"""Pushing flow runs level by level: an artifact has to be logged before it is used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from mfwb.config import Settings
from mfwb.pipeline.push import Cargo, Pushed
from mfwb.ports import Destination, Progress
from mfwb.sink.asking import ask_defaults
from mfwb.sink.credentials import check_wandb_file, only_its_own_key
from mfwb.sink.destinations import Destinations
from mfwb.sink.edits import EditRule
from mfwb.sink.environment import our_environment
from mfwb.sink.naming import refuse_foreign
from mfwb.sink.patience import Patience
from mfwb.sink.push.batch import Batches, Load, look_up
from mfwb.sink.push.original import verify
from mfwb.sink.push.project import Place, Project
from mfwb.sink.push.sending import Sender
from mfwb.sink.push.shipment import Shipment, load
from mfwb.sink.run_settings import check_wandb_settings
from mfwb.sink.service import Service

__all__ = ["BundlePusher", "open_pusher"]

_AT_ONCE = 200  # W&B runs in one `wandb sync`


@contextmanager
def open_pusher(settings: Settings, bundle: Path) -> Iterator[BundlePusher]:
    """Yield the way from a bundle to the server.

    Raises:
        UsageError: for settings that W&B does not know, or nobody trusts.
    """
    check_wandb_file()
    with only_its_own_key(settings) as no_key, our_environment(settings.timeout):
        check_wandb_settings(settings)
        yield BundlePusher(settings, bundle, no_key)


class BundlePusher:
    """Sends what a bundle holds, and looks whether it has arrived."""

    def __init__(self, settings: Settings, bundle: Path, no_key: str | None) -> None:
        to_a_server = settings.model_copy(update={"mode": "online", "dir": None})
        self._destinations = Destinations(to_a_server, ask_defaults(settings.timeout), no_key)
        self._settings = settings
        self._bundle = bundle

    def destination(self, bundled: Destination) -> Destination:
        """Return where goes what was synced into the bundle for some entity and project."""
        return Destination("online", self._destinations.base_url, bundled.entity, bundled.project)

    def push(self, cargo: Sequence[Cargo], *, writer: str, progress: Progress) -> Iterator[Pushed]:
        """Yield each flow run as soon as it is there, or can't be.

        Raises:
            Unreachable: W&B can't be reached, or refuses the credentials.
            BundleChanged: something that would be sent is not what mfwb wrote; nothing was sent.
        """
        self._destinations.viewer_entity()
        service = Service(self._destinations.base_url, Patience(self._settings.timeout))
        shipments = [load(one, self._bundle) for one in cargo]
        progress.wandb_runs(sum(len(one.titles) for one in shipments))
        with ThreadPoolExecutor(self._settings.workers, "mfwb-push") as pool:
            verify(
                self._bundle, (title.original for one in shipments for title in one.titles), pool
            )
            batches = Batches(Sender(service), pool, progress)
            yield from _Push(self._settings, service, batches, writer).push(shipments)


class _Push:
    """One call."""

    def __init__(self, settings: Settings, service: Service, batches: Batches, writer: str) -> None:
        self._settings = settings
        self._service = service
        self._batches = batches
        self._writer = writer
        self._projects: dict[Place, Project] = {}

    def push(self, shipments: Sequence[Shipment]) -> Iterator[Pushed]:
        """Yield flow runs as they come to their end."""
        for place in dict.fromkeys(map(_place, shipments)):
            self._look([one for one in shipments if _place(one) == place])
        under_way = list(shipments)
        levels = sorted({title.level for one in under_way for title in one.titles})
        for level in (-1, *levels):
            # The newest first, so that `latest` need not move from one to the next.
            of_level = (
                Load(one, title, self._project(_place(one)))
                for one in reversed(under_way)
                for title in one.titles
                if title.level == level
            )
            while some := list(islice(of_level, _AT_ONCE)):
                self._batches.send(some)
            for one in under_way:
                if one.is_over:
                    with one.failing():
                        self._project(_place(one)).give_up(one.missing())
                    yield one.as_pushed()
            under_way = [one for one in under_way if not one.is_over]

    def _look(self, shipments: Sequence[Shipment]) -> None:
        """Ask for all W&B runs of one project; those of other sources are left alone."""
        existing = self._project(_place(shipments[0])).existing
        look_up(existing, [(one, one.titles) for one in shipments])
        for one in shipments:
            with one.failing():
                for title in one.titles:
                    refuse_foreign(existing.get(title.id), title, title.source)

    def _project(self, place: Place) -> Project:
        if place not in self._projects:
            self._projects[place] = Project(
                place,
                self._service,
                writer=self._writer,
                on_deleted=self._settings.on_deleted,
                edit_rule=EditRule(self._settings.overwrite_edits),
            )
        return self._projects[place]


def _place(shipment: Shipment) -> Place:
    destination = shipment.cargo.destination
    return Place(destination.entity or "", destination.project)
