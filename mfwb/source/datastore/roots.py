"""Roots of datastores that may be read: only those in the user's own configuration.

A task's metadata names the datastore of its artifacts. Anybody who can write it could name any
bucket or folder that only this machine may read, and find its content in W&B. So a root counts only
if it is one of the user's, or lies below one.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mfwb.errors import SourceError
from mfwb.files.home_folder import expand_home
from mfwb.snapshot import Datastore

__all__ = ["DatastoreRoots", "configured_card_roots", "configured_roots"]

_FOLDER = ".metaflow"
_LOCAL = "local"
_INVALID_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_ROOT_LIMIT = 2_000  # characters
_SCHEMES = {"s3": "s3://", "gs": "gs://", "azure": ""}


@dataclass(frozen=True)
class DatastoreRoots:
    """The user's own roots.

    Attributes:
        home: the folder of the metadata of a local provider; None for other providers.
        configured: Metaflow's configured roots, by type of datastore.
        extra: roots of the setting `datastore_roots`, of any type.
        cards: Metaflow's configured roots of cards, by type of datastore.
    """

    home: Path | None
    configured: Mapping[str, str]
    extra: tuple[str, ...] = ()
    cards: Mapping[str, str] = field(default_factory=dict)

    def admit(self, recorded: Datastore, task: str) -> Datastore:
        """Return the datastore from which a task's artifacts are read.

        A local datastore is replaced by the one beside its metadata, unless its root is one of the
        user's: the recorded root is absolute, of the machine and folder where the task ran, and
        the artifacts may have been moved or copied since, together with their metadata.

        Args:
            recorded: the datastore in the task's metadata.
            task: the task's pathspec, for messages.

        Raises:
            SourceError: it is not a datastore of the user.
        """
        if _is_invalid(recorded):
            raise SourceError(f"{task} can't be read: the root of its datastore is not valid")
        if recorded.type != _LOCAL:
            if self._has_key(recorded):
                return recorded
        else:
            root = Path(recorded.root)
            is_own = self._has_folder(root)
            if is_own and root.is_dir():
                return recorded
            if self.home is not None and self.home.is_dir():
                return Datastore(_LOCAL, str(self.home))
            if is_own:
                return recorded
        raise SourceError(
            f"{task} has its artifacts in {recorded.root}, which is not one of your datastores"
            f"{self._advice(recorded)}"
        )

    @property
    def folders(self) -> tuple[Path, ...]:
        """The local folders among them. Links may lead from one of them to another."""
        texts = [self.configured[_LOCAL]] if _LOCAL in self.configured else []
        roots = [expand_home(text) for text in (*texts, *self.extra) if "://" not in text]
        return (*([self.home] if self.home else []), *roots)

    def _has_folder(self, root: Path) -> bool:
        real = os.path.realpath(root)
        return any(Path(real).is_relative_to(os.path.realpath(root)) for root in self.folders)

    def _has_key(self, recorded: Datastore) -> bool:
        roots = [*self.extra]
        if recorded.type in self.configured:
            roots.append(self.configured[recorded.type])
        scheme = _SCHEMES.get(recorded.type, f"{recorded.type}://")
        if scheme and not recorded.root.startswith(scheme):
            return False
        own = _normalize(recorded)
        return any(
            f"{own}/".startswith(f"{_normalize(Datastore(recorded.type, root))}/") for root in roots
        )

    def _advice(self, recorded: Datastore) -> str:
        advice = f"name it with --datastore-root {recorded.root} if it is"
        if recorded.type in self.configured:
            return f": {advice}"
        return f", as none is configured here: {advice}, or set {_sysroot(recorded.type)}"


def configured_roots(
    sysroots: Mapping[str, str | None],
    local_config: Mapping[str, object],
    find_local: Callable[[], str | None],
) -> dict[str, str]:
    """Return the roots of Metaflow's own configuration, by type of datastore.

    Metaflow also reads `.metaflow/config.json` of the current folder or above. The same folder may
    be a datastore to which others write. So its values count only if nobody else can have written
    them.

    Args:
        sysroots: the values that Metaflow took from its variables and files, by type.
        local_config: the values of that file.
        find_local: returns the local datastore that Metaflow would use here.
    """
    folder = find_local()
    roots = {
        kind: str(Path(root) / _FOLDER) if kind == _LOCAL else root
        for kind, root in sysroots.items()
        if root and _is_set_by_user((_sysroot(kind),), local_config, folder)
    }
    if _LOCAL not in roots and folder is not None:
        roots[_LOCAL] = folder
    return roots


def configured_card_roots(
    card_roots: Mapping[str, str | None],
    local_config: Mapping[str, object],
    find_local: Callable[[], str | None],
) -> dict[str, str]:
    """Return the roots of cards in Metaflow's own configuration, by type of datastore.

    Args:
        card_roots: the values that Metaflow took from its variables and files, by type.
        local_config: as for `configured_roots`.
        find_local: the same.
    """
    folder = find_local()
    return {
        kind: root
        for kind, root in card_roots.items()
        if root
        and _is_set_by_user(
            (f"METAFLOW_CARD_{kind.upper()}ROOT", _sysroot(kind)), local_config, folder
        )
    }


def _sysroot(kind: str) -> str:
    return f"METAFLOW_DATASTORE_SYSROOT_{kind.upper()}"


def _is_set_by_user(
    names: Iterable[str], local_config: Mapping[str, object], folder: str | None
) -> bool:
    """Whether the user set these variables, and not a file that somebody else may have written."""
    from_file = any(name in local_config and name not in os.environ for name in names)
    return not from_file or (folder is not None and _is_private(Path(folder)))


def _is_private(folder: Path) -> bool:
    """Whether only this user, or root, can have written the settings in a folder."""
    for path in (folder, folder / "config.json"):
        try:
            status = path.stat()
        except OSError:
            return False
        if status.st_uid not in {os.geteuid(), 0} or status.st_mode & 0o022:
            return False
    return True


def _is_invalid(datastore: Datastore) -> bool:
    """Whether Metaflow can't have recorded this root."""
    root = datastore.root
    parts: Sequence[str] = root.split("/")
    return (
        not root
        or len(root) > _ROOT_LIMIT
        or _INVALID_CHARACTERS.search(root) is not None
        or ".." in parts
        or (datastore.type == _LOCAL and not posixpath.isabs(root) and not Path(root).is_absolute())
    )


def _normalize(datastore: Datastore) -> str:
    """Return a root without optional prefix and trailing slashes."""
    root = datastore.root
    if datastore.type == "azure":
        root = root.removeprefix("azure://")
    return root.rstrip("/")
