"""The story of a push: what of a bundle has not been pushed, is; each flow run is remembered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from mfwb.config import Settings
from mfwb.errors import ends_the_call
from mfwb.outcome import FlowRunOutcome, Result, Status
from mfwb.pipeline.failures import failed_outcome
from mfwb.ports import Bugs, Cargo, Entry, Ledger, Progress, Pushed, Pusher, Standing

__all__ = ["push_flow_runs"]

_IN_THE_BUNDLE = (Standing.SYNCED, Standing.INCOMPLETE)
_NOTHING_TO_PUSH = (Standing.RUNNING, Standing.LEFT_OUT)


def push_flow_runs(
    settings: Settings, ledger: Ledger, pusher: Pusher, progress: Progress, bugs: Bugs
) -> Result:
    """Push what the bundle of a ledger holds; what was pushed before is left alone.

    A flow run that can't be pushed is in the result, with a reason; the others go on.
    """
    bundled = [one for one in ledger.entries() if one.destination.mode == "offline"]
    targets = {pusher.destination(one.destination) for one in bundled}
    with ledger.lock(targets, wait=settings.wait):
        work = _Push(settings, ledger, pusher, bugs)
        return Result("push", tuple(work.push(progress)))


class _Push:
    def __init__(self, settings: Settings, ledger: Ledger, pusher: Pusher, bugs: Bugs) -> None:
        self._settings = settings
        self._ledger = ledger
        self._pusher = pusher
        self._bugs = bugs

    def push(self, progress: Progress) -> Iterable[FlowRunOutcome]:
        """Return what became of each flow run, the oldest first."""
        outcomes: dict[int, FlowRunOutcome] = {}
        cargo: dict[int, Cargo] = {}
        for place, entry in enumerate(self._bundled()):
            try:
                of_it = self._known(entry)
            except BaseException as error:  # noqa: BLE001 - what ends the call is raised again
                of_it = failed_outcome(entry.flow_run, error, self._bugs)
            if isinstance(of_it, Cargo):
                cargo[place] = of_it
            else:
                outcomes[place] = of_it
        places = {id(one): place for place, one in cargo.items()}
        for pushed in self._pushed(list(cargo.values()), progress):
            outcomes[places[id(pushed.cargo)]] = self._remembered(pushed)
        return [outcomes[place] for place in sorted(outcomes)]

    def _pushed(self, cargo: Sequence[Cargo], progress: Progress) -> Iterator[Pushed]:
        """Yield each flow run; an error that concerns no single one is the failure of the rest."""
        under_way = {id(one): one for one in cargo}
        if not cargo:
            return
        try:
            for pushed in self._pusher.push(cargo, writer=self._ledger.id, progress=progress):
                del under_way[id(pushed.cargo)]
                yield pushed
        except Exception as error:
            if ends_the_call(error):
                raise
            for one in under_way.values():
                yield Pushed(one, reason=str(error) or type(error).__name__, bug=error)

    def _remembered(self, pushed: Pushed) -> FlowRunOutcome:
        """Return what became of a flow run, after the ledger was told, if that can be."""
        try:
            return self._remember(pushed)
        except BaseException as error:  # noqa: BLE001 - what ends the call is raised again
            return failed_outcome(pushed.cargo.entry.flow_run, error, self._bugs)

    def _bundled(self) -> list[Entry]:
        return [
            one
            for one in self._ledger.entries()
            if one.destination.mode == "offline" and one.standing not in _NOTHING_TO_PUSH
        ]

    def _known(self, entry: Entry) -> FlowRunOutcome | Cargo:
        """Return what is known of a flow run without asking W&B, or what is to be pushed."""
        destination = self._pusher.destination(entry.destination)
        bundled = self._ledger.entry(entry.flow_run, entry.provider, entry.destination)
        outcome = bundled.outcome if bundled else None
        if entry.standing not in _IN_THE_BUNDLE or outcome is None:
            why = entry.reason or "its last sync was cut short"
            reason = f"the bundle does not have all of it: {why}; sync it into it again"
            return FlowRunOutcome(entry.flow_run, Status.FAILED, reason=reason)
        before = self._ledger.entry(entry.flow_run, entry.provider, destination)
        earlier = before.outcome if before else None
        if before is not None and earlier is not None and self._is_done(before, entry):
            return replace(earlier, status=Status.UNCHANGED)
        runs = earlier.wandb_runs if earlier else ()
        written = frozenset(run.id for run in runs if run.url or run.deleted)
        cargo = Cargo(entry, destination, outcome, written)
        self._note(cargo, Standing.BEGUN, outcome=earlier)
        return cargo

    def _is_done(self, before: Entry, entry: Entry) -> bool:
        """Whether the ledger's word is enough; what somebody deleted it does not know."""
        is_same = before.standing is Standing.SYNCED and before.digest == entry.digest
        return is_same and bool(entry.digest) and self._settings.on_deleted == "skip"

    def _remember(self, pushed: Pushed) -> FlowRunOutcome:
        cargo = pushed.cargo
        outcome = replace(
            cargo.outcome,
            status=Status.SYNCED,
            mode=cargo.destination.mode,
            wandb_runs=pushed.runs,
        )
        if pushed.superseded:
            self._note(cargo, Standing.LEFT_OUT, reason=pushed.reason)
            return FlowRunOutcome(cargo.entry.flow_run, Status.SKIPPED, reason=pushed.reason)
        if pushed.reason:
            reason, is_bug = pushed.reason, False
            if pushed.bug is not None:
                told = failed_outcome(cargo.entry.flow_run, pushed.bug, self._bugs)
                reason, is_bug = told.reason or reason, told.bug
            outcome = replace(outcome, status=Status.FAILED, reason=reason, bug=is_bug)
            self._note(cargo, Standing.FAILED, reason=reason, outcome=replace(outcome, bug=False))
            return outcome
        self._note(cargo, Standing.SYNCED, outcome=outcome)
        return outcome if pushed.wrote else replace(outcome, status=Status.UNCHANGED)

    def _note(
        self,
        cargo: Cargo,
        standing: Standing,
        *,
        reason: str = "",
        outcome: FlowRunOutcome | None = None,
    ) -> None:
        entry = replace(
            cargo.entry,
            destination=cargo.destination,
            standing=standing,
            reason=reason,
            outcome=outcome,
        )
        self._ledger.write(entry)
