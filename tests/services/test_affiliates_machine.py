"""Any order of binding, selling, refunding, withdrawing and crashing, against a model that is a few dictionaries."""

from collections.abc import Callable

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import text

from app.core.db import db
from app.core.errors import AppError
from app.domain.affiliates import WithdrawalState, read_commission
from app.domain.money import Money
from app.domain.orders import OrderState
from app.models import Bot, Order, Product, Promoter, Withdrawal
from app.services import affiliates
from app.services.affiliates import ledger, promoters, withdrawals
from tests.cast import Cast
from tests.lottery_tools import a_bot
from tests.promoting import a_product, a_promoter, an_order, complete, opens, refund

CURRENCIES = ("USD", "CNY")
CHAIN = 3
WHO = st.integers(0, CHAIN - 1)
TABLES = (
    "shop_alert",
    "outbox",
    "commission_entry",
    "withdrawal",
    "promoter_account",
    "orders",
    "promoter_touch",
    "promoter_binding",
    "promoter",
    "bot_member",
    "member",
)
COMMISSIONS = st.one_of(
    st.builds(dict, kind=st.just("percent"), first=st.integers(0, 9000), second=st.integers(0, 1000)),
    st.builds(dict, kind=st.just("fixed"), first=st.integers(0, 900), second=st.integers(0, 900)),
    st.just({}),
)


