"""An offline bundle -> a server: level by level, checked, and each thing once."""

from mfwb.sink.push.pusher import BundlePusher, open_pusher

__all__ = ["BundlePusher", "open_pusher"]
