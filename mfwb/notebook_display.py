"""How a notebook shows what calls return: as HTML, which the layer above makes.

Results do not know how they look. `mfwb.api`, which gives them to users, sets the function that
makes HTML of them; without it, as in the command line, a notebook would show their text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["ShownInNotebooks", "set_html_renderer"]

_renderers: list[Callable[[Any], str]] = []


def set_html_renderer(renderer: Callable[[Any], str]) -> None:
    """Set the function that returns the HTML of a value, safe to be put into a page."""
    _renderers[:] = [renderer]


class ShownInNotebooks:
    """A value that a notebook shows as HTML."""

    __slots__ = ()

    def _repr_html_(self) -> str | None:
        """Return what a notebook shows; None: the text."""
        return _renderers[0](self) if _renderers else None
