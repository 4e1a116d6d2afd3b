"""What bots and pages call the outcomes, entries and states of promoting."""

from collections.abc import Mapping
from typing import Final

from app.core.i18n import N_
from app.domain.affiliates import EntryKind, Referral, WithdrawalState

OUTCOMES: Final[Mapping[Referral, str]] = {
    Referral.BOUND: N_("Counts for you"),
    Referral.SELF: N_("Your own link: it works for others only"),
    Referral.KNOWN: N_("Knew the shop already, so it doesn't count"),
    Referral.TAKEN: N_("Came by another promoter's link before"),
    Referral.LOOP: N_("Brought you here, so can't be brought by you"),
    Referral.PAUSED: N_("Came while your promoting was paused"),
}
"""For the promoter himself, in words that hurt nobody."""

ENTRIES: Final[Mapping[EntryKind, str]] = {
    EntryKind.EARNED: N_("Commission"),
    EntryKind.REVERSED: N_("Taken back: the order was refunded"),
    EntryKind.WITHDRAWAL: N_("Withdrawal"),
    EntryKind.RETURNED: N_("Withdrawal given back"),
    EntryKind.ADJUSTED: N_("Adjusted by the shop"),
}

STATES: Final[Mapping[WithdrawalState, str]] = {
    WithdrawalState.REQUESTED: N_("Waits for the shop"),
    WithdrawalState.APPROVED: N_("Approved, will be paid"),
    WithdrawalState.PAID: N_("Paid out"),
    WithdrawalState.REFUSED: N_("Refused"),
    WithdrawalState.CANCELLED: N_("Cancelled"),
}
