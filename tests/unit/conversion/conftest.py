"""Fixtures of payload tests: converters and fork servers."""

from tests.unit.payload.conftest import (
    builder,
    builders,
    converter,
    forkserver,
    inspector_forkserver,
)

__all__ = ["builder", "builders", "converter", "forkserver", "inspector_forkserver"]
