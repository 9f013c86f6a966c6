"""Pushing flow runs level by level: an artifact has to be logged before it is used."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from mfwb.config import Settings
from mfwb.destination import Destinations
from mfwb.planning import WandbRunId
from mfwb.ports import Cargo, Destination, Progress, Pushed
from mfwb.sink.client.api import Service
from mfwb.sink.client.process_wide import altered_wandb
from mfwb.sink.client.retry_budget import Patience
from mfwb.sink.content.edits import EditRule
from mfwb.sink.offline.manifest import Checksums
from mfwb.sink.push.batch import BatchSender, look_up_runs
from mfwb.sink.push.bundle_run import read_artifacts
from mfwb.sink.push.original_run import verify
from mfwb.sink.push.project import Project
from mfwb.sink.push.schedule import Schedule, ScheduledRun
from mfwb.sink.push.shipment import ProjectPath, Shipment, load
from mfwb.sink.server.ownership import refuse_foreign
from mfwb.sink.setup.credentials import check_wandb_file, credentials_of, only_its_own_key
from mfwb.sink.setup.environment import our_environment
from mfwb.sink.setup.run_settings import check_wandb_settings
from mfwb.sink.setup.sdk_settings import ask_defaults
from mfwb.sink.wandb_sync.sender import Sender

__all__ = ["BundlePusher", "open_pusher"]

_BATCH_SIZE = 200  # W&B runs in one `wandb sync`


@contextmanager
def open_pusher(settings: Settings, bundle: Path) -> Iterator[BundlePusher]:
    """Yield the way from a bundle to the server.

    Raises:
        UsageError: for settings that W&B does not know, or nobody trusts.
    """
    check_wandb_file()
    with (
        only_its_own_key(settings) as no_key,
        our_environment(settings.timeout),
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
            ask_defaults(settings.timeout),
            credentials_of(settings, no_key),
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
        service = Service(self._destinations.base_url, Patience(self._settings.timeout))
        checksums = Checksums(self._bundle)
        shipments = [load(one, self._bundle, checksums) for one in cargo]
        progress.wandb_runs(sum(len(one.headers) for one in shipments))
        with ThreadPoolExecutor(self._settings.workers, "mfwb-push") as pool:
            originals = [header.original for one in shipments for header in one.headers]
            verify(self._bundle, originals, checksums, pool)
            projects = self._projects(shipments, service, writer)
            sender = BatchSender(Sender(service), projects, pool, progress)
            work = _Push(projects, sender, shipments)
            yield from work.push(_schedules(shipments))

    def _projects(
        self, shipments: Sequence[Shipment], service: Service, writer: str
    ) -> dict[ProjectPath, Project]:
        """Return the projects that flow runs go to."""
        return {
            place: Project(
                place,
                service,
                writer=writer,
                on_deleted=self._settings.on_deleted,
                edit_rule=EditRule(self._settings.overwrite_edits),
            )
            for place in dict.fromkeys(one.place for one in shipments)
        }


class _Push:
    """One call."""

    def __init__(
        self,
        projects: Mapping[ProjectPath, Project],
        sender: BatchSender,
        shipments: Sequence[Shipment],
    ) -> None:
        self._projects = projects
        self._batches = sender
        self._shipments = shipments
        self._runs = {
            (number, header.id): (shipment, header)
            for number, shipment in enumerate(shipments)
            for header in shipment.headers
        }

    def push(self, schedules: Mapping[ProjectPath, Schedule[_Key]]) -> Iterator[Pushed]:
        """Yield flow runs as they come to their end."""
        for place in self._projects:
            self._look([one for one in self._shipments if one.place == place])
        under_way = dict(enumerate(self._shipments))
        while True:
            over = {number for number, one in under_way.items() if one.is_done}
            for number in sorted(over):
                one = under_way.pop(number)
                with one.catch_errors():
                    self._projects[one.place].mark_failed(one.missing())
                yield one.result()
            for schedule in schedules.values():
                schedule.drop(over)
            if not self._send(schedules):
                return

    def _send(self, schedules: Mapping[ProjectPath, Schedule[_Key]]) -> bool:
        """Send what can be sent at once; return whether there was anything."""
        taken: list[_Key] = []
        for schedule in schedules.values():
            taken += schedule.take(_BATCH_SIZE - len(taken))
        if not taken:
            return False
        # The newest first, so that `latest` need not move from one to the next.
        self._batches.send([self._runs[key] for key in reversed(taken)])
        there = [key for key in taken if self._runs[key][0].has(key[1])]
        for schedule in schedules.values():
            schedule.over(there)
        return True

    def _look(self, shipments: Sequence[Shipment]) -> None:
        """Ask for all W&B runs of one project; those of other sources are left alone."""
        existing = self._projects[shipments[0].place].existing
        look_up_runs(existing, [(one, one.headers) for one in shipments])
        for one in shipments:
            with one.catch_errors():
                for header in one.headers:
                    refuse_foreign(existing.get(header.id), header, header.source)


_Key = tuple[int, WandbRunId]
"""Of a W&B run: the position of its flow run, and the id that it has in the bundle."""


def _schedules(shipments: Sequence[Shipment]) -> dict[ProjectPath, Schedule[_Key]]:
    """Return in which order W&B runs are sent to each project; BundleChanged.

    All records are read for that, so that none is sent if one is not as mfwb writes it.
    """
    items: dict[ProjectPath, list[ScheduledRun[_Key]]] = defaultdict(list)
    for number, shipment in enumerate(shipments):
        for header in shipment.headers:
            contents = read_artifacts(header)
            items[shipment.place].append(
                ScheduledRun(
                    of=(number, header.id),
                    flow_run=number,
                    level=header.level,
                    types=contents.types,
                    logged=contents.logged,
                    used=contents.used,
                )
            )
    return {place: Schedule(of_it) for place, of_it in items.items()}
