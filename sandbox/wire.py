"""What both ends of HTTP/1.1 need: header fields and bodies, sized or chunked."""

CRLF = b"\r\n"


class BadMessage(Exception):
    """The other side does not speak HTTP/1.1, or says too much; `status` is the answer it deserves."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status


def header_fields(text: str) -> dict[str, str]:
    """Header fields by lower-case name; of a repeated one the last counts."""
    fields = {}
    for line in text.split("\r\n"):
        name, _, value = line.partition(":")
        fields[name.lower()] = value.strip()
    return fields


class Body:
    """Collects one body from a growing buffer, as its header fields say.

    With `until_close` a body without a length ends where the connection does (only answers may do that).
    """

    __slots__ = ("_chunk", "_chunked", "_done", "_limit", "_parts", "_size", "_until_close", "length")

    def __init__(self, headers: dict[str, str], limit: int, *, until_close: bool = False) -> None:
        self._chunked = "chunked" in headers.get("transfer-encoding", "").lower()
        length = headers.get("content-length")
        if length is not None and not length.isdigit():
            raise BadMessage(400)
        self._until_close = until_close and length is None and not self._chunked
        self.length = int(length or 0)
        self._limit = limit
        if self.length > limit:
            raise BadMessage(413)
        self._parts: list[bytes] = []
        self._size = 0
        self._chunk = -1
        self._done = False

    def feed(self, buffer: bytearray) -> bool:
        """Take from the front of `buffer` what belongs to the body; True when it is whole."""
        if self._until_close:
            self._take(buffer, len(buffer))
            return False
        if self._chunked:
            return self._feed_chunks(buffer)
        if len(buffer) < self.length:
            return False
        if self.length:
            self._take(buffer, self.length)
        return True

    def data(self) -> bytes:
        """The body without its framing."""
        return b"".join(self._parts)

    def _take(self, buffer: bytearray, size: int) -> None:
        self._size += size
        if self._size > self._limit:
            raise BadMessage(413)
        self._parts.append(bytes(buffer[:size]))
        del buffer[:size]

    def _feed_chunks(self, buffer: bytearray) -> bool:
        while True:
            if self._chunk < 0:
                end = buffer.find(CRLF)
                if end < 0:
                    return False
                if self._done:
                    # Trailer fields are skipped; an empty line ends the message.
                    del buffer[: end + 2]
                    if end == 0:
                        return True
                    continue
                self._chunk = self._chunk_size(bytes(buffer[:end]))
                del buffer[: end + 2]
            if self._chunk == 0:
                self._done, self._chunk = True, -1
                continue
            if len(buffer) < self._chunk + 2:
                return False
            self._take(buffer, self._chunk)
            del buffer[:2]
            self._chunk = -1

    @staticmethod
    def _chunk_size(line: bytes) -> int:
        try:
            return int(line.partition(b";")[0], 16)
        except ValueError:
            raise BadMessage(400) from None
