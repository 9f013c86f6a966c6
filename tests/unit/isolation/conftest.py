"""Converters and what makes their processes, as the tests of payloads have them."""

from tests.unit.payload.conftest import (
    converter,
    forkserver,
    inspecting_nursery,
    workshop,
    workshops,
)

__all__ = ["converter", "forkserver", "inspecting_nursery", "workshop", "workshops"]
