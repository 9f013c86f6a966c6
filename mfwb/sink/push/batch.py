"""W&B runs that are sent together: prepared, sent, looked up, and what is missing sent again."""

from __future__ import annotations

import glob
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import rmtree
from typing import TypeVar

from mfwb.errors import SinkError, SkipFlowRun, ends_the_call
from mfwb.files.tempdirs import scratch
from mfwb.ports import Progress
from mfwb.sink.push.bundle_run import RecordedArtifact, Title
from mfwb.sink.push.finalize import settle_aliases, write_run_metadata
from mfwb.sink.push.project import Project
from mfwb.sink.push.shipment import Shipment
from mfwb.sink.push.upload_files import Derivation, write_derived
from mfwb.sink.push.verify import check
from mfwb.sink.server.existing_runs import ExistingRuns
from mfwb.sink.wandb_sync.sender import Complaint, Sender
from mfwb.snapshot import Loss

__all__ = ["Batches", "Load", "look_up"]

_LOOKS = (0.0, 0.5, 2.0)  # seconds before each; a server may take a moment
_TRIES = 2

T = TypeVar("T", "Load", "_Sent")


@dataclass(frozen=True, slots=True)
class Load:
    """A W&B run that is to be pushed."""

    shipment: Shipment
    title: Title
    project: Project


@dataclass(frozen=True, slots=True)
class _Sent:
    """A W&B run that has to be sent, or was, and what it lacked when it was looked up."""

    load: Load
    what: Derivation
    lacks: str = ""
    unlogged: frozenset[tuple[str, str]] = frozenset()  # all else is there

    @property
    def shipment(self) -> Shipment:
        """The flow run that it belongs to."""
        return self.load.shipment


class Batches:
    """Sends W&B runs of one level, which don't need one another."""

    def __init__(self, sender: Sender, pool: Executor, progress: Progress) -> None:
        self._sender = sender
        self._pool = pool
        self._progress = progress

    def send(self, loads: Iterable[Load]) -> None:
        """Push W&B runs; a flow run fails if one of its own is not there in the end.

        If one only lacks artifacts, which W&B did not take, the rest of the flow run goes on.
        """
        waiting = self._each(self._prepared, loads)
        complaints: tuple[Complaint, ...] = ()
        for number in range(_TRIES):
            if number:
                waiting = self._each(_what_is_left, waiting)
            if waiting:
                waiting, complaints = self._upload(waiting)
                waiting = self._arrived(waiting)
        for one in waiting:
            with one.shipment.failing():
                if one.unlogged and all(said.path is not None for said in complaints):
                    _note_lacking(one, complaints)
                else:
                    raise _not_all_there(one, complaints)

    def _prepared(self, load: Load) -> _Sent | None:
        if load.shipment.reason:
            return None
        what = load.project.prepare(load.shipment, load.title)
        if what is None:
            self._progress.advance()
            return None
        return _Sent(load, what)

    def _upload(self, waiting: Sequence[_Sent]) -> tuple[list[_Sent], tuple[Complaint, ...]]:
        """Send what can be made ready; return that, and what W&B complained of."""
        with scratch() as folder:
            ready = [one for one in waiting if self._made_ready(one, folder)]
            size = sum(artifact.size for one in ready for artifact in one.what.run.logged)
            try:
                return ready, self._sender.send(folder, runs=len(ready), size=size)
            except SinkError as error:
                return ready, (Complaint(str(error)),)

    def _made_ready(self, one: _Sent, folder: Path) -> bool:
        made = folder / one.what.run.title.original.bundled.folder.name
        is_ready = False
        with one.shipment.failing():
            write_derived(one.what, made)
            is_ready = True
        if not is_ready:
            for half in folder.glob(f"{glob.escape(made.name)}*"):
                rmtree(half, ignore_errors=True)  # it must not be sent
        return is_ready

    def _arrived(self, waiting: list[_Sent]) -> list[_Sent]:
        """Finish what is there; return what is not."""
        for pause in _LOOKS:
            time.sleep(pause)
            still: list[_Sent] = []
            projects = {id(one.load.project): one.load.project for one in waiting}
            for project in projects.values():
                of_it = [one for one in waiting if one.load.project is project]
                look_up(project.existing, [(one.shipment, [one.load.title]) for one in of_it])
                there = (one for one in of_it if not one.shipment.reason)
                still += self._each(self._finished, there)
            waiting = still
            if not waiting:
                break
        return waiting

    def _finished(self, one: _Sent) -> _Sent | None:
        project, title = one.load.project, one.load.title
        arrival = check(one.what, project.existing)
        if arrival.lacks:
            return replace(one, lacks=arrival.lacks, unlogged=arrival.unlogged)
        losses = (*project.losses_of(one.what), *arrival.losses)
        receipt = settle_aliases(one.what, arrival, project.latest_alias, losses)
        found = project.found(title)
        project.note_there(one.what)
        if one.what.for_now:
            one.shipment.note_lacking(title, found, losses)
            self._progress.advance()
            return None
        said = write_run_metadata(project.existing, one.what.run, receipt, found, project.edit_rule)
        one.shipment.note_edits(title, said)
        one.shipment.note(title, found.id, found.url, receipt, wrote=True)
        self._progress.advance()
        return None

    def _each(self, deed: Callable[[T], _Sent | None], things: Iterable[T]) -> list[_Sent]:
        """Do something with each, several at once; return what came of it, if anything did."""
        futures = [(one, self._pool.submit(deed, one)) for one in things]
        left: list[_Sent] = []
        for one, future in futures:
            with one.shipment.failing():
                came = future.result()
                left += [] if came is None else [came]
        return left


