"""The bytes of one flow run, and what its tasks printed and rendered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path

from metaflow import Run as MetaflowRun
from metaflow import Task as MetaflowTask
from metaflow.cards import get_cards
from metaflow.exception import MetaflowException
from metaflow.plugins.cards.exception import CardNotPresentException

from mfwb import pickles
from mfwb.errors import ItemLost, SourceError
from mfwb.planning import Content
from mfwb.ports import Located, LogLine
from mfwb.snapshot import Card, Datastore, FlowRun
from mfwb.source import internals
from mfwb.source.datastore import FlowStore, open_store

__all__ = ["FlowRunContents"]

_INCLUDED = "metaflow.includefile.IncludedFile"
_STREAMS = ("stdout", "stderr")


class FlowRunContents:
    """Reads on demand what the snapshot only refers to. Safe to use from several threads."""

    def __init__(self, flow_run: FlowRun, also: tuple[Path, ...] = ()) -> None:
        """Read what a flow run refers to; links in its datastore may lead to other folders, too."""
        self._also = also
        self._flow = flow_run.flow
        self._tasks = {task.pathspec: task for task in flow_run.tasks}
        self._default = next(
            (task.datastore for task in flow_run.tasks if task.datastore is not None), None
        )

    def load(self, contents: Sequence[Content]) -> Mapping[str, bytes]:
        """Return the bytes of small artifacts by sha1, checked; what can't be had is missing."""
        by_datastore: dict[Datastore, dict[str, int]] = defaultdict(dict)
        for content in contents:
            datastore = self._datastore(content.task)
            if datastore is not None:
                by_datastore[datastore][content.sha1] = content.size
        return {
            sha: data
            for datastore, sizes in by_datastore.items()
            for sha, data in open_store(datastore, self._flow, self._also).read(
                sorted(sizes), sizes
            )
            if not isinstance(data, ItemLost)
        }

    def head(self, content: Content, size: int) -> bytes:
        """Return the first bytes of an artifact, unchecked; ItemLost if they can't be had."""
        return self._store(content.task).head(content.sha1, size)

    def copy(self, content: Content, path: Path) -> str:
        """Stream an artifact's bytes, checked, into a file, and return their md5 in base64.

        ItemLost if they can't be had.
        """
        return self._store(content.task).copy(content.sha1, content.size, path)

    def locate(self, content: Content) -> Located | None:
        """Return where an artifact's bytes lie, without reading them.

        None if nobody else could follow a reference to them. ItemLost if they are gone;
        SourceError if the datastore does not answer.
        """
        return self._store(content.task).locate(content.sha1)

    def copy_included(self, content: Content, path: Path) -> None:
        """Write what an IncludeFile holds into a file; ItemLost if it can't be had.

        Metaflow's client follows the descriptor, for which it unpickles it: so what the
        descriptor's pickle refers to is looked at before.
        """
        stored = self.load([content]).get(content.sha1)
        descriptor = internals.to_included(internals.decode(stored))
        if stored is None or descriptor is None or pickles.names_in(stored) != (_INCLUDED,):
            raise ItemLost("its descriptor in Metaflow's datastore is damaged")
        encoding = str(descriptor.get("encoding") or "utf-8")
        try:
            data = _parameters_task(content.task)[content.name].data
        except FileNotFoundError:  # Metaflow's clear word
            raise ItemLost("the file is gone from Metaflow's datastore") from None
        except (MetaflowException, OSError) as error:
            raise SourceError(f"the file of {content.name} can't be read: {error}") from error
        path.write_bytes(data if isinstance(data, bytes) else str(data).encode(encoding))

    def log(self, task: str) -> Iterable[LogLine]:
        """Return what a task printed, by time; SourceError if the datastore does not answer."""
        datastore, attempts = self._tasks[task].datastore, self._tasks[task].attempts
        if datastore is None or not attempts:
            return []  # a task that never began printed nothing
        facts = {
            "ds-type": datastore.type,
            "ds-root": datastore.root,
            "attempt": str(attempts[-1].number),
        }
        try:
            client = MetaflowTask(task)
            lines = [
                LogLine(stream, _epoch_ms(moment), text)
                for stream in _STREAMS
                for moment, text in client.loglines(stream, meta_dict=facts)
                if text or moment
            ]
        except (MetaflowException, OSError) as error:
            raise SourceError(f"the log of {task} can't be read: {error}") from error
        return sorted(lines, key=lambda line: line.time or 0)

    def card(self, task: str, card: Card) -> str:
        """Return a card's HTML; ItemLost if it can't be had."""
        try:
            found = list(get_cards(MetaflowTask(task), type=card.type))
            matching = [one for one in found if card.id is None or one.id == card.id]
            html: str | None = matching[-1].get() if matching else None
        except CardNotPresentException:
            html = None
        except (MetaflowException, OSError) as error:
            raise SourceError(f"a card of {task} can't be read: {error}") from error
        if html is None:
            raise ItemLost("the card is gone from Metaflow's datastore")
        return html

    def _datastore(self, task: str) -> Datastore | None:
        known = self._tasks.get(task)
        return known.datastore if known is not None else self._default

    def _store(self, task: str) -> FlowStore:
        datastore = self._datastore(task)
        if datastore is None:
            raise ItemLost("Metaflow did not record where its bytes are")
        return open_store(datastore, self._flow, self._also)


def _parameters_task(pathspec: str) -> MetaflowTask:
    """Return the task of `Flow/123/_parameters`, whose id is not written down anywhere."""
    return MetaflowRun(pathspec.rsplit("/", 1)[0])["_parameters"].task


def _epoch_ms(moment: datetime | None) -> int | None:
    """Return epoch ms of what Metaflow says in UTC without saying so."""
    if moment is None:
        return None
    return int(moment.replace(tzinfo=timezone.utc).timestamp() * 1000)