class Promoting(RuleBasedStateMachine):
    """Three promoters, each brought by the one before him; promoter `n` has a customer of his own."""

    bot: Bot
    product: Product

    def __init__(self) -> None:
        super().__init__()
        db.session.rollback()
        db.session.execute(text("SELECT set_config('laoban.erasing', 'yes', true)"))
        for table in TABLES:
            db.session.execute(text(f"DELETE FROM {table}"))
        db.session.commit()
        db.session.expunge_all()
        self.chain: list[Promoter] = []
        for place in range(CHAIN):
            if self.chain:
                opens(self.bot, self.chain[-1], 100 + place)
            self.chain.append(a_promoter(self.bot, 100 + place))
        for place, promoter in enumerate(self.chain):
            opens(self.bot, promoter, 200 + place)
        self.balances: dict[tuple[int, str], int] = {}
        self.paused: set[int] = set()
        self.orders: list[Order] = []
        self.brought: dict[int, list[tuple[int, str, int]]] = {}
        self.refunded: set[int] = set()
        self.wishes: dict[int, str] = {}

    def add(self, place: int, currency: str, amount: int) -> None:
        self.balances[place, currency] = self.balances.get((place, currency), 0) + amount

    @rule(who=WHO, price=st.integers(1, 5000), currency=st.sampled_from(CURRENCIES), rates=COMMISSIONS)
    def sell(self, who: int, price: int, currency: str, rates: dict[str, object]) -> None:
        order = an_order(self.bot, self.product, 200 + who, value_minor=price, value_currency=currency)
        order.product = {"commission": rates}
        assert order.promoter_id == (None if who in self.paused else self.chain[who].id)
        self.orders.append(order)
        db.session.commit()

    @rule(choice=st.randoms(use_true_random=False))
    def complete_some_order_perhaps_again(self, choice: object) -> None:
        candidates = [order for order in self.orders if order.id not in self.refunded]
        if not candidates:
            return
        order = choice.choice(candidates)
        complete(order)
        if order.id in self.brought:
            return
        self.brought[order.id] = lines = []
        first = next((place for place in range(CHAIN) if self.chain[place].id == order.promoter_id), -1)
        commission = read_commission(order.product["commission"])
        for level, place in ((1, first), (2, first - 1)):
            amount = commission.of(order.value_minor, level)
            if place >= 0 and place not in self.paused and amount:
                lines.append((place, order.value_currency, amount))
                self.add(place, order.value_currency, amount)

    @rule(choice=st.randoms(use_true_random=False))
    def refund_some_order_perhaps_again(self, choice: object) -> None:
        if not self.orders:
            return
        order = choice.choice(self.orders)
        refund(order)
        if order.id not in self.refunded:
            self.refunded.add(order.id)
            for place, currency, amount in self.brought.get(order.id, []):
                self.add(place, currency, -amount)

    @rule(choice=st.randoms(use_true_random=False))
    def die_before_the_commit(self, choice: object) -> None:
        candidates = [order for order in self.orders if order.state is OrderState.PAID]
        if candidates:
            affiliates.earn(choice.choice(candidates))
            db.session.rollback()

    @rule(who=WHO)
    def pause_or_resume(self, who: int) -> None:
        change, mark = (
            (promoters.resume, self.paused.discard)
            if who in self.paused
            else (promoters.pause, self.paused.add)
        )
        change(self.chain[who].id)
        mark(who)
        db.session.commit()

    @rule(who=WHO, currency=st.sampled_from(CURRENCIES), amount=st.integers(1, 600), press=st.integers(1, 8))
    def withdraw(self, who: int, currency: str, amount: int, press: int) -> None:
        made_by = f"{who}:{press}"
        known = db.session.query(Withdrawal).filter_by(made_by=made_by).one_or_none()
        enough = self.balances.get((who, currency), 0) >= amount
        wish = self._try(
            lambda: withdrawals.request(self.chain[who], Money(amount, currency), "my card", made_by)
        )
        if known is not None and wish is not None:
            assert wish.id == known.id
        elif known is None:
            assert (wish is not None) == enough
            if wish is not None:
                self.wishes[wish.id] = "requested"
                self.add(who, currency, -amount)

    @rule(
        choice=st.randoms(use_true_random=False),
        deed=st.sampled_from(["approved", "paid", "refused", "cancelled"]),
    )
    def decide(self, choice: object, deed: str) -> None:
        if not self.wishes:
            return
        wish = db.session.get(Withdrawal, choice.choice(sorted(self.wishes)))
        assert wish is not None
        place = next(n for n in range(CHAIN) if self.chain[n].id == wish.promoter_id)
        allowed = {"requested"} if deed in {"approved", "cancelled"} else {"requested", "approved"}
        possible = self.wishes[wish.id] in allowed
        done = self._try(lambda: self._decide(wish, place, deed))
        assert (done is not None) == possible
        if possible:
            self.wishes[wish.id] = deed
            if deed in {"refused", "cancelled"}:
                self.add(place, wish.currency, wish.amount)

    def _decide(self, wish: Withdrawal, place: int, deed: str) -> Withdrawal:
        if deed == "cancelled":
            return withdrawals.cancel(wish.id, self.chain[place])
        if deed == "refused":
            return withdrawals.refuse(wish.id, "no")
        return {"approved": withdrawals.approve, "paid": withdrawals.mark_paid}[deed](wish.id)

    @staticmethod
    def _try(do: Callable[[], Withdrawal]) -> Withdrawal | None:
        try:
            done = do()
        except AppError:
            db.session.rollback()
            return None
        db.session.commit()
        return done

    @invariant()
    def balances_are_the_sums_of_their_entries_and_those_of_the_model(self) -> None:
        assert ledger.check(self.bot.tenant_id).mismatches == []
        for place, promoter in enumerate(self.chain):
            kept = ledger.balances(promoter.id)
            for currency in CURRENCIES:
                assert kept.get(currency, 0) == self.balances.get((place, currency), 0)
        states = {one.id: WithdrawalState(one.state).value for one in db.session.query(Withdrawal)}
        assert states == self.wishes
        db.session.commit()


def test_commissions_under_any_interleaving(cast: Cast, monkeypatch):
    Promoting.bot, Promoting.product = a_bot(cast.tenant), a_product(cast.tenant)
    # Outside of an entry point nothing is sent after the commit.
    monkeypatch.setattr("app.services.outbox.enqueue", lambda *_: None)
    monkeypatch.setattr("app.services.shop_alerts.enqueue", lambda *_: None)
    run_state_machine_as_test(
        Promoting,
        settings=settings(
            max_examples=12,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
            database=None,
        ),
    )
