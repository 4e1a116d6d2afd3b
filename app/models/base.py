"""What tables share."""

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, Enum, ForeignKeyConstraint, Identity, func
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, db
from app.core.tenancy import TenantOwned

if TYPE_CHECKING:
    Model = Base
else:
    Model = db.Model

__all__ = ["Created", "Keyed", "Model", "TenantOwned", "belongs_to", "text_enum"]


class Keyed:
    """A generated bigint primary key."""

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, sort_order=-2)


class Created:
    """When the row was written."""

    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), sort_order=90)


def text_enum(kind: type[StrEnum], name: str | None = None) -> Enum:
    """An enum kept as text with a CHECK: a native one hides new members from migrations.

    `name` is the CHECK's, for a table that has two columns of one enum.
    """
    return Enum(
        kind,
        native_enum=False,
        create_constraint=True,
        length=32,
        name=name or kind.__name__.lower(),
        values_callable=lambda members: [member.value for member in members],
    )


def belongs_to(parent: str, column: str) -> ForeignKeyConstraint:
    """A reference inside one tenant: (tenant_id, column) -> parent (tenant_id, id), so none can cross tenants."""
    return ForeignKeyConstraint(
        ["tenant_id", column], [f"{parent}.tenant_id", f"{parent}.id"], ondelete="CASCADE"
    )
