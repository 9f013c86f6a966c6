"""The source of a flow, as text: out of Metaflow's code package, or where the graph says it lies.

A local flow run has no code package unless it was asked for, so that its source is a file that may
have been edited since, or be on another machine. Whether it is still what ran, the lineage judges.
"""

from __future__ import annotations

import posixpath
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from metaflow.exception import MetaflowException

from mfwb.snapshot import GraphStep, SourceCode
from mfwb.source.raw import RawTask
from mfwb.source.script import FILES_LIMIT, read_script, text_of

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
    packed = next((raw for raw in raws if _has_package(raw)), None)
    if packed is not None:
        try:
            return _unpacked(packed.task.code), ""
        except (MetaflowException, OSError, tarfile.TarError, ValueError, KeyError) as error:
            return None, f"its code package can't be read: {error}"
    places = sorted({step.file for step in graph if step.file})
    if not places:
        return None, "Metaflow recorded neither a code package nor where its source was"
    main = next((place for place in places if Path(place).name == script), places[0])
    try:
        return read_script(Path(main)), ""
    except (OSError, ValueError) as error:
        return None, f"its source can't be read: {error}"


def _has_package(raw: RawTask) -> bool:
    """Whether a task has a code package of this flow run; a clone's would be its origin's."""
    return raw.value("code-package") is not None and raw.value("origin-task-id") is None


def _unpacked(package: Any) -> SourceCode:
    with package.extract() as folder:
        files = {
            path.relative_to(folder).as_posix(): text
            for path in sorted(Path(folder).rglob("*.py"))[:FILES_LIMIT]
            if (text := text_of(path)) is not None
        }
    script = posixpath.normpath(str(package.script_name))
    if script not in files:
        raise ValueError(f"{script} is not in it")
    return SourceCode(script, files, origin="package")
