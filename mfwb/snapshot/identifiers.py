"""Rules for sha1s, ids and names. Other programs write them, and mfwb makes paths from them.

The rules are Metaflow's own, or a little wider: flows and steps are named after Python classes and
functions, run ids are numbers or ids of orchestrators (`argo-...`, `sfn-...`).
"""

from __future__ import annotations

import re

__all__ = [
    "SHA1",
    "is_artifact_name",
    "is_flow_name",
    "is_path_part",
    "is_run_id",
    "is_sha1",
]

SHA1 = r"[0-9a-f]{40}"
"""The pattern of the keys of content in Metaflow's datastore."""

_SHA1 = re.compile(SHA1)
_FLOW_NAME = re.compile(r"[A-Za-z_]\w{0,199}")
_RUN_ID = re.compile(r"[A-Za-z0-9_.:\-]{1,200}")
# No separators, no control characters, no wildcards of a shell, no half of a surrogate pair.
_PATH_PART = re.compile(r"[^/\\*?\[\]\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]{1,200}")
_LONGEST_ARTIFACT_NAME = 1_000
_RELATIVE = frozenset({".", ".."})


def is_sha1(text: object) -> bool:
    """Return whether this is a sha1 in lower-case hexadecimal."""
    return isinstance(text, str) and _SHA1.fullmatch(text) is not None


def is_flow_name(text: object) -> bool:
    """Return whether this can be the name of a flow, which is the name of a class."""
    return _is(_FLOW_NAME, text)


def is_run_id(text: object) -> bool:
    """Return whether this can be the id of a flow run; it is part of pathspecs that users write."""
    return _is(_RUN_ID, text)


def is_path_part(text: object) -> bool:
    """Return whether this can be the name of a step or the id of a task.

    It becomes one folder in a path, or one part of a key, and Metaflow searches with wildcards.
    """
    return _is(_PATH_PART, text)


def is_artifact_name(text: object) -> bool:
    """Return whether this can be the name of an artifact: `setattr` takes any text.

    It is never part of a path: `planning.names` makes the names in W&B and of files from it.
    """
    return isinstance(text, str) and len(text) <= _LONGEST_ARTIFACT_NAME


def _is(pattern: re.Pattern[str], text: object) -> bool:
    return isinstance(text, str) and text not in _RELATIVE and pattern.fullmatch(text) is not None
