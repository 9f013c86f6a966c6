"""The source of a flow, as text: out of Metaflow's code package, or where the graph says it lies.

A local flow run has no code package unless it was asked for, so that its source is a file that may
have been edited since, or be on another machine. Whether it is still what ran, the lineage judges.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mfwb.snapshot import GraphStep, SourceCode
from mfwb.source.code_package import PackageError, package_of_record
from mfwb.source.raw import RawTask
from mfwb.source.script import read_script

__all__ = ["read_code"]


def read_code(
    raws: Sequence[RawTask], graph: Sequence[GraphStep], script: str
) -> tuple[SourceCode | None, str]:
    """Return the source of a flow run, or None and why there is none.

    Args:
        raws: its tasks.
        graph: its steps, which say where each was.
        script: the name of the file that was run, without its folder.
    """
    for raw in raws:
        record = _record(raw)
        package = package_of_record(record) if record is not None else None
        if package is not None:
            try:
                return package.read(raw.datastore, raw.path[0]), ""
            except PackageError as error:
                return None, f"its code package can't be read: {error}"
    places = sorted({step.file for step in graph if step.file})
    if not places:
        return None, "Metaflow recorded neither a code package nor where its source was"
    main = next((place for place in places if Path(place).name == script), places[0])
    try:
        return read_script(Path(main)), ""
    except (OSError, ValueError) as error:
        return None, f"its source can't be read: {error}"


def _record(raw: RawTask) -> str | None:
    """Return what a task says of a code package of this flow run; a clone's is its origin's."""
    return raw.value("code-package") if raw.value("origin-task-id") is None else None
