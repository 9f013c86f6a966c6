"""Pickled images -> PNG, and matplotlib figures -> PNG where matplotlib is installed.

Pillow, which mfwb requires, is imported only in the confined process that converts.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from mfwb import pickles
from mfwb.pickles.allowlist import PLAIN

__all__ = [
    "PickledImage",
    "load_pickled_image",
    "load_pickled_images",
    "open_image",
    "to_pillow_image",
    "write_figure_png",
    "write_image_png",
]

PIXELS_LIMIT = 50_000_000
_TOO_LARGE = "the image is too large to be shown"
SIDE_LIMIT = 2048
"""Pixels; larger images are scaled down, since a preview needs no more."""

_PNG_MODES = frozenset({"1", "L", "LA", "P", "RGB", "RGBA", "I;16"})
_PALETTE_MODES = frozenset({"L", "P"})
_PLAIN_STATE = 5  # info, mode, size, palette, pixels; image formats add items not used here


class PickledImage:
    """Stand-in for any pickled object of Pillow: keeps its state, and does nothing with it."""

    state: Any = None

    def __new__(cls, *_arguments: Any, **_options: Any) -> PickledImage:  # noqa: PYI034 - Python 3.10
        """Accept any arguments of the pickle."""
        return super().__new__(cls)

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _WithPillow(Mapping[str, Callable[[], Any]]):
    """Allow-list of plain names and of every class of Pillow, for which there is a stand-in."""

    def __getitem__(self, name: str) -> Callable[[], Any]:
        if name.startswith("PIL."):
            return lambda: PickledImage
        return PLAIN[name]

    def __iter__(self) -> Iterator[str]:
        return iter(PLAIN)

    def __len__(self) -> int:
        return len(PLAIN)


_ALLOWED = _WithPillow()


def load_pickled_image(data: bytes) -> PickledImage:
    """Return the parts of a pickled Pillow image; any error for another value. Needs no Pillow."""
    value = pickles.loads(data, _ALLOWED)
    if not isinstance(value, PickledImage):
        raise pickle.UnpicklingError("it is not a Pillow image")
    _check_state(value)
    return value


def load_pickled_images(data: bytes) -> Any:
    """Return a pickled container with stand-ins for the Pillow images in it; else any error."""
    return pickles.loads(data, _ALLOWED)


def write_image_png(image: PickledImage, path: Path, *, whole: Path | None = None) -> None:
    """Write a PNG for a page; ValueError, TypeError: it is no image, or one that is too large.

    Args:
        image: the parts of the image.
        path: of the PNG, which has at most SIDE_LIMIT pixels to a side.
        whole: a path for a PNG with all pixels.
    """
    shown = to_pillow_image(image)
    if whole is not None:
        shown.save(whole, format="PNG")
    shown.thumbnail((SIDE_LIMIT, SIDE_LIMIT))
    shown.save(path, format="PNG")


def to_pillow_image(image: PickledImage) -> Any:
    """Return an image of Pillow in a mode that PNG has.

    Raises:
        ValueError, TypeError: the parts form no image, or it is too large for a preview.
    """
    _check_state(image)
    _, mode, size, palette, pixels = image.state[:_PLAIN_STATE]
    width, height = _check_pixels(size)
    if not isinstance(mode, str) or not isinstance(pixels, bytes):
        raise TypeError("the parts of the image are of other types")
    shown = import_module("PIL.Image").frombytes(mode, (width, height), pixels)
    if palette and mode in _PALETTE_MODES:
        shown.putpalette(palette)
    if mode not in _PNG_MODES:
        shown = shown.convert("RGB")
    return shown


def write_figure_png(figure: Any, path: Path) -> None:
    """Write a PNG of a matplotlib figure from a trusted pickle; TypeError for another value."""
    if not isinstance(figure, import_module("matplotlib.figure").Figure):
        raise TypeError(f"a {type(figure).__name__} is not a matplotlib figure")
    width, height = figure.get_size_inches()
    if width * height * figure.dpi**2 > PIXELS_LIMIT:
        raise ValueError("the figure is too large to be shown")
    figure.savefig(path, format="png")


def open_image(content: bytes, format_: str) -> Any:
    """Return the image in a file of a known format, decoded to its end; else any error.

    Args:
        content: of the file.
        format_: Pillow's name of the format; the content is read as no other.
    """
    pillow = import_module("PIL.Image")
    try:
        image = pillow.open(io.BytesIO(content), formats=[format_])
    except pillow.DecompressionBombError:
        raise ValueError(_TOO_LARGE) from None
    except pillow.UnidentifiedImageError:
        raise ValueError("its content is not that of an image") from None
    _check_pixels(image.size)
    image.load()
    return image


def _check_state(image: PickledImage) -> None:
    if not isinstance(image.state, list) or len(image.state) < _PLAIN_STATE:
        raise pickle.UnpicklingError("its image is pickled in another way")


def _check_pixels(size: Any) -> tuple[int, int]:
    """Return width and height of an image; ValueError if a page could not show it."""
    width, height = size
    if type(width) is not int or type(height) is not int or min(width, height) < 1:
        raise ValueError("the size of the image is not valid")
    if width * height > PIXELS_LIMIT:
        raise ValueError(_TOO_LARGE)
    return width, height
