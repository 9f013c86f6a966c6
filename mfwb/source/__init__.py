"""1 read: Metaflow -> snapshot, and bytes on demand. The only place that imports metaflow."""

from mfwb.source.session import open_source

__all__ = ["open_source"]
