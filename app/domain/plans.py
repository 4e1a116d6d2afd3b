"""What each plan allows."""

from enum import StrEnum


class Plan(StrEnum):
    BASIC = "basic"
    PRO = "pro"
    ENTERPRISE = "enterprise"


BOTS: dict[Plan, int | None] = {Plan.BASIC: 1, Plan.PRO: 5, Plan.ENTERPRISE: None}
"""Bots a tenant may have; None = as many as it likes."""

API_CALLS: dict[Plan, int] = {Plan.BASIC: 1_000, Plan.PRO: 10_000, Plan.ENTERPRISE: 100_000}
"""Calls of the API that a tenant may make in an hour."""
