"""Hypothesis measures no time: machines that build are slow and busy."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("mfwb", deadline=None)
settings.load_profile("mfwb")
