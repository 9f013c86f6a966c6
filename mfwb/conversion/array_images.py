"""numpy arrays -> images, where the user's settings say that they are images."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

__all__ = ["images_of_array"]

_CHANNELS = frozenset({1, 3, 4})  # grey, RGB, RGBA
_PLANE, _VOLUME, _BATCH = 2, 3, 4  # dimensions


def images_of_array(array: Any) -> tuple[int, Iterator[Any]]:
    """Return how many images an array holds, and an iterator of these, as Pillow's.

    Rows and columns are one grey image; with a last axis of 1, 3 or 4 channels, one image in
    colour. A first axis more is a series of images.
    """
    shape, dimensions = array.shape, array.ndim
    if array.dtype.kind not in "biuf":
        raise TypeError(f"an array of {array.dtype} has no images")
    is_single = dimensions == _PLANE or (dimensions == _VOLUME and shape[-1] in _CHANNELS)
    is_series = dimensions == _VOLUME or (dimensions == _BATCH and shape[-1] in _CHANNELS)
    if not is_single and not is_series:
        raise ValueError(f"an array of the shape {shape} has no images")
    images = [array] if is_single else array
    return len(images), (_to_image(part) for part in images)


def _to_image(pixels: Any) -> Any:
    from PIL import Image  # noqa: PLC0415 - this process may have other work

    flat = pixels[..., 0] if pixels.ndim == _VOLUME and pixels.shape[-1] == 1 else pixels
    return Image.fromarray(_to_bytes(flat))


def _to_bytes(pixels: Any) -> Any:
    """Return pixels from 0 to 255: as they are, from 0 to 1, or from the least to the largest."""
    import numpy as np  # noqa: PLC0415

    if pixels.dtype == np.uint8:
        return np.ascontiguousarray(pixels)
    numbers = np.nan_to_num(pixels.astype(np.float64), posinf=0.0, neginf=0.0)
    low, high = (float(numbers.min()), float(numbers.max())) if numbers.size else (0.0, 0.0)
    is_unit = low >= 0 and high <= 1 and pixels.dtype.kind in "bf"
    if is_unit:
        scaled = numbers * 255
    elif low >= 0 and high <= 255:  # noqa: PLR2004 - the largest byte
        scaled = numbers
    else:
        scaled = (numbers - low) * (255 / ((high - low) or 1))
    return np.ascontiguousarray(scaled.round().astype(np.uint8))
