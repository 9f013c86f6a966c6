"""Pictures, sounds, films, documents and arrays: all that a W&B run shows without being asked."""

import io
import struct
import zlib

import numpy as np
from metaflow import FlowSpec, step
from PIL import Image


def picture(side, shade, **options):
    """Return a picture file, a PNG unless a format is given."""
    file = io.BytesIO()
    Image.new("RGB", (side, side // 2), (shade, 80, 160)).save(file, **{"format": "PNG", **options})
    return file.getvalue()


def huge():
    """Return a PNG of a few hundred bytes that says it has more pixels than fit into memory."""
    header = struct.pack(">2I5B", 60_000, 60_000, 8, 0, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b"")]
    chunks = [
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in parts
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def sound():
    """Return a WAV file of a tenth of a second."""
    samples = (np.sin(np.arange(800) / 3) * 20_000).astype("<i2").tobytes()
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 8_000, 16_000, 2, 16)
    body = b"WAVE" + form + struct.pack("<4sI", b"data", len(samples)) + samples
    return struct.pack("<4sI", b"RIFF", len(body)) + body


class PicturesFlow(FlowSpec):
    """start -> draw x 3 -> join -> end."""

    @step
    def start(self):
        """Make one of each."""
        self.image = Image.new("RGB", (60, 40), (200, 30, 30))
        self.plot = picture(64, 10)
        self.photo = picture(64, 20, format="JPEG")
        self.web = picture(64, 30, format="WEBP")
        self.wide = picture(300, 40) + b"more"
        self.animation = picture(32, 50, format="GIF")
        self.tone = sound()
        self.film = b"\0\0\0\x20ftypisom\0\0\2\0" + bytes(1_000)
        self.paper = b"%PDF-1.7\n" + bytes(500)
        self.plain = b"nothing of a file in here, only bytes"
        self.cut = picture(64, 60)[:-30]
        self.bomb = huge()
        self.page = "<!DOCTYPE html><html><body><h1>Résumé</h1></body></html>\r\n"
        self.notes_md = "# Notes\n\n- *one*\n- <script>alert(1)</script>\n"
        self.tag = "<html is not how this starts, only a text>"[1:]
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
        """Keep nothing."""
        self.next(self.end)

    @step
    def end(self):
        """Make nothing."""


if __name__ == "__main__":
    PicturesFlow()
