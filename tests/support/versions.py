"""A mark for tests of what only newer versions of another package do."""

from __future__ import annotations

from importlib.metadata import version

import pytest
from packaging.version import Version

__all__ = ["since"]


def since(package: str, first: str, why: str) -> pytest.MarkDecorator:
    """Return a mark that skips a test beside a version of a package before the first that can."""
    is_older = Version(version(package)) < Version(first)
    return pytest.mark.skipif(is_older, reason=f"since {package} {first}: {why}")
