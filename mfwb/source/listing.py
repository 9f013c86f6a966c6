"""Lists flows and flow runs. Damaged flow runs are listed, too, so that each fails by itself.

Metaflow's client lists all or nothing: one record that is not JSON, or lacks a field, ends the
listing of its flow. So the records are read from the metadata provider one by one; of a local
provider, from its folders: `<root>/<flow>/<run>/_meta/_self.json`, seen in Metaflow 2.19.39.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from metaflow import Flow, Metaflow

from mfwb.errors import NotFound, SourceError
from mfwb.ports import ListedFlowRun
from mfwb.snapshot.identifiers import is_flow_name, is_run_id
from mfwb.snapshot.pathspec import Pathspec, moment_of_id
from mfwb.source.client_errors import client_errors
from mfwb.source.json_records import RunRecord, validate
from mfwb.source.local_provider import read_record
from mfwb.source.start_time import started_at
from mfwb.source.typed_values import DamagedError

__all__ = ["ClientListing", "Listing", "LocalListing", "UnnamedRun"]

_RECORD = "_meta/_self.json"
_INVALID_CHARACTERS = re.compile(r"[^A-Za-z0-9_.:\-]")
_NAME_LIMIT = 100
_MAX_FOLDERS = 2_000_000  # folders beside one another


@dataclass(frozen=True, slots=True)
class UnnamedRun:
    """A listed flow run whose name is not valid for a flow run."""

    pathspec: Pathspec  # a valid name, similar to its own
    reason: str


Listing = Iterator[ListedFlowRun | UnnamedRun]


class LocalListing:
    """Lists the folders of local metadata.

    Args:
        provider: `local@DIR`, with an absolute folder.
        namespace: Metaflow's; None: all.
        linked_folders: folders that links may lead to.
    """

    def __init__(
        self, provider: str, namespace: str | None, linked_folders: tuple[Path, ...]
    ) -> None:
        self._provider = provider
        self._namespace = namespace
        self._linked_folders = linked_folders
        self._root = Path(provider.removeprefix("local@")) / ".metaflow"

    def flows(self) -> list[str]:
        """Return the names of all flows that have a run in the namespace; SourceError."""
        flows = [
            name for name in self._list_folders("") if is_flow_name(name) and self._has_record(name)
        ]
        if self._namespace is None:
            return flows
        return [name for name in flows if any(True for _ in self.runs(name))]

    def runs(self, flow: str) -> Listing:
        """Yield the runs of a flow; NotFound, SourceError."""
        if not is_flow_name(flow) or not self._has_record(flow):
            raise NotFound(f"there is no {flow} in {self._provider}")
        for name in self._list_folders(flow):
            try:
                flow_run = self._read_run(flow, name)
            except FileNotFoundError:  # not a flow run: a folder of artifacts, for example
                continue
            except (OSError, ValueError) as error:
                if self._namespace is None:  # else its namespace can't be known
                    yield _to_damaged(flow, name, self._estimate_start(flow, name), str(error))
                continue
            if self._namespace in {None, *flow_run.tags, *flow_run.system_tags}:
                yield flow_run

    def _read_run(self, flow: str, name: str) -> ListedFlowRun:
        path = f"{flow}/{name}/{_RECORD}"
        try:
            record = validate(RunRecord, read_record(self._root, path, self._linked_folders))
        except NotADirectoryError:
            raise FileNotFoundError(path) from None
        if not is_run_id(name):
            raise DamagedError("no flow run has such a name")
        return _to_listed(flow, name, record, self._provider)

    def _list_folders(self, flow: str) -> list[str]:
        """Return the names of folders that may be flows or flow runs, sorted."""
        names = []
        try:
            with os.scandir(self._root / flow) as entries:
                for entry in entries:
                    if entry.name[0] != "." and (entry.is_dir() or entry.is_symlink()):
                        names.append(entry.name)
                    if len(names) > _MAX_FOLDERS:
                        raise SourceError(
                            f"{self._root / flow} has more than {_MAX_FOLDERS:,} folders"
                        )
        except OSError as error:
            raise SourceError(f"{flow or 'the list of flows'} can't be read: {error}") from error
        return sorted(names)

    def _has_record(self, flow: str) -> bool:
        """Return whether there is a flow of that name; SourceError if this user may not look."""
        path = self._root / flow / _RECORD
        try:
            return stat.S_ISREG(path.stat().st_mode)
        except PermissionError as error:
            raise SourceError(_refusal(flow, error)) from None
        except OSError:
            return False

    def check_access(self, flow_run: Pathspec) -> None:
        """Raise SourceError if this user may not read the folder or the record of a flow run.

        For Metaflow's client, all that it may not read does not exist.
        """
        folder = self._root / flow_run.flow / str(flow_run.run)
        for path in (self._root, folder.parent, folder, folder / _RECORD):
            error = _find_refusal(path)
            if error is not None:
                raise SourceError(_refusal(flow_run, error))

    def _estimate_start(self, flow: str, name: str) -> int:
        """Return the approximate start of a flow run whose record can't be read."""
        moment = moment_of_id(name)
        if moment is not None:
            return moment
        try:
            return (self._root / flow / name).lstat().st_mtime_ns // 1_000_000
        except OSError:
            return 0


