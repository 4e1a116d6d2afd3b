"""PingPong: accounts, payments, what payers do, notifications, and trouble."""

from dataclasses import asdict

from sandbox.control.routes import Params, done, needed, number, route, whole
from sandbox.knobs import EVERYBODY, NoSuchKnob
from sandbox.pingpong import notices
from sandbox.pingpong.book import FINAL, SCHEMES, Account, Charge, Payment, Refund
from sandbox.pingpong.desk import NotNow
from sandbox.shapes import Json
from sandbox.world import Refused, World

RELEASE_ORDERS = frozenset({"sent", "reversed", "shuffled"})


def payment_of(world: World, params: Params) -> Payment:
    """The payment that `reference` names: its merchantTransactionId, or the address of its page.

    Of `account` where several merchants may have it.
    """
    book, reference = world.desk.book, str(needed(params, "reference"))
    account = str(params.get("account") or "")
    if "/pay/" in reference:
        found = book.by_token(reference.rpartition("/")[2])
    else:
        found = book.find(account, reference) if account else book.by_reference(reference)
    if found is None:
        raise Refused("no_such_payment")
    return found


def described(world: World, payment: Payment) -> Json:
    """A payment with its refunds, and the path of its page."""
    refunds = [
        asdict(one) for one in world.desk.book.refunds.values()
        if (one.acc_id, one.reference) == (payment.acc_id, payment.reference)
    ]  # fmt: skip
    return {
        **asdict(payment),
        "transaction": payment.transaction,
        "page": f"/pay/{payment.token}",
        "refunds": refunds,
    }


@route("GET", "pingpong/accounts")
def accounts(world: World, _params: Params) -> Json:
    """All accounts with their salts."""
    return {
        "accounts": [{**asdict(one), "client_id": one.client_id} for one in world.desk.book.accounts.values()]
    }


@route("POST", "pingpong/accounts")
def add_account(world: World, params: Params) -> Json:
    """A new account, or a changed one: `acc_id`, `salt`, `scheme`, `name`."""
    scheme = str(params.get("scheme", "salted-sha256"))
    acc_id = str(needed(params, "acc_id"))
    if scheme not in SCHEMES or len(acc_id) < 4:
        raise Refused("scheme_invalid" if scheme not in SCHEMES else "acc_id_invalid")
    account = Account(acc_id, str(needed(params, "salt")), scheme, str(params.get("name", "演示商户")))
    world.desk.book.accounts[acc_id] = account
    world.dirty = True
    return {**asdict(account), "client_id": account.client_id}


@route("GET", "pingpong/payments")
def payments(world: World, params: Params) -> Json:
    """The newest payments, oldest first: of `account`; `limit` (1,000)."""
    account = params.get("account")
    found = [
        one for one in list(world.desk.book.payments.values()) if account in {None, EVERYBODY, one.acc_id}
    ]
    return {"payments": [described(world, one) for one in found[-whole(params, "limit", 1000) :]]}


@route("GET", "pingpong/payment")
def payment(world: World, params: Params) -> Json:
    """One payment by `reference`."""
    return described(world, payment_of(world, params))


@route("POST", "pingpong/pay")
def pay(world: World, params: Params) -> Json:
    """The payer of `reference` does `what`: pay, again (a second page was open), decline, close."""
    found, desk = payment_of(world, params), world.desk
    acts = {"pay": desk.pay, "again": desk.pay_again, "decline": desk.decline, "close": desk.close}
    act = acts.get(str(params.get("what", "pay")))
    if act is None:
        raise Refused("what_invalid")
    try:
        act(found)
    except NotNow:
        raise Refused("payment_is_final" if found.status in FINAL else "not_paid") from None
    world.dirty = True
    return described(world, found)


@route("POST", "pingpong/pay_all")
def pay_all(world: World, params: Params) -> Json:
    """Everybody pays what is open: of `account` or all."""
    account, paid = params.get("account", EVERYBODY), 0
    for one in list(world.desk.book.payments.values()):
        if account in {EVERYBODY, one.acc_id} and one.status in {"INIT", "FAILED"}:
            world.desk.pay(one)
            paid += 1
    return {"paid": paid}