def look_up(existing: ExistingRuns, asked: Sequence[tuple[Shipment, Sequence[Title]]]) -> None:
    """Ask for W&B runs of one project; flow runs that can't go on without an answer fail.

    If an answer about many can't be read, each flow run is asked for alone: it is one's fault.
    """
    try:
        existing.fetch(title for _, titles in asked for title in titles)
    except SkipFlowRun as error:
        for shipment, _ in asked:
            shipment.fail(error)
    except Exception as error:
        if ends_the_call(error):
            raise
        for shipment, titles in asked:
            with shipment.failing():
                existing.fetch(titles)


def _what_is_left(one: _Sent) -> _Sent:
    """Return what is to be sent of a W&B run part of which has arrived."""
    project = one.load.project
    project.forget_types(one.what)
    return replace(one, what=project.without_rows_there(project.named_anew(one.what)))


def _note_lacking(one: _Sent, complaints: Sequence[Complaint]) -> None:
    """Settle what is there of a W&B run, and note what W&B did not take."""
    project, title = one.load.project, one.load.title
    why = _complaint(one, complaints) or "W&B did not take it"
    lost = [each for each in one.what.run.logged if _is_among(each, one)]
    losses = tuple(Loss(f"{title.name}/{each.name}", why) for each in lost)
    arrival = check(one.what, project.existing)
    settle_aliases(one.what, arrival, project.latest_alias, ())
    project.note_there(one.what, one.unlogged)
    others = (*project.losses_of(one.what), *arrival.losses)
    one.shipment.note_lacking(title, project.found(title), (*losses, *others))


def _is_among(artifact: RecordedArtifact, one: _Sent) -> bool:
    return one.what.as_called(artifact).content in one.unlogged


def _not_all_there(one: _Sent, complaints: Sequence[Complaint]) -> SinkError:
    said = _complaint(one, complaints)
    why = f" ({said})" if said else ""
    return SinkError(f"W&B does not have all of {one.load.title.name}: {one.lacks}{why}")


def _complaint(one: _Sent, complaints: Sequence[Complaint]) -> str:
    """Return the first thing that W&B said of a W&B run, or of all; empty: nothing."""
    file = f"run-{one.what.id}.wandb"
    of_it = (said.text for said in complaints if said.path is None or said.path.name == file)
    return next(of_it, "")
