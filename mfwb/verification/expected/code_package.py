"""Which artifact of type `code` a flow run should have, from Metaflow's code package."""

from __future__ import annotations

import base64
import hashlib
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath

from mfwb.errors import ItemLost
from mfwb.files.tempdirs import make_scratch
from mfwb.redaction import LARGEST_SOURCE, Masker
from mfwb.snapshot import Datastore
from mfwb.source.code_package import parse_package_record
from mfwb.source.datastore.flow_store import FlowStore
from mfwb.source.tarball import Member, TarballError, read_members
from mfwb.verification.expected import names
from mfwb.verification.expected.facts import FlowRunFacts, HeldArtifact
from mfwb.verification.expected.model import ExpectedArtifact, ExpectedFile, ExpectedFolder, Need

__all__ = ["expect_code"]

_NAME = "code-package"
_MAX_UNPACKED = 2_000_000_000  # bytes
_CHUNK = 1 << 20
_SHA_LENGTH = 12  # digits that name a folder, if there are several packages
_OWN = ("metaflow", "metaflow_extensions")  # folders
_OWN_FACTS = ("INFO", "CONFIG", "DIST_INFO")

_OpenStore = Callable[[Datastore], FlowStore]


def expect_code(
    facts: FlowRunFacts, open_store: _OpenStore, masker: Masker
) -> Iterator[ExpectedArtifact]:
    """Yield the artifact with the code of a flow run, if Metaflow has a package of it.

    Args:
        facts: of the flow run.
        open_store: opens the store of a datastore.
        masker: knows what a secret is; W&B has marks in their places.
    """
    packages: dict[str, tuple[str, Datastore | None]] = {}
    for task in sorted(facts.tasks, key=lambda task: (len(task.id), task.id, task.step)):
        package = parse_package_record(task.metadata.get(_NAME, ""))
        if package is not None and task.origin is None:
            packages.setdefault(package.sha, (task.path, task.datastore))
    if not packages:
        return
    folders = []
    need = Need.REQUIRED
    for sha, (task_path, datastore) in packages.items():
        files = None if datastore is None else _read(sha, open_store(datastore), masker)
        if files is None:
            need = Need.ALLOWED
        folders.append(
            ExpectedFolder(
                f"{sha[:_SHA_LENGTH]}/" if len(packages) > 1 else "",
                task_path,
                HeldArtifact(_NAME, sha, 0, "", "tgz"),
                "code",
                ({"*": ExpectedFile()} if files is None else files,),
            )
        )
    own = names.artifact_name(f"{facts.flow}-code")
    possible = (own, names.artifact_name(f"{own}-code"))
    yield ExpectedArtifact(_NAME, possible, ("code",), tuple(folders), need)


def _read(sha: str, store: FlowStore, masker: Masker) -> Mapping[str, ExpectedFile] | None:
    """Return the user's files in a package; None if it can't be read, or has none."""
    folder = Path(make_scratch())
    try:
        store.copy(sha, 0, folder / "package")
        with (folder / "package").open("rb") as packed:
            files = {
                member.name: _file(member, masker)
                for member in read_members(packed, _MAX_UNPACKED)
                if member.is_file and member.name is not None
            }
    except (ItemLost, TarballError):
        return None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    is_new = ".mf_install" in files
    own = {name: file for name, file in files.items() if not _is_metaflows(name, is_new=is_new)}
    return own or None


def _file(member: Member, masker: Masker) -> ExpectedFile:
    size = member.size
    digest = hashlib.md5(usedforsecurity=False)
    if size <= LARGEST_SOURCE:
        masked = masker.mask_source(member.name or "", member.read())
        size = len(masked)
        digest.update(masked)
    while chunk := member.read(_CHUNK):
        digest.update(chunk)
    return ExpectedFile(size, base64.b64encode(digest.digest()).decode())


def _is_metaflows(name: str, *, is_new: bool) -> bool:
    """Return whether a file is Metaflow's own; its layout changed in Metaflow 2.16."""
    first, second = (*PurePosixPath(name).parts, "")[:2]
    if not is_new:
        return first in _OWN or name in _OWN_FACTS[:2]
    if first == ".mf_meta":
        return second in _OWN_FACTS
    return name == ".mf_install" or (first == ".mf_code" and second in _OWN)
