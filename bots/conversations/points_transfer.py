"""A member gives credits to another: to whom, how many, a note where he likes, and one confirmation."""

from typing import Final

from app.core.errors import AppError
from app.core.i18n import N_
from app.domain.credit_transfers import (
    NO_NOTE,
    read_credits,
    read_note,
)
from app.domain.credits import InsufficientCredits, TransferLimit, TransfersOff
from app.models import Member
from app.services.credits import receivers, statement, transfers
from app.services.credits.statement import OPEN, Line
from bots import giving, nonces, points
from bots.conversations.lotteries import at_home
from bots.conversations.points import GIVE, GIVING
from bots.giving import Room
from bots.keyboards import Button, ButtonExpired, Keyboard, data
from bots.router import Context, Router

router = Router()
WHO, AMOUNT, CONFIRM, NOTE = f"{GIVING}who", f"{GIVING}amount", f"{GIVING}confirm", f"{GIVING}note"
_WHO: Final = N_(
    "🔁 Transfer credits\n\nWho shall get them? Send me the @username, a t.me link or the Telegram number, or forward me a"
    " message of that person. It must be somebody who has used this bot. /cancel stops this."
)


@router.button(GIVE)
def give_button(ctx: Context) -> None:
    """Whom? Asked only where there is something to give."""
    at_home(ctx)
    room = _room(ctx)
    if room.available < 1:
        raise InsufficientCredits(balance=max(room.available, 0))
    _check(room, 1)
    ctx.expect(WHO)
    ctx.show(ctx.t(_WHO), Keyboard([[_back(ctx)]]))


@router.step(WHO)
def who_sent(ctx: Context) -> None:
    """A name, a link, a number, a contact or somebody's message; what does not do leaves the question open."""
    room, written = _room(ctx), giving.written(ctx)
    giving.look(ctx)
    with ctx.transaction():
        receiver = receivers.find(ctx.config.tenant_id, ctx.person.telegram_id, written)
    ctx.expect(AMOUNT, to=receiver.telegram_id)
    lines = [ctx.t(N_("Receiver: %(name)s"), name=giving.name_of(ctx, receiver)), ""]
    lines.append(
        ctx.t(
            N_("How many credits? You have %(available)s to give."), available=points.number(room.available)
        )
    )
    if room.left is not None and room.left < room.available:
        lines.append(ctx.t(N_("Today you may give another %(left)s."), left=points.number(room.left)))
    ctx.say("\n".join(lines), Keyboard([[_back(ctx)]]))


@router.step(AMOUNT)
def amount_written(ctx: Context) -> None:
    """A refused amount leaves the question open: he writes another."""
    amount = read_credits(ctx.event.text)
    _check(_room(ctx), amount)
    _ask_sure(ctx, _number(ctx, "to"), amount, NO_NOTE)


def _ask_sure(ctx: Context, to: int, amount: int, note: str) -> None:
    """Each page of confirmation has a nonce of its own, so the button of an older one sends nothing."""
    room, receiver = _room(ctx), _receiver(ctx, to)
    nonce = nonces.new()
    ctx.expect(CONFIRM, to=to, amount=amount, note=note, nonce=nonce)
    lines = [
        ctx.t(N_("Please check:")),
        "",
        ctx.t(N_("Receiver: %(name)s"), name=giving.name_of(ctx, receiver)),
        ctx.t(N_("Credits: %(amount)s"), amount=points.number(amount)),
    ]
    if note != NO_NOTE:
        lines.append(ctx.t(N_("Note: %(note)s"), note=note))
    lines.append(
        ctx.t(N_("Your balance afterwards: %(balance)s"), balance=points.number(room.balance - amount))
    )
    lines += ["", ctx.t(N_("What is given can't be taken back."))]
    rows = [
        [Button(ctx.t(N_("✅ Yes, transfer %(amount)s"), amount=points.number(amount)), data("ptok", nonce))],
        [Button(ctx.t(N_("✏️ Add a note")), data("ptnote", nonce))],
        [Button(ctx.t(N_("✖️ No")), data(OPEN))],
    ]
    ctx.say("\n".join(lines), Keyboard(rows))


