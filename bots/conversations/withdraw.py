"""A promoter asks to be paid: currency, amount, where to, and one confirmation."""

import re
import secrets
import unicodedata

from app.core.crypto import box
from app.core.i18n import N_
from app.domain.affiliates import WithdrawalState
from app.domain.form_answers import TOLD
from app.domain.money import Money, read_money
from app.models import Promoter, Withdrawal
from app.services.affiliates import ledger, terms, withdrawals
from app.services.affiliates.ledger import BalanceTooLow
from app.services.affiliates.telling import OPEN
from app.services.affiliates.terms import Terms
from app.services.affiliates.wording import STATES
from bots import promoting
from bots.conversations.lotteries import at_home
from bots.conversations.promote import WITHDRAWING
from bots.keyboards import Button, ButtonExpired, Keyboard, data
from bots.router import Context, Router

router = Router()
AMOUNT, WHERE, CONFIRM = f"{WITHDRAWING}amount", f"{WITHDRAWING}where", f"{WITHDRAWING}confirm"
SHOWN = 5
_THOUSANDS = re.compile(r",(?=[0-9]{3}(?![0-9]))")
_SIGNS = " \n¥$€£元块"


@router.button("prwd")
def withdraw_button(ctx: Context) -> None:
    at_home(ctx)
    withdraw_page(ctx)


def withdraw_page(ctx: Context) -> None:
    """His latest wishes, and a button for each currency of which he has enough."""
    with ctx.transaction():
        promoter = promoting.the_promoter(ctx)
        rules = terms.load(promoter.tenant_id)
        balances = ledger.balances(promoter.id)
        latest = withdrawals.list_of(promoter.id, SHOWN)
    lines = [ctx.t(N_("💸 Withdraw")), *_balances(ctx, balances, rules)]
    lines += [_line(ctx, one) for one in latest]
    ready = [
        [_currency_button(ctx, balances, currency)]
        for currency, minor in balances.items()
        if minor >= rules.least_of(currency)
    ]
    cancels = [[_cancel_button(ctx, one)] for one in latest if one.state is WithdrawalState.REQUESTED]
    ctx.show("\n\n".join(lines), Keyboard([*ready, *cancels, [promoting.back_button(ctx)]]))


def _balances(ctx: Context, balances: dict[str, int], rules: Terms) -> list[str]:
    if not any(minor > 0 for minor in balances.values()):
        return [ctx.t(N_("There is nothing to withdraw yet. Your commissions collect here."))]
    line = N_("Balance: %(balance)s (smallest withdrawal: %(least)s)")
    return [
        ctx.t(
            line,
            balance=ctx.place.money(minor, currency),
            least=ctx.place.money(rules.least_of(currency), currency),
        )
        for currency, minor in balances.items()
        if minor
    ]


def _currency_button(ctx: Context, balances: dict[str, int], currency: str) -> Button:
    label = ctx.t(N_("Withdraw from %(balance)s"), balance=ctx.place.money(balances[currency], currency))
    return Button(label, data("prcur", currency))


def _line(ctx: Context, one: Withdrawal) -> str:
    state = ctx.t(TOLD, question=ctx.place.money(one.amount, one.currency), answer=ctx.t(STATES[one.state]))
    line = f"{ctx.place.short_time(one.created_at)}  {state}"
    return f"{line}\n   {one.reason}" if one.reason else line


@router.button("prcur")
def currency_button(ctx: Context) -> None:
    at_home(ctx)
    currency = ctx.press.word()
    balance, rules = _look(ctx, currency)
    if balance < rules.least_of(currency):
        raise ButtonExpired
    ctx.expect(AMOUNT, currency=currency)
    text = N_(
        "You have %(balance)s. How much shall be paid out?\n\nPress the button for everything, or write an amount."
    )
    everything = ctx.t(N_("Everything: %(balance)s"), balance=ctx.place.money(balance, currency))
    rows = [[Button(everything, data("prall", currency))], [promoting.back_button(ctx)]]
    ctx.show(ctx.t(text, balance=ctx.place.money(balance, currency)), Keyboard(rows))


@router.button("prall")
def everything_button(ctx: Context) -> None:
    at_home(ctx)
    currency = ctx.press.word()
    balance, rules = _look(ctx, currency)
    _ask_where(ctx, _checked(ctx, Money(balance, currency), balance, rules))


@router.step(AMOUNT)
def amount_written(ctx: Context) -> None:
    """A refused amount leaves the question open: he writes another."""
    currency = str(_known(ctx)["currency"])
    wanted = read_money(_bare(ctx.event.text), currency)
    balance, rules = _look(ctx, currency)
    _ask_where(ctx, _checked(ctx, wanted, balance, rules))


def _bare(text: str) -> str:
    """The number of what people write: `¥20`, `20元`, `1,000.50`, full-width digits."""
    return _THOUSANDS.sub("", unicodedata.normalize("NFKC", text)).strip(_SIGNS)


