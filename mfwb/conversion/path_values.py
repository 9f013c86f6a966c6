"""Loading of pickled paths as pure paths, from any machine."""

from __future__ import annotations

import re
from pathlib import PurePath

from mfwb import pickles
from mfwb.errors import ItemLost
from mfwb.pickles.allowlist import PATHS

__all__ = ["is_relative", "load_path", "uri_in"]

_URI = re.compile(r"(s3|s3a|s3n|gs|gcs|https?|abfss?|wasbs?|az|hdfs):/+(?=[^/])", re.IGNORECASE)


def load_path(data: bytes) -> PurePath:
    """Return a pickled path as a pure path, from any machine; ItemLost for another value."""
    try:
        path = pickles.loads(data, PATHS)
    except Exception as error:  # a damaged pickle can raise anything
        raise ItemLost(f"its pickle can't be read ({type(error).__name__}: {error})") from error
    if not isinstance(path, PurePath):
        raise ItemLost(f"a {type(path).__name__} is not a path")
    return path


def is_relative(path: PurePath) -> bool:
    """Return whether a path is relative to a folder that Metaflow does not record; a URI is not."""
    return not path.is_absolute() and uri_in(path) is None


def uri_in(path: PurePath) -> re.Match[str] | None:
    """Return the match of scheme and slashes at the start of a URI; None if it is not a URI."""
    return _URI.match(path.as_posix())
