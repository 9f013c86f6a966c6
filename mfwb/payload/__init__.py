"""5a: the bytes of artifacts -> values and files for W&B. Knows no SDK, and runs no pickle."""

from mfwb.payload.workshop import Workshop

__all__ = ["Workshop"]
