"""5b write: plan -> W&B, online or offline. The only place that imports wandb."""

from mfwb.sink.importing import without_field_descriptions

with without_field_descriptions():
    import wandb  # noqa: F401 - here and now

from mfwb.sink.opening import WandbSink, open_sink

__all__ = ["WandbSink", "open_sink"]