@router.step(CONFIRM)
def written_instead_of_pressed(ctx: Context) -> None:
    ctx.say(ctx.t(N_("Please press one of the buttons above.")))


@router.button("ptnote")
def note_button(ctx: Context) -> None:
    at_home(ctx)
    known = nonces.find_open(ctx, CONFIRM, nonces.pressed(ctx))
    if known is None:
        raise ButtonExpired
    ctx.expect(NOTE, to=known["to"], amount=known["amount"])
    ctx.show(ctx.t(N_("What shall I write beside it? One short line; it is shown with your name.")))


@router.step(NOTE)
def note_written(ctx: Context) -> None:
    note = read_note(ctx.event.text)
    if not note:
        ctx.say(ctx.t(N_("Please write it as a text message.")))
        return
    _ask_sure(ctx, _number(ctx, "to"), _number(ctx, "amount"), note)


@router.button("ptok")
def confirm_button(ctx: Context) -> None:
    """Pressed again, or handled again after a crash, it finds the transfer that it made.

    The step is read before the ledger: whoever finds no step any more finds the transfer.
    """
    at_home(ctx)
    nonce = nonces.pressed(ctx)
    known, key = nonces.find_open(ctx, CONFIRM, nonce), f"bot:{nonce}"
    try:
        with ctx.transaction():
            sent = _sent(ctx, key) or (_give(ctx, known, key) if known is not None else None)
    except AppError as error:
        if error.retryable:
            raise
        _refused(ctx, error)
        return
    if known is not None:
        ctx.forget()
    if sent is None:
        ctx.toast(
            ctx.t(N_("Nothing was sent: this transfer is no longer open. Start again with /points.")),
            alert=True,
        )
        return
    text = N_("✅ %(amount)s credits went to %(name)s.\n\nYour balance: %(balance)s")
    name, balance = sent.other or ctx.t(points.SOMEBODY), points.number(sent.balance)
    home = Button(ctx.t(N_("« Main menu")), data("menu"))
    told = ctx.t(text, amount=points.number(-sent.amount), name=name, balance=balance)
    ctx.show(told, Keyboard([[points.button(ctx), home]]))


def _sent(ctx: Context, key: str) -> Line | None:
    return statement.find_sent(ctx.config.tenant_id, ctx.person.telegram_id, key)


def _give(ctx: Context, known: dict[str, object], key: str) -> Line | None:
    tenant_id, me = ctx.config.tenant_id, ctx.person.telegram_id
    receiver, amount, note = (
        receivers.get(tenant_id, me, int(str(known["to"]))),
        int(str(known["amount"])),
        str(known["note"]),
    )
    # The ledger would let him give away what an overdraft lends him.
    _check(giving.room(tenant_id, me), amount)
    made = transfers.transfer(tenant_id, me, receiver.telegram_id, amount, key=key, reason=note)
    giving.tell(ctx, receiver, made.received, note, key)
    return _sent(ctx, key)


def _refused(ctx: Context, error: AppError) -> None:
    """The credits were spent, the boss turned it off, the receiver is gone: nothing has happened, and it is over."""
    ctx.forget()
    nothing = ctx.t(N_("Nothing was transferred."))
    ctx.show(f"{error.text(ctx.locale)}\n\n{nothing}", Keyboard([[points.button(ctx)]]))


def _room(ctx: Context) -> Room:
    """What he can give now. Where the boss does not allow it (any more), the conversation is over; raises TransfersOff."""
    try:
        with ctx.transaction():
            return giving.room(ctx.config.tenant_id, ctx.person.telegram_id)
    except TransfersOff:
        ctx.forget()
        raise


def _check(room: Room, amount: int) -> None:
    if amount > room.available:
        raise InsufficientCredits(balance=room.available)
    if room.left is not None and amount > room.left:
        raise TransferLimit(left=room.left)


def _receiver(ctx: Context, to: int) -> Member:
    with ctx.transaction():
        return receivers.get(ctx.config.tenant_id, ctx.person.telegram_id, to)


def _number(ctx: Context, name: str) -> int:
    value = ctx.step.data.get(name) if ctx.step is not None else None
    if not isinstance(value, int):
        raise ButtonExpired
    return value


def _back(ctx: Context) -> Button:
    return Button(ctx.t(N_("« Back")), data(OPEN))
