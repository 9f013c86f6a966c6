"""What is in W&B already. A query that fails is an error, never "not there"."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Any, Protocol, TypeVar

import wandb

from mfwb.planning import WandbRunId
from mfwb.sink.client.api import Service
from mfwb.sink.content.receipt import Receipt, parse_receipt
from mfwb.sink.content.run_content import MARKER
from mfwb.sink.history.read_rows import History, read_histories
from mfwb.sink.server.run_files import RunParts, has_all_files, query_run_parts
from mfwb.sink.server.run_generations import generation_of, id_in_generation

__all__ = ["ExistingRun", "ExistingRuns"]

_IDS_PER_QUERY = 800
_PER_PAGE = 1000
_GENERATIONS = 4  # that are asked for at once
_NO_PROJECT = "Could not find project"
_CLOSED = frozenset({"finished", "failed", "crashed", "killed"})
_ENDED_BY_US = frozenset({"finished", "failed"})

T = TypeVar("T")


class Identified(Protocol):
    """Whatever goes by an id that a plan gave it."""

    @property
    def id(self) -> WandbRunId:
        """As planned."""
        ...


@dataclass(frozen=True, slots=True)
class ExistingRun:
    """A W&B run that was found under a planned id, or a later generation of it.

    Attributes:
        id: under which it was found.
        state: as W&B says.
        source: the flow run it stands for, as mfwb wrote it; None: mfwb did not.
        writer: the ledger of the sync that wrote it; empty if that is not known.
        fingerprint: of the plan that it was written for last, as its config says.
        uses: ids of the artifact versions that it uses, if it is sent.
        sent: by which sync it was sent that has not yet marked it as complete.
        complete: fingerprint of the plan that was carried out whole.
        receipt: what was written, if it is complete.
        rows: how many rows its history has.
        sign_of_life: changes as long as somebody writes.
        is_empty: nobody has said anything in it yet.
        handle: of W&B's public Api; of no use any more once wandb-core was started again.
        life: of wandb-core, in which the handle is of use.
    """

    id: WandbRunId
    name: str
    group: str
    job_type: str
    state: str
    source: Any
    writer: str
    fingerprint: str
    sent: str | None
    complete: str | None
    receipt: Receipt | None
    url: str
    rows: int
    sign_of_life: tuple[str, ...]
    is_empty: bool
    handle: Any
    life: int
    uses: frozenset[str] = frozenset()

    @property
    def is_open(self) -> bool:
        """Whether somebody may be writing it."""
        return self.state not in _CLOSED


class ExistingRuns:
    """The W&B runs of one project."""

    def __init__(self, service: Service, entity: str, project: str) -> None:
        self._service = service
        self._entity = entity
        self._project = project
        self.path = f"{entity}/{project}"
        self._found: dict[WandbRunId, ExistingRun] = {}

    def look(self, runs: Iterable[Identified]) -> None:
        """Ask for planned W&B runs in all their generations, hundreds at once; SinkError."""
        wanted = {run.id: 0 for run in runs}
        first = 0
        while wanted:
            ids = {
                id_in_generation(run_id, first + number): run_id
                for run_id in wanted
                for number in range(_GENERATIONS)
            }
            newest = dict.fromkeys(wanted)
            for chunk in _chunks(ids, _IDS_PER_QUERY):
                for found in self._ask({"name": {"$in": chunk}}, self.path):
                    run_id = ids[found.id]
                    newest[run_id] = max(newest[run_id], found, key=_by_generation)
            for run_id, one in newest.items():
                if one is not None or not first:
                    self._found.pop(run_id, None)
                if one is not None:
                    self._found[run_id] = one
            last = first + _GENERATIONS - 1
            wanted = {
                run_id: 0
                for run_id, one in newest.items()
                if one is not None and one.id == id_in_generation(run_id, last)
            }
            first += _GENERATIONS

    def get(self, run_id: WandbRunId) -> ExistingRun | None:
        """Return what is there of a planned W&B run, or None if nothing is."""
        return self._found.get(run_id)

    def take(self, found: Mapping[WandbRunId, ExistingRun]) -> None:
        """Believe what somebody else found, by planned id."""
        self._found.update(found)

    def of_groups(self, groups: Sequence[str]) -> Iterator[ExistingRun]:
        """Yield the W&B runs of some groups, hundreds with each request; SinkError."""
        return self._ask({"group": {"$in": list(groups)}}, self.path)

    def of_mfwb(self) -> Iterator[ExistingRun]:
        """Yield all W&B runs that mfwb wrote, oldest first; SinkError."""
        found = self._ask({f"config.{MARKER}.value.version": {"$ne": None}}, self.path)
        return (one for one in found if one.source is not None)

    def histories(self, run_ids: Iterable[WandbRunId]) -> dict[WandbRunId, History]:
        """Return all rows of planned W&B runs that are there; SinkError."""
        ids = {found.id: run_id for run_id in run_ids if (found := self._found.get(run_id))}
        if not ids:
            return {}
        there = self._service.ask(
            self.path,
            lambda api: read_histories(api, self._entity, self._project, list(ids)),
            f"read the history of runs of {self.path}",
        )
        return {ids[WandbRunId(found)]: history for found, history in there.items()}

    def files(self, run_id: WandbRunId) -> dict[str, int]:
        """Return the sizes of a W&B run's files by name; SinkError."""
        found = self._found[run_id]
        return self.ask_of(
            found,
            lambda run: {file.name: int(file.size) for file in run.files(per_page=500)},
            f"list the files of {found.id}",
        )

    def logged(self, run_id: WandbRunId) -> list[wandb.Artifact]:
        """Return the artifact versions that an existing W&B run logged; SinkError."""
        return self._logged(self._found[run_id])

    def used(self, run_id: WandbRunId) -> list[wandb.Artifact]:
        """Return the artifact versions that an existing W&B run uses; SinkError."""
        found = self._found[run_id]
        return self.ask_of(
            found, lambda run: list(run.used_artifacts()), f"list what {found.id} uses"
        )

    def ask_of(self, found: ExistingRun, question: Callable[[Any], T], what: str) -> T:
        """Return what a question about one W&B run is answered, or a change to it; SinkError."""

        def asked(api: wandb.Api) -> T:
            if found.life == self._service.life:
                return question(found.handle)
            return question(api.run("/".join(found.handle.path)))

        return self._service.ask(self.path, asked, what)

    def ask_anew(self, found: ExistingRun, question: Callable[[Any], T], what: str) -> T:
        """Return what a question is answered about one W&B run as it is by now; SinkError.

        A listing may be minutes old, and it forgets `_wandb` of config.
        """

        def asked(api: wandb.Api) -> T:
            api.flush()  # type: ignore[no-untyped-call] # else it has the answer of before
            return question(api.run("/".join(found.handle.path)))

        return self._service.ask(self.path, asked, what)

    def logged_elsewhere(
        self, place: str, run_id: WandbRunId, provider: str
    ) -> list[wandb.Artifact]:
        """Return what a W&B run of another flow run logged; empty if it is not there; SinkError.

        Args:
            place: `entity/project`; without the entity, that of this project.
            run_id: of the W&B run.
            provider: where its flow run was read; what came from elsewhere is another one.
        """
        entity, _, project = place.rpartition("/")
        ids = [id_in_generation(run_id, number) for number in range(_GENERATIONS)]
        path = f"{entity or self._entity}/{project}"
        found = max(self._ask({"name": {"$in": ids}}, path), key=_by_generation, default=None)
        if found is None or (found.source or {}).get("provider") != provider:
            return []
        return self._logged(found)

    def _logged(self, found: ExistingRun) -> list[wandb.Artifact]:
        return self.ask_of(
            found, lambda run: list(run.logged_artifacts()), f"list the artifacts of {found.id}"
        )

    def _ask(self, filters: dict[str, Any], path: str) -> Iterator[ExistingRun]:
        def question(api: wandb.Api) -> list[ExistingRun]:
            api.flush()  # type: ignore[no-untyped-call] # it would answer the same question as it did before
            try:
                life = self._service.life
                found = api.runs(path, filters=filters, per_page=_PER_PAGE, lazy=False)
                return [_existing(one, life) for one in found]
            except ValueError as error:
                if str(error).startswith(_NO_PROJECT):  # its clear word: the first run makes it
                    return []
                raise

        found = self._service.ask(path, question, f"list the runs of {path}")
        return iter(self._believed(found, path))

    def _believed(self, found: list[ExistingRun], path: str) -> list[ExistingRun]:
        """Return W&B runs; those that say they are complete, and lack files, as what they are."""
        entity, _, project = path.partition("/")
        parts: dict[str, RunParts] = {}
        for some in _chunks(filter(_claims_to_be_whole, found), _PER_PAGE):
            ids, are_new = [one.id for one in some], any(one.sent for one in some)
            parts |= self._service.ask(
                path,
                partial(query_run_parts, entity=entity, project=project, run_ids=ids, uses=are_new),
                f"list the files of the runs of {path}",
            )
        return [_as_it_is(one, parts.get(one.id, RunParts())) for one in found]


