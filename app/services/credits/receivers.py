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
    """Whom `look_up` finds and who may get something. Raises what it and `get` raise."""
    return get(tenant_id, sender, look_up(tenant_id, written).telegram_id)


def get(tenant_id: int, sender: int, telegram_id: int) -> Member:
    """Raises ReceiverIsSender, UnknownReceiver."""
    if telegram_id == sender:
        raise ReceiverIsSender
    member = members.find(tenant_id, telegram_id)
    if member is None:
        raise UnknownReceiver
    return member


def look_up(tenant_id: int, written: str) -> Member:
    """The member by @username, t.me link or Telegram number.

    Raises what `read_receiver` raises, UnknownReceiver, SeveralReceivers.
    """
    wanted = read_receiver(written)
    if isinstance(wanted, int):
        member = members.find(tenant_id, wanted)
        found = [member] if member is not None else []
    else:
        found = list(members.named(tenant_id, wanted))
    if not found:
        raise UnknownReceiver
    if len(found) > 1:
        raise SeveralReceivers
    return found[0]
