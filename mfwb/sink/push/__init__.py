"""Push of an offline bundle to a server: level by level, verified, and each W&B run once."""

from mfwb.sink.client import process_wide  # noqa: F401 - it has to import wandb first
from mfwb.sink.push.pusher import BundlePusher, open_pusher

__all__ = ["BundlePusher", "open_pusher"]
