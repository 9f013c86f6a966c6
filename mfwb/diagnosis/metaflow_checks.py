"""Checks of Metaflow's side: the metadata provider and the datastore are really read."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

from mfwb.config import Settings
from mfwb.diagnosis.bounded_checks import BoundedChecks
from mfwb.diagnosis.check import Check, passed, skipped, warned
from mfwb.diagnosis.clock import check_clock, request_answer
from mfwb.errors import ItemLost, UsageError
from mfwb.pipeline.unmatched import notes_on_flows

if TYPE_CHECKING:
    from mfwb.snapshot.pathspec import Pathspec
    from mfwb.source.client import MetaflowSource

__all__ = ["run_metaflow_checks"]

_GROUP = "Metaflow"
_SERVICE = "service@"
_PROVIDER_ADVICE = (
    "say --metadata local@DIR or service@URL, or look at METAFLOW_SERVICE_URL, METAFLOW_PROFILE "
    "and Metaflow's config.json"
)
_DATASTORE_ADVICE = (
    "look at METAFLOW_DATASTORE_SYSROOT_*, the credentials of the cloud, and --datastore-root"
)


def run_metaflow_checks(checks: BoundedChecks, settings: Settings) -> str | None:
    """Check provider, flow runs, datastore and clock; return the provider, if it was opened.

    Args:
        checks: gets the results.
        settings: their `timeout` limits each request.
    """
    with ExitStack() as stack:
        side = _MetaflowSide(settings, stack)
        if not checks.run(_GROUP, "metadata", side.check_provider, _PROVIDER_ADVICE):
            checks.done.append(skipped(_GROUP, "datastore", "the metadata can't be read"))
        else:
            checks.run(_GROUP, "datastore", side.check_datastore, _DATASTORE_ADVICE)
        provider = side.provider or settings.metadata
        if provider and provider.startswith(_SERVICE):
            checks.run(_GROUP, "clock", side.check_clock)
        return provider


class _MetaflowSide:
    """Metaflow's client while it is checked."""

    def __init__(self, settings: Settings, stack: ExitStack) -> None:
        self._settings = settings
        self._stack = stack
        self._source: MetaflowSource | None = None
        self._flow_run: Pathspec | None = None

    @property
    def provider(self) -> str | None:
        return self._source.provider if self._source else None

    def check_provider(self) -> Iterator[Check]:
        from mfwb.source import open_source  # noqa: PLC0415 - it imports metaflow

        source = self._stack.enter_context(open_source(self._settings))
        # Not before: it imports metaflow, and opening tells of settings that prevent that.
        from mfwb.source.sample import find_flow_run  # noqa: PLC0415

        self._source = source
        began = time.monotonic()
        flows = source.flows()
        took = f"{1000 * (time.monotonic() - began):,.0f} ms"
        self._flow_run = find_flow_run(source)
        scope = "" if self._settings.namespace is None else f" in {self._settings.namespace}"
        if self._flow_run is None:
            yield warned(
                _GROUP,
                "metadata",
                f"{source.provider} answers, and has no flow run{scope} ({took})",
                "check that this is where the flows ran",
            )
            return
        for note in notes_on_flows(self._settings.flow, flows):
            yield warned("Settings", "tables", note, "look at the names of flows in the settings")
        number = f"{len(flows):,} flow{'' if len(flows) == 1 else 's'}"
        yield passed(
            _GROUP,
            "metadata",
            f"{source.provider} has {number}{scope}, {self._flow_run} among the runs ({took})",
        )

    def check_datastore(self) -> Iterator[Check]:
        from mfwb.source.sample import probe_roots, read_sample  # noqa: PLC0415 - as above

        source = self._source
        if source is None:
            raise UsageError("the metadata can't be read")
        try:
            sample = read_sample(source, self._flow_run) if self._flow_run else None
        except ItemLost as error:
            yield warned(
                _GROUP,
                "datastore",
                f"it answers, but no artifact of {self._flow_run} can be read: {error}",
                "look whether somebody removed or moved them; a sync counts each as a loss",
            )
            return
        if sample is not None:
            yield passed(
                _GROUP,
                "datastore",
                f"{sample.datastore.type} at {sample.datastore.root}: read {sample.artifact}",
            )
            return
        datastores = probe_roots(source)
        names = ", ".join(f"{datastore.type} at {datastore.root}" for datastore in datastores)
        if names:
            text = f"{names} can be read; there is no artifact yet to read"
            yield passed(_GROUP, "datastore", text)
        else:
            yield skipped(_GROUP, "datastore", "none is configured, and no artifact names one")

    def check_clock(self) -> Check:
        url = (self.provider or self._settings.metadata or "").removeprefix(_SERVICE)
        answer = request_answer(f"{url.rstrip('/')}/ping", self._settings.timeout)
        return check_clock(_GROUP, "the metadata service", answer)