def _existing(found: Any, life: int) -> ExistingRun:
    said = found.config.get(MARKER) or {}
    done = dict(found.summary.get(MARKER) or {})
    rows = int(found.historyLineCount or 0)
    return ExistingRun(
        id=WandbRunId(found.id),
        name=found.display_name or "",
        group=found.group or "",
        job_type=found.job_type or "",
        state=found.state,
        source=said.get("source"),
        writer=said.get("writer", ""),
        fingerprint=said.get("fingerprint", ""),
        sent=done.get("sent"),
        complete=done.get("complete") if found.state in _ENDED_BY_US else None,
        receipt=parse_receipt(done.get("receipt")),
        url=found.url,
        rows=rows,
        sign_of_life=(str(found.heartbeat_at), str(rows), said.get("writer", ""), found.state),
        is_empty=not (rows or found.config or done),
        handle=found,
        life=life,
    )


def _claims_to_be_whole(found: ExistingRun) -> bool:
    return found.complete is not None or found.sent is not None


def _as_it_is(found: ExistingRun, parts: RunParts) -> ExistingRun:
    if not _claims_to_be_whole(found):
        return found
    if has_all_files(found.handle.summary_metrics, parts.files):
        return replace(found, uses=parts.uses)
    return replace(found, complete=None, sent=None)


def _by_generation(found: ExistingRun | None) -> int:
    return -1 if found is None else generation_of(found.id)


def _chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk
