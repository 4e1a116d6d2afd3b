"""What may come of a call to Telegram, as far as it went wrong."""


class Postpone(Exception):
    """Not now: do this again after `seconds`. Counts as no attempt."""

    def __init__(self, seconds: float, reason: str) -> None:
        super().__init__(f"{reason}, again in {seconds:.1f} s")
        self.seconds = seconds
        self.reason = reason


class SendError(Exception):
    """A call that failed. Texts hold no token, address or content."""

    def __init__(self, method: str, code: int, description: str) -> None:
        super().__init__(f"{method}: {code} {description}")
        self.method = method
        self.code = code
        self.description = description


class TokenRevoked(SendError):
    """Telegram does not know the token: nothing of this bot can be sent until it gets another."""


class Blocked(SendError):
    """The person or group does not want the bot; asking again is pointless."""


class Refused(SendError):
    """Telegram understood and said no; asking again is pointless."""


class Unreachable(SendError):
    """No answer, or the server's own trouble. `unclear` = Telegram may have done it all the same."""

    def __init__(self, method: str, code: int, description: str, *, unclear: bool) -> None:
        super().__init__(method, code, description)
        self.unclear = unclear
