"""The outcomes of a call that finds a hundred thousand flow runs unchanged, in little memory."""

from __future__ import annotations
