"""Callbacks: read, believed or not, kept, taken in. All in one transaction, after which the provider hears 2xx."""

import hashlib
from typing import Final

from sqlalchemy import text

from app.core import clock
from app.core.db import db
from app.core.tenancy import tenant_scope
from app.domain.orders import Actor
from app.domain.payments import Provider, Verdict
from app.domain.shop_alerts import AlertKind
from app.domain.strict_json import Malformed
from app.gateways.payments import pingpong
from app.gateways.payments.base import Notice
from app.models import Payment
from app.services import service_accounts
from app.services.payments import accounts, disputes, hearing, lookup, marking
from app.services.service_accounts import PingPongAccount
from app.services.shop_alerts import raise_alert

MAX_BYTES: Final = 64 * 1024
MAX_REFUSED: Final = 1000
"""So many refused callbacks are kept of 24 hours, and as many rightly signed ones about nothing of ours, so that junk
crowds none of these out; more are only counted by the web server."""
MAX_KEPT: Final = 200
"""So many different callbacks about one payment are taken in: nobody has more to say, but whoever has an account of his
own could sign without end. What is left out, its provider tells when it is asked.
"""
MAX_UNKNOWN: Final = 3
"""So many payments an hour may be unknown before somebody is told."""
REFUSED: Final = frozenset({Verdict.MALFORMED, Verdict.BAD_SIGNATURE, Verdict.WRONG_ACCOUNT})

_KEEP = text("""
INSERT INTO payment_event AS e (tenant_id, payment_id, provider, transaction, kind, sha256, raw, verdict, ip)
VALUES (:tenant_id, :payment_id, :provider, :transaction, :kind, :sha256, :raw, 'noted', :ip)
ON CONFLICT (payment_id, transaction, kind, sha256) DO UPDATE SET times = e.times + 1
RETURNING id, times
""")
_KEPT = text("SELECT count(*) FROM payment_event WHERE payment_id = :payment_id")
_VERDICT = text("UPDATE payment_event SET verdict = :verdict WHERE id = :id")
_REFUSE = text("""
INSERT INTO refused_callback (provider, sha256, raw, verdict, ip)
SELECT :provider, :sha256, :raw, CAST(:verdict AS text), :ip
WHERE (SELECT count(*) FROM refused_callback WHERE received_at > clock_timestamp() - interval '1 day'
       AND (verdict = 'unknown_payment') = (CAST(:verdict AS text) = 'unknown_payment')) < :most
""")
_UNKNOWN = text("""
SELECT count(*) FROM refused_callback
WHERE verdict = 'unknown_payment' AND received_at > clock_timestamp() - interval '1 hour'
""")


def receive(provider: Provider, raw: bytes, ip: str) -> Verdict:
    """Takes a callback in; needs the system scope, since only what it says tells whose it is. Never raises for bad input.

    A verdict of REFUSED is answered with 400, every other with 2xx.
    """
    if provider is not Provider.PINGPONG or len(raw) > MAX_BYTES:
        return _refuse(provider, raw[:MAX_BYTES], Verdict.MALFORMED, ip)
    try:
        notice = pingpong.read(raw)
    except Malformed:
        return _refuse(provider, raw, Verdict.MALFORMED, ip)
    payment = lookup.find_by_reference(provider, notice.receipt.reference)
    if payment is None:
        return _unknown(notice, raw, ip)
    refused = _disbelief(payment, notice)
    if refused is not None:
        return _refuse(provider, raw, refused, ip)
    with tenant_scope(payment.tenant_id):
        return _take(payment, notice, raw, ip)


def _disbelief(payment: Payment, notice: Notice) -> Verdict | None:
    """Why this is not from the account that the payment was made with; None when it is.

    The payment's account decides, and none that the message names: so a valid signature of another store proves nothing.
    """
    account = service_accounts.pingpong_of_payment(
        payment.tenant_id, payment.account, own=payment.own_account
    )
    if account is None or not _names(notice, account):
        return Verdict.WRONG_ACCOUNT
    return None if accounts.pingpong_of(account).verify(notice) else Verdict.BAD_SIGNATURE


def _names(notice: Notice, account: PingPongAccount) -> bool:
    """Whether the message is for this account; one about a dispute may leave the merchant out."""
    client = notice.client or (account.client_id if notice.dispute else "")
    return (notice.account, client) == (account.acc_id, account.client_id)


def _take(payment: Payment, notice: Notice, raw: bytes, ip: str) -> Verdict:
    receipt = notice.receipt
    # Before the row that refers to the payment, so that everybody locks in the same order.
    marking.lock(payment.id)
    if (db.session.scalar(_KEPT, {"payment_id": payment.id}) or 0) >= MAX_KEPT:
        return Verdict.REPEATED
    event = db.session.execute(
        _KEEP,
        {
            "tenant_id": payment.tenant_id,
            "payment_id": payment.id,
            "provider": payment.provider,
            "transaction": receipt.transaction[:100],
            "kind": notice.kind,
            "sha256": hashlib.sha256(raw).hexdigest(),
            "raw": raw,
            "ip": ip,
        },
    ).one()
    if event.times > 1:
        return Verdict.REPEATED
    if notice.dispute:
        disputes.stop(payment.order_id, str(receipt.details["event"]), receipt.transaction)
        verdict = Verdict.ACCEPTED
    else:
        verdict = hearing.hear(payment.id, receipt, told_by=Actor.CALLBACK)
    db.session.execute(_VERDICT, {"id": event.id, "verdict": verdict})
    return verdict


def _unknown(notice: Notice, raw: bytes, ip: str) -> Verdict:
    """Rightly signed by an account that somebody entered here, about nothing of ours: kept, and told when it adds up."""
    named = service_accounts.pingpongs_named(notice.account)
    believed = [
        tenant_id
        for tenant_id, account in named
        if _names(notice, account) and accounts.pingpong_of(account).verify(notice)
    ]
    if not believed:
        verdict = Verdict.BAD_SIGNATURE if named else Verdict.WRONG_ACCOUNT
        return _refuse(Provider.PINGPONG, raw, verdict, ip)
    _refuse(Provider.PINGPONG, raw, Verdict.UNKNOWN_PAYMENT, ip)
    if (db.session.scalar(_UNKNOWN) or 0) > MAX_UNKNOWN:
        hour = clock.now().replace(minute=0, second=0, microsecond=0)
        for tenant_id in believed:
            if tenant_id is not None:
                raise_alert(tenant_id, AlertKind.UNKNOWN_PAYMENTS, f"unknown_payments:{hour:%Y-%m-%dT%H}")
    return Verdict.UNKNOWN_PAYMENT


def _refuse(provider: Provider, raw: bytes, verdict: Verdict, ip: str) -> Verdict:
    values = {"provider": provider, "sha256": hashlib.sha256(raw).hexdigest(), "raw": raw, "ip": ip}
    db.session.execute(_REFUSE, values | {"verdict": verdict, "most": MAX_REFUSED})
    return verdict
