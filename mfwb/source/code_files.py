"""The user's files in Metaflow's code package, one after the other, without Metaflow's own files.

Metaflow packs itself beside the flow: `mfwb.source.code_package` explains the layouts. Modules that
decorators add lie in `.mf_code`, too, and belong to the user. `CONFIG` has the values of `Config`,
which are in W&B's config.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO

from mfwb.ports import CodeFile, ExcludedCode
from mfwb.source.tarball import TarballError, read_members

__all__ = ["read_code_files"]

_UNPACKED_LIMIT = 2_000_000_000  # bytes
_REASONS_LIMIT = 100  # files that are each reported with a reason

_MARKER = ".mf_install"  # only in the newer layout, and in front of the user's files
_OWN_FILES = frozenset({_MARKER, ".mf_meta/INFO", ".mf_meta/CONFIG", ".mf_meta/DIST_INFO"})
_OWN_FOLDERS = (".mf_code/metaflow/", ".mf_code/metaflow_extensions/")
_OWN_FILES_BEFORE = frozenset({"INFO", "CONFIG"})
_OWN_FOLDERS_BEFORE = ("metaflow/", "metaflow_extensions/")


def read_code_files(packed: BinaryIO, keep: Callable[[CodeFile], None]) -> ExcludedCode:
    """Read a package and return what is excluded.

    Args:
        packed: the package, a gzipped tar.
        keep: is called with each file of the user; of two files with the same name, the last one
            counts, as in an extraction.

    Raises:
        TarballError: if it can't be read any further.
    """
    own, unreadable = 0, {}
    has_marker = False
    for member in read_members(packed, _UNPACKED_LIMIT):
        has_marker = has_marker or member.name == _MARKER
        if member.name is not None and _is_own(member.name, has_marker=has_marker):
            own += 1
        elif member.name is None:
            unreadable[member.recorded_name] = "its name leads out of the package"
        elif not member.is_file:
            unreadable[member.recorded_name] = "it is a link or a device, and not a file"
        else:
            keep(CodeFile(member.name, member))
        if len(unreadable) > _REASONS_LIMIT:
            raise TarballError(f"more than {_REASONS_LIMIT} of its members are not files")
    return ExcludedCode(own, unreadable)


def _is_own(name: str, *, has_marker: bool) -> bool:
    """Return whether a file is Metaflow's own."""
    if name in _OWN_FILES or name.startswith(_OWN_FOLDERS):
        return True
    return not has_marker and (name in _OWN_FILES_BEFORE or name.startswith(_OWN_FOLDERS_BEFORE))
