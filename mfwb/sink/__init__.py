"""5b write: plan -> W&B, online or offline. The only place that imports wandb, and late."""

from mfwb.sink.lazy import LazySink, open_sink

__all__ = ["LazySink", "open_sink"]
