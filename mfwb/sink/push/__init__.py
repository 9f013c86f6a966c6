"""An offline bundle -> a server: level by level, checked, and each thing once."""

from mfwb.sink.client import process_wide  # noqa: F401 - the first to import wandb
from mfwb.sink.push.pusher import BundlePusher, open_pusher

__all__ = ["BundlePusher", "open_pusher"]
