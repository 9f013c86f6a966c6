"""Push of flow runs, level by level: an artifact has to be logged before it is used."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from mfwb.config import Settings
from mfwb.destination import Destinations
from mfwb.planning import WandbRunId
from mfwb.ports import BundledFlowRun, Destination, Progress, PushedFlowRun
from mfwb.sink.client.api import ApiClient
from mfwb.sink.client.process_wide import altered_wandb
from mfwb.sink.client.retry_budget import RetryBudget
from mfwb.sink.content.edits import EditRule
from mfwb.sink.offline.manifest import Checksums
from mfwb.sink.push.batch import BatchSender, look_up_runs
from mfwb.sink.push.bundle_run import read_artifacts
from mfwb.sink.push.original_run import verify_files
from mfwb.sink.push.project import Project
from mfwb.sink.push.schedule import Schedule, ScheduledRun
from mfwb.sink.push.shipment import ProjectPath, Shipment, load
from mfwb.sink.server.ownership import raise_if_foreign
from mfwb.sink.setup.credentials import check_wandb_file, entity_query, restrict_api_key
from mfwb.sink.setup.environment import replay_environment
from mfwb.sink.setup.run_settings import check_wandb_settings
from mfwb.sink.setup.sdk_settings import query_defaults
from mfwb.sink.wandb_sync.sender import Sender

__all__ = ["BundlePusher", "open_pusher"]

_BATCH_SIZE = 200  # W&B runs in one `wandb sync`


@contextmanager
def open_pusher(settings: Settings, bundle: Path, progress: Progress) -> Iterator[BundlePusher]:
    """Yield the pusher of a bundle.

    Args:
        settings: of this call.
        bundle: its folder.
        progress: is notified while W&B does not answer.

    Raises:
        UsageError: if W&B does not know a setting, or a settings file is not trusted.
    """
    check_wandb_file()
    with (
        restrict_api_key(settings) as no_key,
        replay_environment(settings.timeout),
        altered_wandb(),
    ):
        check_wandb_settings(settings)
        yield BundlePusher(settings, bundle, no_key, progress)


class BundlePusher:
    """Sends the W&B runs of a bundle, and verifies that they have arrived."""

    def __init__(
        self, settings: Settings, bundle: Path, no_key: str | None, progress: Progress
    ) -> None:
        to_a_server = settings.model_copy(update={"mode": "online", "dir": None})
        self._destinations = Destinations(
            to_a_server,
            query_defaults(settings.timeout),
            entity_query(settings, no_key, progress),
            may_ask=True,
        )
        self._settings = settings
        self._bundle = bundle

    def destination(self, bundled: Destination) -> Destination:
        """Return the destination of the W&B runs that a bundle has for an entity and project."""
        return self._destinations.of_bundled(bundled)

    def push(
        self, cargo: Sequence[BundledFlowRun], *, writer: str, progress: Progress
    ) -> Iterator[PushedFlowRun]:
        """Yield the result of each flow run as soon as it is complete or has failed.

        Raises:
            Unreachable: if W&B can't be reached, or refuses the credentials.
            BundleChanged: if a file of the bundle is not what mfwb wrote; nothing was sent then.
        """
        self._destinations.viewer_entity()
        retry_budget = RetryBudget(self._settings.timeout, progress=progress)
        client = ApiClient(self._destinations.base_url, retry_budget)
        checksums = Checksums(self._bundle)
        shipments = [load(flow_run, self._bundle, checksums) for flow_run in cargo]
        for shipment in shipments:
            progress.planned(shipment.cargo.entry.flow_run, len(shipment.headers))
        with ThreadPoolExecutor(self._settings.request_workers, "mfwb-push") as pool:
            originals = [header.original for shipment in shipments for header in shipment.headers]
            verify_files(self._bundle, originals, checksums, pool)
            projects = self._projects(shipments, client, writer)
            sender = BatchSender(Sender(client), projects, pool, progress)
            work = _Push(projects, sender, shipments)
            yield from work.push(_schedules(shipments))

    def _projects(
        self, shipments: Sequence[Shipment], client: ApiClient, writer: str
    ) -> dict[ProjectPath, Project]:
        """Return the projects that flow runs are sent to."""
        return {
            path: Project(
                path,
                client,
                writer=writer,
                on_deleted=self._settings.on_deleted,
                edit_rule=EditRule(self._settings.overwrite_edits),
            )
            for path in dict.fromkeys(shipment.project_path for shipment in shipments)
        }


class _Push:
    """The push of one call."""

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

    def push(self, schedules: Mapping[ProjectPath, Schedule[_Key]]) -> Iterator[PushedFlowRun]:
        """Yield the results of flow runs, each as soon as it is known."""
        for path in self._projects:
            self._look_up([item for item in self._shipments if item.project_path == path])
        in_flight = dict(enumerate(self._shipments))
        while True:
            done = {number for number, shipment in in_flight.items() if shipment.is_done}
            for number in sorted(done):
                shipment = in_flight.pop(number)
                with shipment.catch_errors():
                    self._projects[shipment.project_path].mark_failed(shipment.missing_runs())
                yield shipment.result()
            for schedule in schedules.values():
                schedule.drop(done)
            if not self._send(schedules):
                return

    def _send(self, schedules: Mapping[ProjectPath, Schedule[_Key]]) -> bool:
        """Send all W&B runs that may be sent at once; return whether there were any."""
        taken: list[_Key] = []
        for schedule in schedules.values():
            taken += schedule.take(_BATCH_SIZE - len(taken))
        if not taken:
            return False
        # The newest is sent first, so that `latest` need not move from version to version.
        self._batches.send([self._runs[key] for key in reversed(taken)])
        arrived = [key for key in taken if self._runs[key][0].has(key[1])]
        for schedule in schedules.values():
            schedule.complete(arrived)
        return True

    def _look_up(self, shipments: Sequence[Shipment]) -> None:
        """Look up all W&B runs of one project; a flow run fails if one is of another source."""
        existing = self._projects[shipments[0].project_path].existing
        look_up_runs(existing, [(shipment, shipment.headers) for shipment in shipments])
        for shipment in shipments:
            with shipment.catch_errors():
                for header in shipment.headers:
                    raise_if_foreign(existing.get(header.id), header, header.source)


_Key = tuple[int, WandbRunId]
"""Identifies a W&B run: the position of its flow run, and its id in the bundle."""


def _schedules(shipments: Sequence[Shipment]) -> dict[ProjectPath, Schedule[_Key]]:
    """Return the schedule of each project; BundleChanged.

    This reads all records, so that nothing is sent if one record is not as mfwb writes it.
    """
    runs: dict[ProjectPath, list[ScheduledRun[_Key]]] = defaultdict(list)
    for number, shipment in enumerate(shipments):
        for header in shipment.headers:
            artifacts = read_artifacts(header)
            runs[shipment.project_path].append(
                ScheduledRun(
                    key=(number, header.id),
                    flow_run=number,
                    level=header.level,
                    types=artifacts.types,
                    logged=artifacts.logged,
                    used=artifacts.used,
                )
            )
    return {path: Schedule(group) for path, group in runs.items()}
