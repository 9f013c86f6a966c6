"""5b write: plan -> W&B, online or offline. The only place that imports wandb."""

from mfwb.sink import importing  # noqa: F401 - before all that imports wandb
from mfwb.sink.opening import WandbSink, open_sink

__all__ = ["WandbSink", "open_sink"]
