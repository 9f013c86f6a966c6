"""What older versions of mfwb did not write yet: a likely cause of what W&B lacks.

Version 0.1.0 learned to write more before its release, so a W&B run of an early 0.1.0 may lack what
a later 0.1.0 writes. Such a W&B run is recognized by `config["mfwb"]`: until mfwb noted there which
metadata it wrote (`wrote`), it did not write what `_BEFORE_NOTES` lists. This is believed for the
cause of a difference alone; whether there is a difference is decided without it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from mfwb.verification.findings import writer_of
from mfwb.verification.recorded import RecordedRun
from mfwb.verification_outcome import Difference
from mfwb.version import __version__

__all__ = ["NOT_WRITTEN_YET", "with_older_causes"]

NOT_WRITTEN_YET: Mapping[str, Mapping[str, str]] = {
    "0.1.0": {
        "artifact": "code, files of bytes under their own endings, what a join picked, checkpoints "
        "of metaflow-checkpoint, nor metadata of rules",
        "config": "indices and items of foreachs, links, nor marks in place of secrets",
        "log": "marks in place of secrets",
        "file": "bytes and texts that are files under their own endings",
        "alias": "aliases of candidates and of rules, and `latest` of what a join picked",
        "edge": "uses of what a join picked",
        "history": "curves under the user's own names, x axes of charts over tasks, nor cards as "
        "points of history",
        "notes": "notes",
        "summary": "last points of curves (their lists instead), nor marks in place of secrets",
        "panel": (
            "pictures, sounds, films, pages, galleries, histograms and heat maps, nor the items of "
            "foreachs in the table of tasks"
        ),
    }
}
"""By version, as W&B runs name it: what it did not write yet, by the kind of difference. Each
version but the newest has an entry, which CHANGELOG.md shows: `tests/unit/verification/
test_older_versions.py` asks for it."""

_NOTE = "wrote"

_BEFORE_NOTES: Mapping[str, str] = {
    "config": "empty dicts of the config",
    "edge": "uses of other flow runs that recorded values name",
    "file": "the pickle beside a table that parquet changes",
    "history": "numbers as points of history",
    "panel": "cards under keys of their id and type",
    "state": "`failed` for a flow run that stopped without a failed task",
    "summary": "values that a step assigned again, nor dates, enums and objects as text",
}


def with_older_causes(
    differences: Sequence[Difference], runs: Mapping[str, RecordedRun]
) -> tuple[Difference, ...]:
    """Return the differences; the cause of each first names what an older mfwb did not write yet.

    Args:
        differences: of a flow run.
        runs: its W&B runs by the names that they should have; some may be older.
    """
    older = {name: run for name, run in runs.items() if _is_older(run)}
    return tuple(
        _explained(difference, older.get(difference.wandb_run or "")) for difference in differences
    )


def _explained(difference: Difference, run: RecordedRun | None) -> Difference:
    if run is None:
        return difference
    version = writer_of(run) or ""
    missing = _missing(run, version).get(difference.kind)
    if missing is not None:
        before = " before its release" if version == __version__ else ""
        cause = f"written by mfwb {version}{before}, which did not write {missing} yet"
    elif version not in {__version__, *NOT_WRITTEN_YET}:
        cause = f"written by mfwb {version}, of which this mfwb ({__version__}) does not know more"
    else:
        return difference
    _, _, otherwise = difference.cause.rpartition("yet; or ")  # see `findings.why_missing`
    return replace(difference, cause=f"{cause}; or {otherwise}")


def _missing(run: RecordedRun, version: str) -> Mapping[str, str]:
    """Return what a W&B run lacks because of its writer, by kind; what is older lacks more."""
    before_notes = {} if _has_note(run) else _BEFORE_NOTES
    return {**NOT_WRITTEN_YET.get(version, {}), **before_notes}


def _is_older(run: RecordedRun) -> bool:
    version = writer_of(run)
    return version is not None and (version != __version__ or not _has_note(run))


def _has_note(run: RecordedRun) -> bool:
    own = run.config.get("mfwb")
    return isinstance(own, dict) and _NOTE in own
