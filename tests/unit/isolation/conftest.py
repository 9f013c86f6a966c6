"""Converters and what makes their processes, as the tests of payloads have them."""

from tests.unit.payload.conftest import (
    builder,
    builders,
    converter,
    forkserver,
    inspector_forkserver,
)

__all__ = ["builder", "builders", "converter", "forkserver", "inspector_forkserver"]
