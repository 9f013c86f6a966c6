"""1 read: Metaflow -> snapshot, and bytes on demand. The only place that imports metaflow."""

from mfwb.source.session import current_provider, open_source

__all__ = ["current_provider", "open_source"]