def _checked(ctx: Context, wanted: Money, balance: int, rules: Terms) -> Money:
    least = rules.least_of(wanted.currency)
    if wanted.minor < least:
        raise withdrawals.TooLittle(least=ctx.place.money(least, wanted.currency))
    if wanted.minor > balance:
        raise BalanceTooLow
    return wanted


def _ask_where(ctx: Context, wanted: Money) -> None:
    ctx.expect(WHERE, currency=wanted.currency, minor=wanted.minor)
    text = N_(
        "%(amount)s. Where shall it go?\n\nWrite it in one message, for example: Alipay 138... (your name), or a USDT address"
        " with its network. Only the people who run this shop can read it."
    )
    ctx.show(
        ctx.t(text, amount=ctx.place.money(wanted.minor, wanted.currency)),
        Keyboard([[promoting.back_button(ctx)]]),
    )


@router.step(WHERE)
def where_written(ctx: Context) -> None:
    """What he wrote waits encrypted for his confirmation."""
    known, pay_to = _known(ctx), withdrawals.read_pay_to(ctx.event.text)
    nonce = secrets.token_hex(8)
    ctx.expect(CONFIRM, **{**known, "pay_to": box().encrypt(pay_to), "nonce": nonce})
    text = N_("Please check:\n\nAmount: %(amount)s\nTo: %(pay_to)s\n\nShall I send this to the shop?")
    amount = ctx.place.money(_minor(known), str(known["currency"]))
    rows = [
        [Button(ctx.t(N_("✅ Yes, send it")), data("prok", nonce))],
        [Button(ctx.t(N_("✖️ No")), data(OPEN))],
    ]
    ctx.say(ctx.t(text, amount=amount, pay_to=pay_to), Keyboard(rows))


@router.step(CONFIRM)
def written_instead_of_pressed(ctx: Context) -> None:
    ctx.say(ctx.t(N_("Please press one of the two buttons above.")))


@router.button("prok")
def confirm_button(ctx: Context) -> None:
    """Pressed again, or handled again after a crash, it finds the wish that it made."""
    at_home(ctx)
    nonce, step = ctx.press.word(), ctx.step
    made_by = f"bot:{nonce}"
    with ctx.transaction():
        promoter = promoting.the_promoter(ctx)
        made = withdrawals.find_made_by(promoter, made_by)
        if made is None:
            if step is None or step.name != CONFIRM or step.data.get("nonce") != nonce:
                raise ButtonExpired
            made = _request(promoter, step.data, made_by)
    if step is not None and step.name == CONFIRM:
        ctx.forget()
    _show_made(ctx, made)


def _request(promoter: Promoter, known: dict[str, object], made_by: str) -> Withdrawal:
    wanted = Money(_minor(known), str(known["currency"]))
    return withdrawals.request(promoter, wanted, box().decrypt(str(known["pay_to"])), made_by)


def _show_made(ctx: Context, made: Withdrawal) -> None:
    text = N_("💸 %(amount)s: %(state)s\n\nYou will hear from me as soon as the shop has decided.")
    rows = [[promoting.back_button(ctx)]]
    if made.state is WithdrawalState.REQUESTED:
        rows.insert(0, [_cancel_button(ctx, made)])
    amount = ctx.place.money(made.amount, made.currency)
    ctx.show(ctx.t(text, amount=amount, state=ctx.t(STATES[made.state])), Keyboard(rows))


def _cancel_button(ctx: Context, made: Withdrawal) -> Button:
    label = ctx.t(
        N_("↩️ Cancel the withdrawal of %(amount)s"), amount=ctx.place.money(made.amount, made.currency)
    )
    return Button(label, data("prcancel", made.id))


@router.button("prcancel")
def cancel_button(ctx: Context) -> None:
    """Only his own, and only while nobody has decided."""
    at_home(ctx)
    wanted = ctx.press.id()
    with ctx.transaction():
        cancelled = withdrawals.cancel(wanted, promoting.the_promoter(ctx))
    back = N_("Cancelled. %(amount)s is back in your balance.")
    ctx.toast(ctx.t(back, amount=ctx.place.money(cancelled.amount, cancelled.currency)), alert=True)
    withdraw_page(ctx)


def _look(ctx: Context, currency: str) -> tuple[int, Terms]:
    """His balance in a currency, and the tenant's terms."""
    with ctx.transaction():
        promoter = promoting.the_promoter(ctx)
        return ledger.balances(promoter.id).get(currency, 0), terms.load(promoter.tenant_id)


def _known(ctx: Context) -> dict[str, object]:
    if ctx.step is None:
        raise ButtonExpired
    return ctx.step.data


def _minor(known: dict[str, object]) -> int:
    minor = known["minor"]
    if not isinstance(minor, int):
        raise ButtonExpired
    return minor
