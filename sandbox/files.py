"""Files that bots sent: kept in memory, and beside the data file when there is one."""

import re
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from sandbox.shapes import Json

MEMORY = 256 * 1024 * 1024
SAFE_NAME = re.compile(r"[^\w.\-]+")


@dataclass(slots=True)
class Stored:
    """One file; `kind` is "photo" or "document"."""

    file_id: str
    kind: str
    name: str
    content_type: str
    size: int
    width: int = 0
    height: int = 0

    @property
    def unique_id(self) -> str:
        """The id that is the same for all bots."""
        return self.file_id[-16:]

    @property
    def path(self) -> str:
        """Where getFile says it lies."""
        return f"{self.kind}s/{self.unique_id}_{SAFE_NAME.sub('_', self.name) or 'file'}"

    def photo_size(self) -> Json:
        """As a PhotoSize object."""
        return {
            "file_id": self.file_id, "file_unique_id": self.unique_id, "width": self.width, "height": self.height,
            "file_size": self.size,
        }  # fmt: skip

    def document(self) -> Json:
        """As a Document object."""
        return {
            "file_name": self.name, "mime_type": self.content_type, "file_id": self.file_id,
            "file_unique_id": self.unique_id, "file_size": self.size,
        }  # fmt: skip


class Shelf:
    """Files by id. When they outgrow the memory allowed for them, the oldest go."""

    def __init__(self, data: Path | None) -> None:
        self._folder = data.with_suffix(".files") if data is not None else None
        self._bytes: OrderedDict[str, bytes] = OrderedDict()
        self._size = 0
        self.files: dict[str, Stored] = {}

    def clear(self) -> None:
        """Forget all files."""
        self._bytes.clear()
        self._size = 0
        self.files.clear()

    def add(
        self, kind: str, name: str, content_type: str, data: bytes, size: tuple[int, int] = (0, 0)
    ) -> Stored:
        """Keep a file; `size` is the width and height of a photo."""
        file_id = ("AgACAgU" if kind == "photo" else "BQACAgU") + secrets.token_urlsafe(36)
        stored = Stored(file_id, kind, name, content_type, len(data), *size)
        self.files[file_id] = stored
        self._bytes[file_id] = data
        self._size += len(data)
        while self._size > MEMORY:
            self._size -= len(self._bytes.popitem(last=False)[1])
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / stored.unique_id).write_bytes(data)
        return stored

    def read(self, stored: Stored) -> bytes | None:
        """The content, or None when it had to go."""
        data = self._bytes.get(stored.file_id)
        if data is None and self._folder is not None:
            path = self._folder / stored.unique_id
            return path.read_bytes() if path.is_file() else None
        return data

    def by_path(self, path: str) -> Stored | None:
        """The file that getFile named so."""
        return next((stored for stored in self.files.values() if stored.path == path), None)


def image_type(data: bytes) -> str:
    """The content type that the first bytes of a picture tell."""
    if data[:4] == b"\x89PNG":
        return "image/png"
    return "image/gif" if data[:3] == b"GIF" else "image/jpeg"


def image_size(data: bytes) -> tuple[int, int] | None:
    """Width and height of a PNG, JPEG or GIF picture; None for anything else."""
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return int.from_bytes(data[16:20]), int.from_bytes(data[20:24])
    if data[:6] in {b"GIF87a", b"GIF89a"}:
        return int.from_bytes(data[6:8], "little"), int.from_bytes(data[8:10], "little")
    if data[:2] == b"\xff\xd8":
        return jpeg_size(data)
    return None


def jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Walk the segments of a JPEG to its frame header."""
    position = 2
    while position + 9 < len(data):
        marker, length = data[position + 1], int.from_bytes(data[position + 2 : position + 4])
        # C0 to CF start a frame, but C4, C8 and CC are tables.
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            height, width = data[position + 5 : position + 7], data[position + 7 : position + 9]
            return int.from_bytes(width), int.from_bytes(height)
        position += 2 + length
    return None
