"""By default tests try some random examples, and many where no test is left out."""

from __future__ import annotations

import pytest

from tests.support.examples import load_profile
from tests.support.selection import marks_left_out


def pytest_configure(config: pytest.Config) -> None:
    """Choose, before tests are imported."""
    load_profile(whole="exhaustive" not in marks_left_out(config.option.markexpr))