class ClientListing:
    """Lists flow runs of a metadata service.

    Args:
        provider: `service@URL`.
        namespace: Metaflow's, which is also set in the client; None: all.
    """

    def __init__(self, provider: str, namespace: str | None) -> None:
        self._provider = provider
        self._namespace = namespace

    def flows(self) -> list[str]:
        """Return the names of all flows that have a run in the namespace; SourceError."""
        with client_errors("the list of flows", self._provider):
            return sorted(flow.id for flow in Metaflow() if is_flow_name(flow.id))

    def runs(self, flow: str) -> Listing:
        """Yield the runs of a flow, each once; NotFound, SourceError, Unreachable."""
        runs = {(type(run), run.pathspec): run for run in self._runs(flow)}
        yield from runs.values()

    def _runs(self, flow: str) -> Listing:
        for record in self._read_records(flow):
            name = str(record["run_number"]) if _has_number(record) else "unnamed"
            try:
                if not is_run_id(name):
                    raise DamagedError("no flow run has such a name")
                yield _to_listed(flow, name, validate(RunRecord, record), self._provider)
            except ValueError as error:
                yield _to_damaged(flow, name if _has_number(record) else "", 0, str(error))

    def check_access(self, flow_run: Pathspec) -> None:
        """Do nothing: a service says itself what this user may not read."""

    def _read_records(self, flow: str) -> list[Any]:
        filters = {"any_tags": self._namespace} if self._namespace else {}
        with client_errors(flow, self._provider):
            metadata = Flow(flow)._metaflow.metadata  # noqa: SLF001 - see the module docstring
            runs = metadata.get_object("flow", "run", filters, None, flow)
            return list(runs or ())


def _find_refusal(path: Path) -> PermissionError | None:
    """Return the error if this user may not read a file or a folder."""
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
    except PermissionError as error:
        return error
    except OSError:
        pass
    return None


def _refusal(requested: object, error: OSError) -> str:
    return f"{requested} can't be read by this user: {error.strerror}: {error.filename}"


def _has_number(record: Any) -> bool:
    return isinstance(record, dict) and type(record.get("run_number")) in {int, str}


def _to_listed(flow: str, name: str, record: RunRecord, provider: str) -> ListedFlowRun:
    return ListedFlowRun(
        pathspec=Pathspec(flow, name),
        started_at=started_at(name, record, provider),
        tags=_shared(tuple(sorted({*(record.tags or ())}))),
        system_tags=_shared(tuple(sorted({*(record.system_tags or ())}))),
    )


@lru_cache(1024)
def _shared(tags: tuple[str, ...]) -> tuple[str, ...]:
    """Return tags that are equal to these; thousands of flow runs share a few in memory."""
    return tags


def _to_damaged(flow: str, name: str, moment: int, reason: str) -> ListedFlowRun | UnnamedRun:
    """Return the list entry of a flow run that can't be read; reading it raises the reason."""
    if is_run_id(name):
        return ListedFlowRun(Pathspec(flow, name), moment, ())
    similar = _INVALID_CHARACTERS.sub("_", name)[:_NAME_LIMIT].strip(".") or "_"
    label = f"{flow}/{name!a:.200}" if name else f"a run of {flow} without a number"
    return UnnamedRun(Pathspec(flow, similar), f"{label} can't be read: {reason}")
