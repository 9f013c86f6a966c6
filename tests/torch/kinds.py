"""Expected kinds of the artifacts of `tests/flows/torch_flow.py` in W&B."""

from __future__ import annotations

from mfwb.planning.classify import Kind

__all__ = ["KINDS", "LARGE"]

KINDS = {
    "net": Kind.MODEL,
    "sequential": Kind.MODEL,
    "state_dict": Kind.MODEL,
    "checkpoint": Kind.MODEL,
    "tensor": Kind.OTHER,
    "optimizer": Kind.OTHER,
    "optimizer_state": Kind.OTHER,
    "saved": Kind.OTHER,  # its names are those of any dict of tensors
    "large": Kind.MODEL,
}
LARGE = "large"
"""The one that is too large to be looked at as a whole, and to be kept in tests/data."""
