"""Contents of one flow run: bytes of artifacts, logs and cards."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from metaflow import Task as MetaflowTask
from metaflow.exception import MetaflowException

from mfwb.errors import ItemLost, SourceError
from mfwb.files.allowed_files import AllowedFiles
from mfwb.planning import Content
from mfwb.ports import BlobLocation, CheckpointFile, CodeFile, ExcludedCode, LogLine
from mfwb.snapshot import Card, Datastore, FlowRun
from mfwb.snapshot.checkpoints import StoredReference
from mfwb.source.cards import CardFolder, copy_card
from mfwb.source.checkpoints import find_datastore, locate_files, read_files
from mfwb.source.code_files import read_code_files
from mfwb.source.datastore import internal_artifacts
from mfwb.source.datastore.flow_store import FlowStore, open_store
from mfwb.source.datastore.recent_blobs import RecentBlobs
from mfwb.source.include_files import check_content, copy_content
from mfwb.source.logs import measure_small_log, read_log
from mfwb.source.own_folder import find_own_folder
from mfwb.source.tarball import TarballError

__all__ = ["FlowRunContents"]

_MAX_ORIGINS = 20
"""Tasks; anybody who can write metadata can make a cycle of clones."""

_DESCRIPTOR = 16_000
"""Bytes of an IncludeFile's descriptor; Metaflow's have some hundred."""


class FlowRunContents:
    """Reads contents of the snapshot's references on demand. Safe to use from several threads."""

    def __init__(
        self,
        flow_run: FlowRun,
        linked_folders: tuple[Path, ...] = (),
        card_roots: Mapping[str, str] = MappingProxyType({}),
        admit: Callable[[Datastore, str], Datastore] | None = None,
        recent: RecentBlobs | None = None,
    ) -> None:
        """Prepare reading the contents of a flow run.

        Args:
            flow_run: the flow run.
            linked_folders: folders of the user; links in the datastore may lead into them.
            card_roots: folders or URLs of the user's cards, by type of datastore.
            admit: returns a datastore of a task that the user allows; SourceError. None: no
                datastore is allowed but those of the tasks.
            recent: blobs of the flow run that were read before; None: none were.
        """
        self._linked_folders = linked_folders
        self._card_roots = card_roots
        self._admit = admit
        self.own_folder = find_own_folder(flow_run)
        self._flow = flow_run.flow
        self._tasks = {task.pathspec: task for task in flow_run.tasks}
        self._packages = {package.sha1: package for package in flow_run.code_packages}
        self._origins: dict[str, tuple[str, ...]] = {}
        self._recent = RecentBlobs() if recent is None else recent
        self._default = next(
            (task.datastore for task in flow_run.tasks if task.datastore is not None), None
        )

    def load(self, contents: Sequence[Content]) -> Mapping[str, bytes]:
        """Return the checked bytes of small artifacts by sha1, without those that can't be read."""
        by_datastore: dict[Datastore, dict[str, int]] = defaultdict(dict)
        for content in contents:
            datastore = self._datastore(content.task)
            if datastore is not None:
                by_datastore[datastore][content.sha1] = content.size
        return {
            sha: data
            for datastore, sizes in by_datastore.items()
            for sha, data in open_store(datastore, self._flow, self._linked_folders).read(
                sorted(sizes), sizes, recent=self._recent
            )
            if not isinstance(data, ItemLost)
        }

    def head(self, content: Content, size: int) -> bytes:
        """Return the first bytes of an artifact, unchecked; ItemLost if they can't be read."""
        return self._store(content.task).head(content.sha1, size)

    def copy(self, content: Content, path: Path) -> str:
        """Stream the checked bytes of an artifact into a file, and return their md5 in base64.

        ItemLost if they can't be read.
        """
        store = self._store(content.task)
        return store.copy(content.sha1, content.size, path, recent=self._recent)

    def locate(self, content: Content) -> BlobLocation | None:
        """Return the location of an artifact's bytes, without reading them.

        None if other machines can't follow a reference to them. ItemLost if they are gone;
        SourceError if the datastore does not answer.
        """
        return self._store(content.task).locate(content.sha1)

    def copy_included(
        self, content: Content, path: Path, *, allowed: AllowedFiles, limit: int | None
    ) -> str:
        """Write the content of an IncludeFile into a file, and return its md5 in base64.

        Args:
            content: the IncludeFile; its size is that of the file, not of the descriptor.
            path: the file to write.
            allowed: files of this machine that may be sent, if it lies outside the datastore.
            limit: largest allowed number of bytes; None: the recorded size.

        Raises:
            ItemLost: if it can't be read, or is too large.
            SourceError: if the datastore does not answer.
        """
        return copy_content(
            self._included(content),
            self._flow,
            self._datastore(content.task),
            path,
            linked_folders=self._linked_folders,
            allowed=allowed,
            limit=limit,
        )

    def check_included(self, content: Content, *, allowed: AllowedFiles, limit: int | None) -> None:
        """Raise ItemLost if `copy_included` would, as far as the first bytes show it."""
        check_content(
            self._included(content),
            self._flow,
            self._datastore(content.task),
            linked_folders=self._linked_folders,
            allowed=allowed,
            limit=limit,
        )

    def _included(self, content: Content) -> internal_artifacts.Included:
        """Return the descriptor of an IncludeFile; ItemLost."""
        [(_, descriptor)] = self._store(content.task).read(
            [content.sha1], {content.sha1: _DESCRIPTOR}
        )
        if isinstance(descriptor, ItemLost):
            raise descriptor
        included = internal_artifacts.to_included(internal_artifacts.decode(descriptor))
        if included is None:
            raise ItemLost("its descriptor in Metaflow's datastore is damaged")
        return included

    def checkpoint_files(self, task: str, reference: StoredReference) -> Iterator[CheckpointFile]:
        """Yield the files of a checkpoint or model that an artifact of a task refers to.

        ItemLost if they are gone, or not as recorded, which may be known only after the last one.
        """
        return read_files(self._checkpoint_store(task, reference), self._flow, reference)

    def locate_checkpoint(
        self, task: str, reference: StoredReference
    ) -> list[tuple[str, BlobLocation]] | None:
        """Return name and location of each of these files, or None; errors as of `locate`."""
        return locate_files(self._checkpoint_store(task, reference), self._flow, reference)

    def _checkpoint_store(self, task: str, reference: StoredReference) -> FlowStore:
        datastore = self._datastore(task)
        if datastore is None:
            raise ItemLost("Metaflow did not record where its bytes are")

        def admit(recorded: Datastore) -> Datastore:
            if self._admit is None:
                raise SourceError(f"it is in another datastore: {recorded.root}")
            return self._admit(recorded, task)

        stored_in = find_datastore(reference, datastore, admit)
        return open_store(stored_in, self._flow, self._linked_folders)

    def read_code(
        self, content: Content, packed: Path, keep: Callable[[CodeFile], None]
    ) -> ExcludedCode:
        """Call `keep` with each of the user's files in a code package, and return what is excluded.

        Args:
            content: the package.
            packed: where the package is kept until it is read.
            keep: reads a file.

        Raises:
            ItemLost: if the package can't be read.
            SourceError: if the datastore does not answer.
        """
        package, datastore = self._packages[content.sha1], self._datastore(content.task)
        if datastore is None or datastore.type != package.ds_type:
            raise ItemLost(f"it is in another datastore ({package.ds_type}) than the artifacts")
        if package.archive_format != "tgz":
            raise ItemLost(f"it is not a gzipped tar but {package.archive_format!r}")
        try:
            self._store(content.task).copy(content.sha1, 0, packed)
            with packed.open("rb") as file:
                return read_code_files(file, keep)
        except TarballError as error:
            raise ItemLost(str(error)) from None
        finally:
            packed.unlink(missing_ok=True)

    def log(self, task: str, *, max_bytes: int) -> Iterable[LogLine]:
        """Return the log of a task, by time; SourceError if the datastore does not answer.

        Args:
            task: its pathspec.
            max_bytes: to read at most; a line in the log says how many bytes are left out.
        """
        location = self._log_of(task)
        return [] if location is None else read_log(*location, max_bytes=max_bytes)

    def small_log_size(self, task: str, *, max_bytes: int) -> int | None:
        """Return the bytes of a task's log; None if `log` may leave out something of it."""
        location = self._log_of(task)
        return 0 if location is None else measure_small_log(*location, max_bytes=max_bytes)

    def _log_of(self, task: str) -> tuple[FlowStore, str] | None:
        """Return where a task's log is: the store, and the attempt. None: it never began."""
        datastore, attempts = self._tasks[task].datastore, self._tasks[task].attempts
        if datastore is None or not attempts:
            return None
        store = open_store(datastore, self._flow, self._linked_folders)
        return store, f"{task}/{attempts[-1].number}"

    def copy_card(self, task: str, card: Card, path: Path) -> None:
        """Write a card's HTML into a file; ItemLost if it can't be read."""
        copy_card(self._card_folders(task), self.with_origins(task), card, path)

    def _card_folders(self, task: str) -> Iterator[CardFolder]:
        """Yield the folders that may have the cards of a task, the most likely first.

        Metaflow writes them to the datastore; or to the configured root for cards; or, with a
        local datastore in another folder, to `.metaflow` where the flow ran, which is not recorded.
        """
        store = self._store(task)
        yield from (CardFolder(store, folder) for folder in ("mf.cards/", ""))
        kind = (self._datastore(task) or Datastore("", "")).type
        if (root := self._card_roots.get(kind)) and (kind != "local" or Path(root).is_dir()):
            yield CardFolder(
                open_store(Datastore(kind, root), self._flow, self._linked_folders), ""
            )
        if kind == "local":
            for folder in self._linked_folders:
                for part in ("mf.cards/", ".metaflow/mf.cards/"):
                    if (folder / part).is_dir():  # it may be a link that others made
                        datastore = Datastore(kind, str(folder))
                        yield CardFolder(
                            open_store(datastore, self._flow, self._linked_folders), part
                        )

    def with_origins(self, task: str) -> tuple[str, ...]:
        """Return a task and all its origins, if it is a clone."""
        if task not in self._origins:
            self._origins[task] = tuple(self._walk_origins(task))
        return self._origins[task]

    def _walk_origins(self, task: str) -> Iterator[str]:
        task_facts = self._tasks.get(task)
        origin = task_facts.origin if task_facts is not None else None
        seen = {task}
        yield task
        while origin is not None and origin not in seen and len(seen) < _MAX_ORIGINS:
            seen.add(origin)
            yield origin
            try:
                origin = MetaflowTask(origin).origin_pathspec
            except (MetaflowException, OSError, LookupError, TypeError, ValueError):
                return  # the origin is gone, in another namespace, or damaged

    def _datastore(self, task: str) -> Datastore | None:
        task_facts = self._tasks.get(task)
        return task_facts.datastore if task_facts is not None else self._default

    def _store(self, task: str) -> FlowStore:
        datastore = self._datastore(task)
        if datastore is None:
            raise ItemLost("Metaflow did not record where its bytes are")
        return open_store(datastore, self._flow, self._linked_folders)
