"""The boss and the credits of a member: looked up, given or taken with a reason, after one confirmation."""

from typing import Final

from app.core.errors import AppError, NotFound
from app.core.i18n import N_
from app.domain.credit_transfers import read_credits
from app.domain.credits import ADMIN, MAX_REASON, InsufficientCredits
from app.domain.members import clean_name, profile_link, shown_name
from app.models import Member
from app.services import members
from app.services.credits import by_hand, holds, reading, receivers, statement
from app.services.credits.posting import find_earlier
from bots import bossing, giving, nonces, points
from bots.keyboards import Button, ButtonExpired, Keyboard, data
from bots.router import Context, Router

router = Router()
ASK: Final = "adpt"
"""The button that asks whose credits."""
WHO, AMOUNT, REASON, CONFIRM = "ad_points_who", "ad_points_amount", "ad_points_reason", "ad_points_confirm"
_GIVE, _TAKE = "give", "take"
_LINES: Final = 5
_WHO: Final = N_(
    "💰 Credits of a member\n\nWhose? Send me the @username, a t.me link or the Telegram number, or forward me a message of"
    " that person."
)


@router.button(ASK)
def ask_button(ctx: Context) -> None:
    with bossing.acting(ctx):
        pass
    ctx.expect(WHO)
    ctx.show(ctx.t(_WHO), Keyboard([[bossing.back(ctx)]]))


@router.step(WHO)
def who_sent(ctx: Context) -> None:
    """Whom nobody knows leaves the question open."""
    with bossing.acting(ctx):
        member = receivers.look_up(ctx.config.tenant_id, giving.written(ctx))
        page = _page(ctx, member)
    ctx.leave()
    ctx.say(*page)


@router.button("adptm")
def member_button(ctx: Context) -> None:
    """Back to the member; whatever was asked about him is over."""
    with bossing.acting(ctx):
        page = _page(ctx, _member(ctx, ctx.press.id()))
    ctx.leave()
    ctx.show(*page)


def _page(ctx: Context, member: Member) -> tuple[str, Keyboard]:
    tenant_id, telegram_id = member.tenant_id, member.telegram_id
    page, held = statement.page(tenant_id, telegram_id), holds.list_of(tenant_id, telegram_id)
    lines = page.lines[:_LINES]
    names = points.names_of(tenant_id, [one.source for one in lines] + [one.source for one in held])
    head = f"👤 {_name(member)}"
    link = profile_link(member.username)
    blocks = [
        f"{head}\n{link}" if link else head,
        points.balance(ctx, reading.standing(tenant_id, telegram_id), held, names),
        *points.history(ctx, lines, names),
    ]
    rows = [
        [
            Button(ctx.t(N_("🎁 Give credits")), data("adptgo", member.id, _GIVE)),
            Button(ctx.t(N_("↩️ Take credits")), data("adptgo", member.id, _TAKE)),
        ],
        [Button(ctx.t(N_("🔎 Somebody else")), data(ASK)), bossing.back(ctx)],
    ]
    return "\n\n".join(blocks), Keyboard(rows)


@router.button("adptgo")
def deed_button(ctx: Context) -> None:
    member_id, deed = ctx.press.id(), ctx.press.word(1)
    if deed not in {_GIVE, _TAKE}:
        raise ButtonExpired
    with bossing.acting(ctx):
        member = _member(ctx, member_id)
    ctx.expect(AMOUNT, member=member_id, deed=deed)
    text = N_("How many credits shall %(name)s get?")
    if deed == _TAKE:
        text = N_("How many credits shall be taken from %(name)s?")
    ctx.show(ctx.t(text, name=_name(member)), Keyboard([[bossing.back(ctx, "adptm", member_id)]]))


@router.step(AMOUNT)
def amount_written(ctx: Context) -> None:
    amount, known = read_credits(ctx.event.text), _known(ctx)
    with bossing.acting(ctx):
        member = _member(ctx, _number(known, "member"))
        have = reading.standing(member.tenant_id, member.telegram_id).available
    if known["deed"] == _TAKE and amount > have:
        raise InsufficientCredits(balance=have)
    ctx.expect(REASON, **known, amount=amount)
    text = N_("For what reason? It stays in the history for good, and the member can read it.")
    ctx.say(ctx.t(text), Keyboard([[bossing.back(ctx, "adptm", member.id)]]))


