"""Pictures for tests."""

import io
from typing import Any

from PIL import Image


def painted(kind: str = "JPEG", *, size: tuple[int, int] = (60, 40), mode: str = "RGB", **more: Any) -> bytes:
    """A picture's file; `more` goes to Pillow's save."""
    image = Image.new(mode, size)
    image.putpixel((1, 1), 1 if mode == "1" else (200, 30, 30, 0)[: len(mode)])
    out = io.BytesIO()
    image.save(out, kind, **more)
    return out.getvalue()
