"""Pictures, sounds, films, documents and arrays: all that a W&B run shows without being asked."""

import numpy as np
from media_files import NOTES, PAGE, TAG, huge, picture, sound
from metaflow import FlowSpec, step
from PIL import Image


class PicturesFlow(FlowSpec):
    """start -> draw x 3 -> join -> end."""

    @step
    def start(self):
        """Make one of each."""
        self.image = Image.new("RGB", (60, 40), (200, 30, 30))
        self.plot = picture(64, 10)
        self.photo = picture(64, 20, form="JPEG")
        self.web = picture(64, 30, form="WEBP")
        self.wide = picture(300, 40) + b"more"
        self.animation = picture(32, 50, form="GIF")
        self.tone = sound()
        self.film = b"\0\0\0\x20ftypisom\0\0\2\0" + bytes(1_000)
        self.paper = b"%PDF-1.7\n" + bytes(500)
        self.plain = b"nothing of a file in here, only bytes"
        self.cut = picture(64, 60)[:-30]
        self.bomb = huge()
        self.page = PAGE
        self.notes_md = NOTES
        self.tag = TAG
        self.samples = [Image.new("L", (20 + n, 20), 40 * n) for n in range(4)]
        self.classes = {"cat": Image.new("RGB", (20, 20)), "dog": [Image.new("1", (9, 9))]}
        self.many = [Image.new("L", (4, 4), n) for n in range(60)]
        self.weights = np.linspace(-1.0, 1.0, 1_000) ** 3
        self.few = np.arange(4)
        self.confusion = np.array([[50, 2, 0], [3, 40, 7], [1, 0, 60]])
        self.wide_matrix = np.zeros((60, 60))
        self.shades = list(range(3))
        self.next(self.draw, foreach="shades")

    @step
    def draw(self):
        """Draw one picture per item."""
        self.sketch = picture(32, 70 * self.input)
        self.portrait = Image.new("RGB", (16, 16), (70 * self.input, 0, 0))
        self.next(self.join)

    @step
    def join(self, inputs):
        """Count the pictures."""
        self.drawn = len(list(inputs))
        self.next(self.end)

    @step
    def end(self):
        """Make nothing."""


if __name__ == "__main__":
    PicturesFlow()
