"""Converters and what makes their processes, as the tests of payloads have them."""

from tests.unit.payload.conftest import converter, inspecting_nursery, nursery, workshop, workshops

__all__ = ["converter", "inspecting_nursery", "nursery", "workshop", "workshops"]
