"""Pictures that a boss uploads for his messages."""

from sqlalchemy import CheckConstraint, Integer, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.domain.pictures import MAX_BYTES
from app.models.base import Created, Keyed, Model, TenantOwned, belongs_to


class Picture(Keyed, Created, TenantOwned, Model):
    """A picture's bytes, once per tenant. `sha256` is hex."""

    __tablename__ = "picture"

    sha256: Mapped[str]
    mime: Mapped[str]
    width: Mapped[int] = mapped_column(Integer)
    height: Mapped[int] = mapped_column(Integer)
    data: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)

    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        UniqueConstraint("tenant_id", "sha256"),
        CheckConstraint(f"octet_length(data) <= {MAX_BYTES}", name="size"),
    )


class PictureFile(TenantOwned, Model):
    """Telegram's name for a picture that a bot has sent once, so that it is uploaded once."""

    __tablename__ = "picture_file"

    picture_id: Mapped[int] = mapped_column(primary_key=True)
    bot_id: Mapped[int] = mapped_column(primary_key=True)
    file_id: Mapped[str]

    __table_args__ = (belongs_to("picture", "picture_id"), belongs_to("bot", "bot_id"))