@router.step(REASON)
def reason_written(ctx: Context) -> None:
    """Everything once more; the button of an older page does nothing any more."""
    known, reason = _known(ctx), clean_name(" ".join(ctx.event.text.split()), MAX_REASON)
    if not reason:
        ctx.say(ctx.t(N_("Please write it as a text message.")))
        return
    with bossing.acting(ctx):
        member = _member(ctx, _number(known, "member"))
        before = reading.balance(member.tenant_id, member.telegram_id)
    amount, nonce = _signed(known), nonces.new()
    ctx.expect(CONFIRM, **known, reason=reason, nonce=nonce)
    lines = [
        ctx.t(N_("Please check:")),
        "",
        f"👤 {_name(member)}",
        ctx.t(N_("Credits: %(amount)s"), amount=f"{amount:+,}"),
        ctx.t(N_("Reason: %(reason)s"), reason=reason),
        ctx.t(N_("Balance afterwards: %(balance)s"), balance=points.number(before + amount)),
    ]
    yes = N_("✅ Yes, give %(amount)s") if amount > 0 else N_("✅ Yes, take %(amount)s")
    rows = [
        [Button(ctx.t(yes, amount=points.number(abs(amount))), data("adptok", nonce))],
        [bossing.back(ctx, "adptm", member.id)],
    ]
    ctx.say("\n".join(lines), Keyboard(rows))


@router.step(CONFIRM)
def written_instead_of_pressed(ctx: Context) -> None:
    ctx.say(ctx.t(N_("Please press one of the buttons above.")))


@router.button("adptok")
def confirm_button(ctx: Context) -> None:
    """Pressed again, or handled again after a crash, it tells what it did the first time."""
    nonce = nonces.pressed(ctx)
    known, reference = nonces.find_open(ctx, CONFIRM, nonce), f"bot-{nonce}"
    try:
        with bossing.acting(ctx):
            done = find_earlier(ctx.config.tenant_id, [(ADMIN, reference)]).get((ADMIN, reference))
            if done is None and known is None:
                raise ButtonExpired
            balance = done.balance if done is not None else _post(ctx, known or {}, reference)
    except InsufficientCredits as error:
        _refused(ctx, error)
        return
    if known is not None:
        ctx.forget()
    text = ctx.t(N_("Done. The balance is now %(balance)s."), balance=points.number(balance))
    ctx.show(text, Keyboard([[Button(ctx.t(N_("🔎 Somebody else")), data(ASK)), bossing.back(ctx)]]))


def _post(ctx: Context, known: dict[str, object], reference: str) -> int:
    """The balance after it."""
    member = _member(ctx, _number(known, "member"))
    posting = by_hand.adjust(member, _signed(known), reference=reference, reason=str(known["reason"]))
    return posting.balance


def _refused(ctx: Context, error: AppError) -> None:
    """They were spent meanwhile."""
    ctx.forget()
    ctx.show(error.text(ctx.locale), Keyboard([[bossing.back(ctx, ASK)]]))


def _member(ctx: Context, member_id: int) -> Member:
    """Raises NotFound for whoever is none of this tenant's."""
    member = members.get(ctx.config.tenant_id, member_id)
    if member is None:
        raise NotFound
    return member


def _name(member: Member) -> str:
    return shown_name(member.first_name, member.last_name, member.telegram_id)


def _known(ctx: Context) -> dict[str, object]:
    if ctx.step is None:
        raise ButtonExpired
    return ctx.step.data


def _number(known: dict[str, object], name: str) -> int:
    value = known.get(name)
    if not isinstance(value, int):
        raise ButtonExpired
    return value


def _signed(known: dict[str, object]) -> int:
    amount = _number(known, "amount")
    return amount if known["deed"] == _GIVE else -amount
