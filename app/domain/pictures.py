"""Rules of pictures that a boss uploads."""

MAX_BYTES = 5 * 1024 * 1024
MAX_SIDES = 10_000
"""Width and height together, as Telegram wants it of a photo."""
MIMES = frozenset({"image/jpeg", "image/png", "image/webp"})
