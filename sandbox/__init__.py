"""A stand-in for the outside world: the Telegram Bot API over HTTP, with pages for people.

It imports nothing of the platform and the platform imports nothing of it. Run `python -m sandbox`.
"""
