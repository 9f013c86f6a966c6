"""Source code of a flow: from Metaflow's code package, or from the file named in the graph.

A local flow run has no code package unless one was requested. Then its source is a file that may
have been edited since, or lie on another machine. The lineage checks whether it is the code that
ran.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mfwb import snapshot
from mfwb.errors import ItemLost, SourceError
from mfwb.snapshot import GraphStep, SourceCode
from mfwb.source.code_package import CodePackage, PackageError, parse_package_record, read_source
from mfwb.source.datastore.flow_store import open_store
from mfwb.source.script_files import read_script
from mfwb.source.task_metadata import RawTask

__all__ = ["find_code_packages", "read_code"]

_PACKED_LIMIT = 64_000_000  # bytes


def read_code(
    raws: Sequence[RawTask], graph: Sequence[GraphStep], script: str
) -> tuple[SourceCode | None, str]:
    """Return the source of a flow run, or None and the reason why there is none.

    Args:
        raws: its tasks.
        graph: its steps, with the file and line of each.
        script: the name of the file that was run, without its folder.
    """
    for raw in raws:
        record = _package_record(raw)
        package = parse_package_record(record) if record is not None else None
        if package is not None:
            try:
                return read_source(_read_package(package, raw)), ""
            except PackageError as error:
                return None, f"its code package can't be read: {error}"
    files = sorted({step.file for step in graph if step.file})
    if not files:
        return None, "Metaflow recorded neither a code package nor where its source was"
    main = next((file for file in files if Path(file).name == script), files[0])
    try:
        return read_script(Path(main)), ""
    except (OSError, ValueError) as error:
        return None, f"its source can't be read: {error}"


def find_code_packages(raws: Sequence[RawTask]) -> tuple[snapshot.CodePackage, ...]:
    """Return the code packages of a flow run; each with the task of the lowest id that has it."""
    packages: dict[str, snapshot.CodePackage] = {}
    for raw in sorted(raws, key=lambda raw: (len(raw.path[3]), raw.path[3], raw.path[2])):
        record = _package_record(raw)
        package = parse_package_record(record) if record is not None else None
        if package is not None:
            reference = snapshot.CodePackage(
                raw.pathspec, package.sha, package.ds_type, package.metadata.archive_format
            )
            packages.setdefault(package.sha, reference)
    return tuple(packages.values())


def _read_package(package: CodePackage, raw: RawTask) -> bytes:
    """Return a package from the task's own datastore, the only one that is read; PackageError."""
    if raw.datastore is None or raw.datastore.type != package.ds_type:
        raise PackageError(f"it is in another datastore ({package.ds_type}) than the artifacts")
    if package.metadata.archive_format != "tgz":
        raise PackageError(f"it is not a gzipped tar but {package.metadata.archive_format!r}")
    try:
        packed = open_store(raw.datastore, raw.path[0]).head(package.sha, _PACKED_LIMIT + 1)
    except (ItemLost, SourceError) as error:
        raise PackageError(str(error)) from None
    if len(packed) > _PACKED_LIMIT:
        raise PackageError(f"it is larger than {_PACKED_LIMIT // 1_000_000} MB")
    return packed


def _package_record(raw: RawTask) -> str | None:
    """Return a task's record of its code package; None for a clone, which has its origin's."""
    return raw.value("code-package") if raw.value("origin-task-id") is None else None
