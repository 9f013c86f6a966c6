"""Step 5b, write: plan -> W&B, online or offline. The only package that imports wandb, lazily."""

from mfwb.sink.lazy import LazySink, open_sink

__all__ = ["LazySink", "open_sink"]
