"""What the payment company has in its books: accounts, payments with their charges, refunds."""

import secrets
import time
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from itertools import count

from sandbox.knobs import Knobs
from sandbox.models import Clock
from sandbox.shapes import Json

LINK_LIFE = 48 * 3600.0
FINAL = frozenset({"SUCCESS", "CLOSED"})
SCHEMES = frozenset({"salted-sha256", "hmac-sha256"})
DECLINED = "301002"


@dataclass(slots=True)
class Account:
    """A merchant's store. `client_id` is `acc_id` without its last three digits."""

    acc_id: str
    salt: str
    scheme: str = "salted-sha256"
    name: str = "演示商户"

    @property
    def client_id(self) -> str:
        """The merchant."""
        return self.acc_id[:-3]


DEFAULT = Account("990000000000000001001", "SANDBOX0SALT0OF0NO0WORTH", name="老板演示店")
HMAC_ACCOUNT = Account("990000000000000002001", "SANDBOX0HMAC0SALT00NO0WORTH", "hmac-sha256", "老板演示店")


@dataclass(slots=True)
class Charge:
    """One time that money moved (or did not). A payer with two open pages makes two of them."""

    transaction: str
    status: str = "INIT"
    result_code: str = ""
    ended_at: float = 0.0


@dataclass(slots=True)
class Payment:
    """One order of a merchant. `reference` is his merchantTransactionId, `token` opens the payment page.

    `amount` is a decimal string. `status` is that of the order; `charges` has at least one.
    """

    acc_id: str
    reference: str
    token: str
    amount: str
    currency: str
    created_at: float
    closes_at: float
    charges: list[Charge]
    status: str = "INIT"
    notify_url: str = ""
    close_notify_url: str = ""
    result_url: str = ""
    cancel_url: str = ""
    remark: str = ""
    goods: str = ""

    @property
    def transaction(self) -> str:
        """The transaction that the payment was created with."""
        return self.charges[0].transaction


@dataclass(slots=True)
class Refund:
    """Money on its way back; `status` is PROCESSING, SUCCESS or FAILED."""

    acc_id: str
    reference: str
    refund_reference: str
    refund_id: str
    transaction: str
    amount: str
    currency: str
    started_at: float
    notify_url: str = ""
    status: str = "PROCESSING"
    ended_at: float = 0.0


@dataclass(slots=True)
class Switches:
    """Trouble with one account. Notifications (`notify` "off": none): `delay` seconds late, up to `jitter` more, `copies`
    of each; `hold` keeps them until they are released. Signed `sign` "right", "wrong", "md5", "missing" or "hmac";
    `account` "other" names a store that is not ours; `amount` and `currency` other ones.

    `create`, `query`, `refund`: "ok", "down" (502), "cut", "refuse"; queries also "processing", refunds also "fails";
    each answers after `…_seconds`. `refund_takes` is how long a refund is PROCESSING, before scaling.
    """

    notify: str = "on"
    delay: float = 0.0
    jitter: float = 0.0
    copies: int = 1
    hold: bool = False
    sign: str = "right"
    account: str = "right"
    amount: str = ""
    currency: str = ""
    create: str = "ok"
    create_seconds: float = 0.0
    query: str = "ok"
    query_seconds: float = 0.0
    refund: str = "ok"
    refund_seconds: float = 0.0
    refund_takes: float = 3.0


TROUBLE = frozenset({"ok", "down", "cut", "refuse"})
SWITCH_WORDS = {
    "notify": frozenset({"on", "off"}),
    "sign": frozenset({"right", "wrong", "md5", "missing", "hmac"}),
    "account": frozenset({"right", "other"}),
    "create": TROUBLE,
    "query": TROUBLE | {"processing"},
    "refund": TROUBLE | {"fails"},
}


@dataclass(slots=True)
class Book:
    """Everything, by the ids that merchants and payers know."""

    clock: Clock
    accounts: dict[str, Account] = field(default_factory=dict)
    payments: dict[tuple[str, str], Payment] = field(default_factory=dict)
    refunds: dict[tuple[str, str], Refund] = field(default_factory=dict)
    knobs: Knobs[Switches] = field(default_factory=lambda: Knobs(Switches, SWITCH_WORDS))
    dirty: bool = False
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget all but the accounts that are always there."""
        self.accounts = {one.acc_id: one for one in (DEFAULT, HMAC_ACCOUNT)}
        self.payments.clear()
        self.refunds.clear()
        self.knobs.clear()

    def new_transaction(self) -> str:
        """A number that no other transaction or refund has, also after a restart."""
        return f"{time.strftime('%Y%m%d')}{int(time.time() * 1000) % 10**9:09}{next(self._numbers):05}"

    def add(self, payment: Payment) -> Payment:
        """Keep a new payment."""
        self.payments[payment.acc_id, payment.reference] = payment
        self.dirty = True
        return payment

    def find(self, acc_id: str, reference: str, transaction: str = "") -> Payment | None:
        """A payment by the merchant's id or the company's; both must fit where both are given."""
        if reference:
            found = self.payments.get((acc_id, reference))
            fits = found is None or not transaction or self.charge(found, transaction) is not None
            return self._timed(found) if fits else None
        for (owner, _), payment in self.payments.items():
            if owner == acc_id and self.charge(payment, transaction) is not None:
                return self._timed(payment)
        return None

    def by_token(self, token: str) -> Payment | None:
        """The payment that a payment page is about."""
        return self._timed(next((one for one in self.payments.values() if one.token == token), None))

    def by_reference(self, reference: str) -> Payment | None:
        """The payment of any merchant with this merchantTransactionId."""
        return self._timed(next((one for one in self.payments.values() if one.reference == reference), None))

    @staticmethod
    def charge(payment: Payment, transaction: str) -> Charge | None:
        """One of a payment's charges."""
        return next((one for one in payment.charges if one.transaction == transaction), None)

    def given_back(self, payment: Payment) -> Decimal:
        """What was refunded of the first charge or is on its way back."""
        return sum(
            (
                Decimal(one.amount) for one in self.refunds.values()
                if (one.acc_id, one.reference) == (payment.acc_id, payment.reference) and one.status != "FAILED"
                and one.transaction == payment.transaction
            ),
            Decimal(0),
        )  # fmt: skip

    def _timed(self, payment: Payment | None) -> Payment | None:
        """The payment, closed when its time is over."""
        if payment is not None and payment.status not in FINAL and self.clock.now() >= payment.closes_at:
            payment.status = "CLOSED"
            payment.charges[-1].ended_at = payment.closes_at
        return payment

    # Keeping it in a file

    def snapshot(self) -> Json:
        """What survives a restart; notifications under way do not."""
        return {
            "accounts": [asdict(one) for one in self.accounts.values()],
            "payments": [asdict(one) for one in self.payments.values()],
            "refunds": [asdict(one) for one in self.refunds.values()],
        }

    def restore(self, kept: Json) -> None:
        """Take back a snapshot. A refund that was under way counts as done."""
        self.accounts |= {one["acc_id"]: Account(**one) for one in kept["accounts"]}
        for one in kept["payments"]:
            self.add(Payment(**{**one, "charges": [Charge(**charge) for charge in one["charges"]]}))
        for one in kept["refunds"]:
            refund = Refund(**{**one, "status": one["status"].replace("PROCESSING", "SUCCESS")})
            self.refunds[refund.acc_id, refund.refund_reference] = refund


def new_token() -> str:
    """The secret part of a payment page's address."""
    return secrets.token_urlsafe(18)
