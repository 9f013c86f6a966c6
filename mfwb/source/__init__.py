"""Stage 1, read: Metaflow -> snapshot, and bytes on demand. Only this package imports metaflow."""

from mfwb.source.session import current_provider, open_source

__all__ = ["current_provider", "open_source"]
