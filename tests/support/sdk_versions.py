"""Marks for tests of what only newer versions of an SDK do."""

from __future__ import annotations

from importlib.metadata import version

import pytest
from packaging.version import Version

__all__ = ["since_metaflow", "since_wandb"]


def since_metaflow(first: str, why: str) -> pytest.MarkDecorator:
    """Return a mark that skips a test beside a Metaflow before this version."""
    return _since("metaflow", first, why)


def since_wandb(first: str, why: str) -> pytest.MarkDecorator:
    """Return a mark that skips a test beside a wandb before this version."""
    return _since("wandb", first, why)


def _since(package: str, first: str, why: str) -> pytest.MarkDecorator:
    is_older = Version(version(package)) < Version(first)
    return pytest.mark.skipif(is_older, reason=f"since {package} {first}: {why}")
