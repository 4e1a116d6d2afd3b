"""Roles of people inside a tenant, and what each may do."""

from enum import StrEnum


class Role(StrEnum):
    """From most to least; an operator stands outside of this list and above it."""

    OWNER = "owner"
    MANAGER = "manager"
    SUPPORT = "support"
    READ_ONLY = "read_only"


_RANK = {Role.READ_ONLY: 0, Role.SUPPORT: 1, Role.MANAGER: 2, Role.OWNER: 3}


def may(role: Role, needed: Role) -> bool:
    """Whether somebody with `role` may do what asks for `needed` or more."""
    return _RANK[role] >= _RANK[needed]
