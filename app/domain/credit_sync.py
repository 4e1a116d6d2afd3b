"""Sending changes of balances to partners: states, waiting times, and what an answer means."""

from enum import StrEnum


class PartnerState(StrEnum):
    """Whether changes are sent to a partner."""

    ACTIVE = "active"
    PAUSED = "paused"
    """By the boss."""
    GONE = "gone"
    """The partner answered 410: it wants nothing more until the boss starts it again."""


class LetterState(StrEnum):
    """A change that could not be delivered."""

    DEAD = "dead"
    """Refused by the partner; waits for the boss."""
    BEHIND = "behind"
    """A later change of the same account: it may not overtake the dead one."""
    REPLAYING = "replaying"
    DONE = "done"
    DISMISSED = "dismissed"
    """The boss decided that the partner shall never have it."""
