"""What is measured: calls of `mfwb sync` in folders of their own, and whether each did its work."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.cron.flow_runs import BUILD, Sample
from bench.cron.stand_in import StandIn
from bench.measure import Measured, measure
from bench.workplaces import Workplace, console_script

__all__ = ["Sync", "SyncFolder", "WrongOutcomeError"]

_WATCHED = Path(__file__).with_name("watched.py")


class WrongOutcomeError(Exception):
    """A sync did not do its work, so its figures mean nothing."""


@dataclass(frozen=True, slots=True)
class Sync:
    """A call of `mfwb sync` that did what it should."""

    measured: Measured
    requests: int


@dataclass(frozen=True, slots=True)
class SyncFolder:
    """A folder with a ledger of its own, and the W&B that is synced to."""

    workplace: Workplace
    stand_in: StandIn
    sample: Sample

    @classmethod
    def make(cls, name: str, stand_in: StandIn, sample: Sample) -> SyncFolder:
        """Return a folder from which nothing has been synced."""
        shutil.rmtree(BUILD / "work" / name, ignore_errors=True)
        return cls(Workplace.make(BUILD, name), stand_in, sample)

    @property
    def ledger(self) -> Path:
        """The ledger of the folder."""
        return self.workplace.root / "state" / "ledger.sqlite"

    def sync(self, *arguments: str, project: str, expected: Mapping[str, int]) -> Sync:
        """Sync, and count.

        Args:
            arguments: of `mfwb sync`.
            project: of W&B.
            expected: how many flow runs end in which status.
        """
        return self._sync([console_script("mfwb")], arguments, project, expected)

    def looked_into(
        self, *arguments: str, project: str, expected: Mapping[str, int]
    ) -> tuple[Sync, list[str]]:
        """Sync as above, and return which flow runs' folders were looked into, too."""
        notes = self.workplace.root / "notes.json"
        program = [sys.executable, str(_WATCHED), str(notes), str(self.sample.root)]
        done = self._sync(program, arguments, project, expected)
        return done, sorted(json.loads(notes.read_text(encoding="utf-8")))

    def _sync(
        self,
        program: Sequence[str],
        arguments: Sequence[str],
        project: str,
        expected: Mapping[str, int],
    ) -> Sync:
        self.stand_in.requests()
        out = self.workplace.root / "document.json"
        where = ["--project", project, "--entity", "acme", "--metadata", self.sample.metadata]
        measured = measure(
            [*program, "sync", *arguments, *where, "--json"],
            cwd=self.workplace.out,
            environment={**self.workplace.environment, **self.stand_in.environment},
            out_file=out,
        )
        done = Sync(measured, self.stand_in.requests())
        _check(measured, out, expected)
        return done


def _check(measured: Measured, out: Path, expected: Mapping[str, int]) -> None:
    """Check what `--json` says: as many flow runs of each status as expected, and nothing lost.

    The document may have 300 MB, and the next process that is measured would begin with the memory
    of this one. So it is read line by line: each flow run is on one.
    """
    if measured.exit_code:
        raise WrongOutcomeError("\n".join(["mfwb failed", *measured.err.splitlines()[-10:]]))
    counts: dict[str, int] = {}
    rest = []
    with out.open(encoding="utf-8") as lines:
        for line in lines:
            if line.startswith(_FLOW_RUN):
                status = json.loads(line.rstrip(",\n"))["status"]
                counts[status] = counts.get(status, 0) + 1
            else:
                rest.append(line)
    totals = json.loads("".join(rest))["totals"]
    if counts != dict(expected):
        raise WrongOutcomeError(f"flow runs by status: {counts} rather than {dict(expected)}")
    if totals["losses"]:
        raise WrongOutcomeError(f"mfwb lost something: {totals}")


_FLOW_RUN = '    {"pathspec":'
