"""Rules of pictures that a boss uploads."""

MAX_BYTES = 5 * 1024 * 1024
MAX_SIDES = 10_000
"""Width and height together, as Telegram wants it of a photo."""
MAX_RATIO = 20
"""How many times longer than the other side one may be, as Telegram wants it too."""
LONGEST_SIDE = 2560
"""Larger ones are made smaller: Telegram shows no more than that."""
MIMES = frozenset({"image/jpeg", "image/png", "image/webp"})
"""What a boss may upload. What is kept is JPEG, or PNG where it has transparent parts."""
