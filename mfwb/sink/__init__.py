"""5b write: plan -> W&B, online or offline. The only place that imports wandb, and late."""

from mfwb.sink.lazy import LateSink, open_sink

__all__ = ["LateSink", "open_sink"]
