"""Files that are sold, and reports that were made."""

from sqlalchemy import CheckConstraint, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.domain.products import MAX_FILE
from app.models.base import Created, Keyed, Model, TenantOwned


class StoredFile(Keyed, Created, TenantOwned, Model):
    """A file's bytes, once per tenant. `sha256` is hex and is checked again before the file is sent."""

    __tablename__ = "stored_file"

    sha256: Mapped[str]
    name: Mapped[str]
    mime: Mapped[str]
    data: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)

    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        UniqueConstraint("tenant_id", "sha256"),
        CheckConstraint(f"octet_length(data) BETWEEN 1 AND {MAX_FILE}", name="size"),
    )
