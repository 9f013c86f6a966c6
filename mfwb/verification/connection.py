"""Where a verification reads W&B: a server, with the credentials of a sync, or a bundle."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from mfwb.config import Settings
from mfwb.destination import Destinations, bundle_of, entity_and_project, read_defaults
from mfwb.errors import UsageError
from mfwb.ports import Progress
from mfwb.verification.recorded import Recorded

__all__ = ["RecordedProjects", "open_recorded"]


class RecordedProjects:
    """The W&B projects of a call. Safe to use from several threads."""

    def __init__(
        self,
        resolve: Callable[[str], tuple[str | None, str]],
        open_project: Callable[[str | None, str], Recorded],
        *,
        is_local: bool = False,
    ) -> None:
        """Nothing is read yet.

        Args:
            resolve: returns entity and project of a flow.
            open_project: returns what reads a project for one flow run; it is called in threads.
            is_local: whether it is on this machine: there is nothing to wait for.
        """
        self.is_local = is_local
        self._resolve = resolve
        self._open_project = open_project

    def destination(self, flow: str) -> tuple[str | None, str]:
        """Return entity and project of a flow; UsageError, Unreachable."""
        return self._resolve(flow)

    def of(self, flow: str) -> Recorded:
        """Return what reads the W&B project of a flow for one flow run; UsageError, Unreachable."""
        return self._open_project(*self._resolve(flow))


@contextmanager
def open_recorded(
    settings: Settings, progress: Progress | None = None
) -> Iterator[RecordedProjects]:
    """Yield the W&B projects that a sync with these settings writes to.

    Args:
        settings: of this call.
        progress: is notified while W&B does not answer; None: nothing is.

    Raises:
        UsageError: for settings that W&B refuses, or a folder without a bundle.
        Unreachable: W&B can't be reached, or refuses the credentials.
    """
    bundle = bundle_of(settings, read_defaults())
    if bundle is not None:
        yield _bundled(settings, bundle)
        return
    from mfwb.sink.setup.credentials import (  # noqa: PLC0415 - only for a server
        check_wandb_file,
        entity_query,
        restrict_api_key,
    )
    from mfwb.sink.setup.environment import replay_environment  # noqa: PLC0415 - the same

    check_wandb_file()
    with restrict_api_key(settings) as no_key_reason, replay_environment(settings.timeout):
        from mfwb.sink.client.process_wide import altered_wandb, without_debug_logs  # noqa: PLC0415 - it imports wandb

        with altered_wandb():
            from mfwb.sink.setup.run_settings import check_wandb_settings  # noqa: PLC0415 - wandb
            from mfwb.sink.setup.sdk_settings import query_defaults  # noqa: PLC0415 - the same

            defaults = query_defaults(settings.timeout)
            check_wandb_settings(settings)
            destinations = Destinations(
                settings, defaults, entity_query(settings, no_key_reason, progress), may_ask=True
            )
            with without_debug_logs():
                yield _online(settings, destinations, progress)


def _online(
    settings: Settings, destinations: Destinations, progress: Progress | None
) -> RecordedProjects:
    from mfwb.sink.client.api import ApiClient  # noqa: PLC0415 - it imports wandb
    from mfwb.sink.client.retry_budget import RetryBudget  # noqa: PLC0415 - the same
    from mfwb.verification.recorded_online import OnlineProject, ProjectCache  # noqa: PLC0415 - the same

    retry_budget = RetryBudget(settings.timeout, progress=progress)
    client = ApiClient(destinations.base_url, retry_budget)
    destinations.viewer_entity()  # bad credentials end the call, and not each flow run

    def resolve(flow: str) -> tuple[str | None, str]:
        destination = destinations.of(flow)
        return destination.entity, destination.project

    caches: defaultdict[tuple[str | None, str], ProjectCache] = defaultdict(ProjectCache)

    def open_project(entity: str | None, project: str) -> Recorded:
        known = caches[entity, project]
        return OnlineProject(
            client, entity or "", project, workers=settings.request_workers, cache=known
        )

    return RecordedProjects(resolve, open_project)


def _bundled(settings: Settings, bundle: Path) -> RecordedProjects:
    if not bundle.is_dir():
        raise UsageError(f"there is no bundle in {bundle}; `mfwb sync --mode offline` makes one")
    from mfwb.verification.recorded_offline import BundleProject  # noqa: PLC0415 - it imports wandb

    defaults = read_defaults()

    def resolve(flow: str) -> tuple[str | None, str]:
        return entity_and_project(flow, settings, defaults)

    @cache  # a bundle is listed once
    def open_project(entity: str | None, project: str) -> Recorded:
        return BundleProject(bundle, entity, project)

    return RecordedProjects(resolve, open_project, is_local=True)