@route("POST", "pingpong/refund")
def refund_by_hand(world: World, params: Params) -> Json:
    """The merchant gives a charge back in the company's pages: `reference`, `transaction` (the newest charge)."""
    found = payment_of(world, params)
    wanted = str(params.get("transaction") or found.charges[-1].transaction)
    charge = world.desk.book.charge(found, wanted)
    if charge is None or charge.status != "SUCCESS":
        raise Refused("not_paid")
    refund = world.desk.give_back_by_hand(
        found, charge, str(params.get("refund_reference") or f"BYHAND-{charge.transaction}")
    )
    return asdict(refund)


@route("POST", "pingpong/notify")
def notify(world: World, params: Params) -> Json:
    """Notify of `reference` by hand: `type` RECHARGE or REFUND, any `status`; nothing changes in the books.

    `transaction`, `refund_reference`, `amount` (of a refund), `url` where they differ from what is known.
    """
    found, kind = payment_of(world, params), str(params.get("type", "RECHARGE"))
    account, status = world.desk.account(found), str(params.get("status", "SUCCESS"))
    transaction = str(params.get("transaction") or found.transaction)
    if kind == "RECHARGE":
        code = "301002" if status == "FAILED" else ""
        notice = notices.of_payment(account, found, Charge(transaction, status, code, world.clock.now()))
    elif kind == "REFUND":
        reference = str(params.get("refund_reference") or f"R-{found.reference}"[:64])
        refund = world.desk.book.refunds.get((found.acc_id, reference)) or Refund(
            found.acc_id, found.reference, reference, world.desk.book.new_transaction(), transaction,
            str(params.get("amount") or found.amount), found.currency, world.clock.now(), found.notify_url,
        )  # fmt: skip
        refund = Refund(**{**asdict(refund), "status": status, "ended_at": world.clock.now()})
        notice = notices.of_refund(account, refund)
    else:
        raise Refused("type_invalid")
    notice.url = str(params.get("url") or notice.url)
    world.desk.notifier.send(notice)
    return done()


@route("POST", "pingpong/dispute")
def dispute(world: World, params: Params) -> Json:
    """The payer of `reference` disputes: `event` (NOTIFICATION_OF_CHARGEBACK)."""
    found = payment_of(world, params)
    event = str(params.get("event", "NOTIFICATION_OF_CHARGEBACK"))
    world.desk.notifier.send(notices.of_dispute(world.desk.account(found), found, event, world.clock.now()))
    return done()


@route("GET", "pingpong/notifications")
def notifications(world: World, params: Params) -> Json:
    """Attempts of notification: about `reference` or all, with a number above `after`; what is held and under way."""
    notifier = world.desk.notifier
    found = notifier.told(str(params.get("reference", "")), int(number(params, "after", 0)))
    return {"attempts": found, "held": len(notifier.held), "under_way": notifier.under_way}


@route("POST", "pingpong/release")
def release(world: World, params: Params) -> Json:
    """Send the held notifications in `order`: sent, reversed or shuffled."""
    order = str(params.get("order", "sent"))
    if order not in RELEASE_ORDERS:
        raise Refused("order_invalid")
    return {"released": world.desk.notifier.release(order)}


@route("GET", "pingpong/knobs")
def knobs(world: World, _params: Params) -> Json:
    """The switches by account."""
    return world.desk.book.knobs.as_json()


@route("POST", "pingpong/knobs")
def turn(world: World, params: Params) -> Json:
    """Change switches for `who` (an accId) or everybody."""
    values = {name: value for name, value in params.items() if name != "who"}
    try:
        world.desk.book.knobs.turn(str(params.get("who", EVERYBODY)), values)
    except NoSuchKnob as error:
        raise Refused(str(error)) from None
    return world.desk.book.knobs.as_json()
