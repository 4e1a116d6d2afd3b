"""Who shall get credits that a member gives away, from what he wrote."""

from app.domain.credit_transfers import (
    ReceiverIsSender,
    SeveralReceivers,
    UnknownReceiver,
    read_receiver,
)
from app.models import Member
from app.services import members


def find(tenant_id: int, sender: int, written: str) -> Member:
    """The member by @username, t.me link or Telegram number. Raises what `read_receiver` and `get` raise, SeveralReceivers."""
    wanted = read_receiver(written)
    if isinstance(wanted, int):
        return get(tenant_id, sender, wanted)
    found = members.named(tenant_id, wanted)
    if not found:
        raise UnknownReceiver
    if len(found) > 1:
        raise SeveralReceivers
    return get(tenant_id, sender, found[0].telegram_id)


def get(tenant_id: int, sender: int, telegram_id: int) -> Member:
    """Raises ReceiverIsSender, UnknownReceiver."""
    if telegram_id == sender:
        raise ReceiverIsSender
    member = members.find(tenant_id, telegram_id)
    if member is None:
        raise UnknownReceiver
    return member
