"""What each plan allows."""

from enum import StrEnum


class Plan(StrEnum):
    BASIC = "basic"
    PRO = "pro"
    ENTERPRISE = "enterprise"


BOTS: dict[Plan, int | None] = {Plan.BASIC: 1, Plan.PRO: 5, Plan.ENTERPRISE: None}
"""Bots a tenant may have; None = as many as it likes."""
