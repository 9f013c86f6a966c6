"""Files that `pictures_flow` has in its artifacts, and texts."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

PAGE = "<!DOCTYPE html><html><body><h1>Résumé</h1></body></html>\r\n"
NOTES = "# Notes\n\n- *one*\n- <script>alert(1)</script>\n"
TAG = "A text that only speaks of <html> and so on, and is no page"


def picture(side: int, shade: int, form: str = "PNG") -> bytes:
    """Return a picture file, a PNG unless a format is given."""
    file = io.BytesIO()
    Image.new("RGB", (side, side // 2), (shade, 80, 160)).save(file, format=form)
    return file.getvalue()


def huge() -> bytes:
    """Return a PNG of a few hundred bytes that says it has more pixels than fit into memory."""
    header = struct.pack(">2I5B", 60_000, 60_000, 8, 0, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b"")]
    chunks = [
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in parts
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def sound() -> bytes:
    """Return a WAV file of a tenth of a second."""
    samples = (np.sin(np.arange(800) / 3) * 20_000).astype("<i2").tobytes()
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 8_000, 16_000, 2, 16)
    body = b"WAVE" + form + struct.pack("<4sI", b"data", len(samples)) + samples
    return struct.pack("<4sI", b"RIFF", len(body)) + body
