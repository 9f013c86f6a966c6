"""A terminal in memory."""

from __future__ import annotations

import io


class Terminal(io.StringIO):
    """A stream that says it is a terminal, 80 columns wide as its size can't be asked."""

    def isatty(self) -> bool:
        """Say so."""
        return True
