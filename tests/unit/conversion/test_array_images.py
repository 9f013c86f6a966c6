"""Arrays -> images."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mfwb.conversion.array_images import images_of_array


@pytest.mark.parametrize(
    ("shape", "total", "mode", "size"),
    [
        ((4, 6), 1, "L", (6, 4)),
        ((4, 6, 1), 1, "L", (6, 4)),
        ((4, 6, 3), 1, "RGB", (6, 4)),
        ((4, 6, 4), 1, "RGBA", (6, 4)),
        ((5, 4, 6), 5, "L", (6, 4)),
        ((5, 4, 6, 3), 5, "RGB", (6, 4)),
        ((5, 4, 6, 1), 5, "L", (6, 4)),
    ],
)
def test_shapes(shape: tuple[int, ...], total: int, mode: str, size: tuple[int, int]) -> None:
    """Rows and columns, channels, and a series of these."""
    count, images = images_of_array(np.zeros(shape, np.uint8))

    made = list(images)
    assert (count, len(made)) == (total, total)
    assert {(image.mode, image.size) for image in made} == {(mode, size)}


@pytest.mark.parametrize(
    ("array", "pixels"),
    [
        (np.array([[0, 7, 255]], np.uint8), [0, 7, 255]),
        (np.array([[0.0, 0.5, 1.0]]), [0, 128, 255]),
        (np.array([[0.0, np.nan, 1.0]]), [0, 0, 255]),
        (np.array([[False, True]]), [0, 255]),
        (np.array([[0, 200, 255]]), [0, 200, 255]),
        (np.array([[0, 1, 1]]), [0, 1, 1]),
        (np.array([[-1.0, 0.0, 1.0]]), [0, 128, 255]),
        (np.array([[0, 1000]]), [0, 255]),
        (np.array([[-5.0, -5.0]]), [0, 0]),
    ],
)
def test_pixels(array: Any, pixels: list[int]) -> None:
    """Bytes stay, fractions and other ranges are stretched."""
    _, images = images_of_array(array)

    [image] = images
    assert list(image.tobytes()) == pixels


@pytest.mark.parametrize(
    "array",
    [np.zeros(5), np.zeros((2, 3, 4, 5)), np.zeros((1, 1, 1, 1, 1)), np.array([["a"]])],
)
def test_no_images(array: Any) -> None:
    """Other shapes and types are refused."""
    with pytest.raises((ValueError, TypeError), match="has no images"):
        images_of_array(array)
