"""Origins of URLs: a key may only be sent to the origin to which it belongs."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

__all__ = ["origin_of"]

_READ_DIFFERENTLY = re.compile(r"[\\\s\x00-\x1f\x7f]")
"""In `https://one\\@other`, Python takes `other` for the host, and HTTP clients take `one`."""

_PORTS = {"http": 80, "https": 443}


def origin_of(url: str) -> tuple[str, str, int | None]:
    """Return scheme, host and port of a URL; for an invalid URL, a value unlike any other."""
    if _READ_DIFFERENTLY.search(url):
        return "", url, None
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname or url, parts.port or _PORTS.get(parts.scheme)
    except ValueError:  # `http://[`, or a port that is not a number
        return "", url, None
