"""Pushing flow runs level by level: an artifact has to be logged before it is used."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from mfwb.config import Settings
from mfwb.destination import Destinations
from mfwb.ports import Cargo, Destination, Progress, Pushed
from mfwb.sink.client.api import ApiClient
from mfwb.sink.client.process_wide import altered_wandb
from mfwb.sink.client.retry_budget import RetryBudget
from mfwb.sink.content.edits import EditRule
from mfwb.sink.offline.manifest import Checksums
from mfwb.sink.push.batch import Batches, Load, look_up
from mfwb.sink.push.bundle_run import Title, read_contents
from mfwb.sink.push.original_run import verify
from mfwb.sink.push.project import Place, Project
from mfwb.sink.push.schedule import Item, Order
from mfwb.sink.push.shipment import Shipment, load
from mfwb.sink.server.ownership import raise_if_foreign
from mfwb.sink.setup.credentials import check_wandb_file, entity_query, restrict_api_key
from mfwb.sink.setup.environment import replay_environment
from mfwb.sink.setup.run_settings import check_wandb_settings
from mfwb.sink.setup.sdk_settings import query_defaults
from mfwb.sink.wandb_sync.sender import Sender

__all__ = ["BundlePusher", "open_pusher"]

_MAX_IDLE = 200  # W&B runs in one `wandb sync`


@contextmanager
def open_pusher(settings: Settings, bundle: Path) -> Iterator[BundlePusher]:
    """Yield the way from a bundle to the server.

    Raises:
        UsageError: for settings that W&B does not know, or nobody trusts.
    """
    check_wandb_file()
    with (
        restrict_api_key(settings) as no_key,
        replay_environment(settings.timeout),
        altered_wandb(),
    ):
        check_wandb_settings(settings)
        yield BundlePusher(settings, bundle, no_key)


class BundlePusher:
    """Sends what a bundle holds, and looks whether it has arrived."""

    def __init__(self, settings: Settings, bundle: Path, no_key: str | None) -> None:
        to_a_server = settings.model_copy(update={"mode": "online", "dir": None})
        self._destinations = Destinations(
            to_a_server,
            query_defaults(settings.timeout),
            entity_query(settings, no_key),
            may_ask=True,
        )
        self._settings = settings
        self._bundle = bundle

    def destination(self, bundled: Destination) -> Destination:
        """Return where goes what was synced into the bundle for some entity and project."""
        return self._destinations.of_bundled(bundled)

    def push(self, cargo: Sequence[Cargo], *, writer: str, progress: Progress) -> Iterator[Pushed]:
        """Yield each flow run as soon as it is there, or can't be.

        Raises:
            Unreachable: W&B can't be reached, or refuses the credentials.
            BundleChanged: something that would be sent is not what mfwb wrote; nothing was sent.
        """
        self._destinations.viewer_entity()
        client = ApiClient(self._destinations.base_url, RetryBudget(self._settings.timeout))
        checksums = Checksums(self._bundle)
        shipments = [load(one, self._bundle, checksums) for one in cargo]
        progress.wandb_runs(sum(len(one.titles) for one in shipments))
        with ThreadPoolExecutor(self._settings.workers, "mfwb-push") as pool:
            originals = [title.original for one in shipments for title in one.titles]
            verify(self._bundle, originals, checksums, pool)
            batches = Batches(Sender(client), pool, progress)
            work = _Push(self._settings, client, batches, writer)
            yield from work.push(shipments, _orders(shipments))


class _Push:
    """One call."""

    def __init__(
        self, settings: Settings, client: ApiClient, batches: Batches, writer: str
    ) -> None:
        self._settings = settings
        self._client = client
        self._batches = batches
        self._writer = writer
        self._projects: dict[Place, Project] = {}

    def push(
        self, shipments: Sequence[Shipment], orders: Mapping[Place, Order[_Named]]
    ) -> Iterator[Pushed]:
        """Yield flow runs as they come to their end."""
        for place in dict.fromkeys(map(_place, shipments)):
            self._look([one for one in shipments if _place(one) == place])
        in_flight = dict(enumerate(shipments))
        while True:
            over = {number for number, one in in_flight.items() if one.is_over}
            for number in sorted(over):
                one = in_flight.pop(number)
                with one.failing():
                    self._project(_place(one)).give_up(one.missing())
                yield one.as_pushed()
            for order in orders.values():
                order.drop(over)
            if not self._send(orders):
                return

    def _send(self, orders: Mapping[Place, Order[_Named]]) -> bool:
        """Send what can be sent at once; return whether there was anything."""
        taken: list[_Named] = []
        for order in orders.values():
            taken += order.take(_MAX_IDLE - len(taken))
        if not taken:
            return False
        # The newest first, so that `latest` need not move from one to the next.
        self._batches.send(
            Load(shipment, title, self._project(_place(shipment)))
            for shipment, title in reversed(taken)
        )
        there = [one for one in taken if one[0].has(one[1])]
        for order in orders.values():
            order.over(there)
        return True

    def _look(self, shipments: Sequence[Shipment]) -> None:
        """Ask for all W&B runs of one project; those of other sources are left alone."""
        existing = self._project(_place(shipments[0])).existing
        look_up(existing, [(one, one.titles) for one in shipments])
        for one in shipments:
            with one.failing():
                for title in one.titles:
                    raise_if_foreign(existing.get(title.id), title, title.source)

    def _project(self, place: Place) -> Project:
        if place not in self._projects:
            self._projects[place] = Project(
                place,
                self._client,
                writer=self._writer,
                on_deleted=self._settings.on_deleted,
                edit_rule=EditRule(self._settings.overwrite_edits),
            )
        return self._projects[place]


_Named = tuple[Shipment, Title]


def _orders(shipments: Sequence[Shipment]) -> dict[Place, Order[_Named]]:
    """Return in which order W&B runs are sent to each project; BundleChanged.

    All records are read for that, so that none is sent if one is not as mfwb writes it.
    """
    items: dict[Place, list[Item[_Named]]] = defaultdict(list)
    for number, shipment in enumerate(shipments):
        for title in shipment.titles:
            contents = read_contents(title)
            items[_place(shipment)].append(
                Item(
                    of=(shipment, title),
                    flow_run=number,
                    level=title.level,
                    types=contents.types,
                    logged=contents.logged,
                    used=contents.used,
                )
            )
    return {place: Order(of_it) for place, of_it in items.items()}


def _place(shipment: Shipment) -> Place:
    destination = shipment.cargo.destination
    return Place(destination.entity or "", destination.project)
