"""Folder in which a flow run ran, if it is this user's own flow run on this machine.

Only then may a flow run send files of that folder without explicit permission. All that a flow run
records about itself can be made up, such as the path of its source. So the folder is the one that
holds `.metaflow`, and the owner of its files decides. All of these conditions must hold:

- the metadata is local, the datastore is local, and it lies beside the metadata;
- the recorded user is the current one, according to Metaflow;
- the folder and the files that Metaflow wrote there for the flow run belong to this user, and
  nobody else may write there;
- it is not the home folder, nor a folder above it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mfwb.snapshot import FlowRun

__all__ = ["OwnershipFacts", "decide_own_folder", "find_own_folder"]

_METAFLOW = ".metaflow"
_LOCAL = "local@"


@dataclass(frozen=True, slots=True)
class OwnershipFacts:
    """Facts that decide whether a flow run is this user's own.

    Attributes:
        provider: of the metadata.
        datastores: type and root of the datastores of all tasks, links followed.
        recorded_user: the user that the flow run recorded.
        current_user: Metaflow's name for the user of this process; None: it has none.
        folder: the folder that holds `.metaflow`, links followed.
        homes: home folders of this user, links followed.
        is_private: whether folder, metadata and datastore belong to this user, and only this user
            may write there.
    """

    provider: str
    datastores: frozenset[tuple[str, str]]
    recorded_user: str | None
    current_user: str | None
    folder: Path
    homes: tuple[Path, ...]
    is_private: bool


def find_own_folder(flow_run: FlowRun) -> Path | None:
    """Return the folder whose files a flow run may send without explicit permission, or None."""
    if not flow_run.provider.startswith(_LOCAL) or not hasattr(os, "getuid"):
        return None
    try:
        folder = Path(flow_run.provider.removeprefix(_LOCAL)).resolve()
        datastores = frozenset(_roots(flow_run))
        homes = tuple(_homes())
    except (OSError, RuntimeError, ValueError):
        return None
    metadata = folder / _METAFLOW
    parts = (folder, metadata, metadata / flow_run.flow, metadata / flow_run.flow / flow_run.id)
    return decide_own_folder(
        OwnershipFacts(
            provider=flow_run.provider,
            datastores=datastores,
            recorded_user=flow_run.user,
            current_user=_current_user(),
            folder=folder,
            homes=homes,
            is_private=all(map(_is_private, parts)),
        )
    )


def decide_own_folder(facts: OwnershipFacts) -> Path | None:
    """Return the folder that counts as the user's own; None if a condition does not hold."""
    folder = facts.folder
    is_own = (
        facts.provider.startswith(_LOCAL)
        and facts.datastores == {("local", str(folder / _METAFLOW))}
        and facts.recorded_user is not None
        and facts.recorded_user == facts.current_user
        and facts.is_private
        and not any(home.is_relative_to(folder) for home in facts.homes)
    )
    return folder if is_own else None


def _roots(flow_run: FlowRun) -> Iterable[tuple[str, str]]:
    for kind, root in {
        (task.datastore.type, task.datastore.root) for task in flow_run.tasks if task.datastore
    }:
        yield kind, str(Path(root).resolve()) if kind == "local" else root


def _current_user() -> str | None:
    from metaflow.util import get_username  # noqa: PLC0415 - only if it is needed

    return get_username()  # type: ignore[no-any-return]


def _homes() -> Iterable[Path]:
    import pwd  # noqa: PLC0415 - not on Windows

    yield Path.home().resolve()
    try:
        yield Path(pwd.getpwuid(os.getuid()).pw_dir).resolve()
    except KeyError:  # a container that runs with an id that no account has
        return


def _is_private(folder: Path) -> bool:
    """Whether a folder belongs to this user, and nobody else may write to it."""
    try:
        status = folder.lstat()
    except OSError:
        return False
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        return False
    if status.st_mode & stat.S_IWOTH:
        return False
    return not status.st_mode & stat.S_IWGRP or _is_own_group(status.st_gid)


def _is_own_group(gid: int) -> bool:
    """Whether a group is the user's private group: many systems make one named like the user."""
    import grp  # noqa: PLC0415 - not on Windows
    import pwd  # noqa: PLC0415

    try:
        return grp.getgrgid(gid).gr_name == pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return False
