"""A birth chart's report: the chart, its words, the book; each is made once and kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import ClassVar, Final
from zoneinfo import ZoneInfo

from app.core import clock, crypto
from app.core.db import db
from app.core.settings import get_settings
from app.domain.ai_costs import cost_micro
from app.domain.bazi import SECTIONS, Birth, Chart, ReportText, School
from app.domain.bazi_inputs import birth_of
from app.domain.bazi_names import TITLES
from app.domain.orders import Step
from app.domain.services import Service, ServiceFailed
from app.models import Order, Tenant
from app.services import files, service_accounts, spending
from app.services.fulfilment import caps, guarding, outcome, steps
from app.services.fulfilment.calls import Call, Ending, Signs, Write
from app.services.fulfilment.claims import Claimed
from app.services.fulfilment.kept import chart_of, text_of
from app.services.reports import prompts
from app.services.reports.chart import make_chart, make_instead
from app.services.reports.pdf import PdfHead, render
from app.services.reports.text import write_text
from app.services.service_accounts import DeepSeekKey, ServiceKey
from app.services.spending import Reservation, SpendingCap

PDF: Final = "application/pdf"
_BUILT_IN: Final = "built_in"


@dataclass(frozen=True, slots=True)
class ChartCall(Call):
    """Yuanfenju, or our own calculation."""

    step: ClassVar[Step] = Step.CHART
    birth: Birth
    school: School
    key: ServiceKey | None
    reservation: Reservation | None = None
    capped: bool = False
    """The day's limit of spending is used up, so the service is not asked."""

    def make(self, signs: Signs) -> Write:  # noqa: ARG002 - too short to be shown
        if self.capped:
            return partial(self._keep, make_instead(self.birth, self.school), "")
        try:
            chart, refusal = make_chart(self.birth, self.school, self.key), ""
        except ServiceFailed as failure:
            if not failure.permanent:
                raise
            # The same pillars come from our own calculation: nobody waits for a key or a balance to be mended.
            chart, refusal = make_instead(self.birth, self.school), failure.reason
        return partial(self._keep, chart, refusal)

    def miss(self, error: str, usage: Mapping[str, int]) -> None:
        """Nothing was answered, so nothing is paid for."""
        steps.miss(self.claimed, Step.CHART, error, usage)
        self._settle(0)

    def _keep(self, chart: Chart, refusal: str) -> Ending:
        cost = self.reservation.cost_micro if self.reservation is not None and not refusal else 0
        if refusal:
            guarding.tell_refused(self.claimed, self.service, refusal)
        result = steps.Result(chart.source.value, chart.to_json(), cost_micro=cost)
        steps.keep(self.claimed, Step.CHART, result)
        self._settle(cost)
        return None

    def _settle(self, cost: int) -> None:
        if self.reservation is not None:
            spending.settle(self.reservation, cost)


@dataclass(frozen=True, slots=True)
class TextCall(Call):
    """DeepSeek, or our own words."""

    step: ClassVar[Step] = Step.TEXT
    chart: Chart
    birth: Birth
    prompts: Mapping[str, str]
    key: DeepSeekKey | None
    today: date
    reservation: Reservation | None

    def make(self, signs: Signs) -> Write:
        titles = TITLES[self.claimed.locale]

        def begun(number: int) -> None:
            place = min(max(number, 1), len(SECTIONS))
            signs.chapter(place, len(SECTIONS), titles[SECTIONS[place - 1]])

        text = write_text(
            self.chart,
            self.birth,
            self.prompts,
            self.key,
            self.claimed.locale,
            on_progress=begun,
            deadline=min(get_settings().deepseek_seconds, signs.seconds_left()),
            today=self.today,
            user=_pseudonym(self.claimed),
        )
        return partial(self._keep, text)

    def miss(self, error: str, usage: Mapping[str, int]) -> None:
        """What was used up is paid for all the same."""
        cost = self._cost(usage)
        steps.miss(self.claimed, Step.TEXT, error, usage, cost)
        self._settle(cost)

    def _keep(self, text: ReportText) -> Ending:
        cost = self._cost(text.usage)
        data = {**text.to_json(), "made_on": self.today.isoformat()}
        result = steps.Result(text.source.value, data, usage=dict(text.usage), cost_micro=cost)
        steps.keep(self.claimed, Step.TEXT, result)
        self._settle(cost)
        return None

    def _cost(self, usage: Mapping[str, int]) -> int:
        return cost_micro(usage, self.key.prices) if self.key is not None else 0

    def _settle(self, cost: int) -> None:
        if self.reservation is not None:
            spending.settle(self.reservation, cost)


@dataclass(frozen=True, slots=True)
class PdfCall(Call):
    """Typst on this machine."""

    step: ClassVar[Step] = Step.PDF
    head: PdfHead
    chart: Chart
    text: ReportText

    def make(self, signs: Signs) -> Write:  # noqa: ARG002 - too short to be shown
        return partial(self._keep, render(self.head, self.chart, self.text))

    def _keep(self, data: bytes) -> Ending:
        name = f"{self.head.product} {self.head.code}.pdf"
        kept = files.keep(self.claimed.tenant_id, name, PDF, data)
        result = steps.Result("typst", file_id=kept.id, sha256=kept.sha256)
        steps.keep(self.claimed, Step.PDF, result)
        return None


def prepare_chart(order: Order, claimed: Claimed) -> Call | None:
    """The chart, unless it is there."""
    if steps.find_done(order.id, Step.CHART) is not None:
        return None
    options = _options(order)
    school = School(bool(options.get("late_zi_next_day")), bool(options.get("true_solar_time")))
    key = service_accounts.yuanfenju(order.tenant_id) if options.get("chart") != _BUILT_IN else None
    reservation, capped = None, False
    if key is not None:
        try:
            reservation = caps.reserve_chart(order, key)
        except SpendingCap as cap:
            outcome.tell_capped(claimed, cap.whose)
            key, capped = None, True
    service = Service.YUANFENJU.value if key is not None else ""
    _begin(claimed, Step.CHART, service)
    return ChartCall(claimed, service, birth_of(order.inputs), school, key, reservation, capped)


def prepare_text(order: Order, claimed: Claimed) -> Call | None:
    """The words, unless they are there."""
    if steps.find_done(order.id, Step.TEXT) is not None:
        return None
    key = service_accounts.deepseek(order.tenant_id)
    service = Service.DEEPSEEK.value if key is not None else ""
    _begin(claimed, Step.TEXT, service)
    return TextCall(
        claimed,
        service,
        chart_of(order.id),
        birth_of(order.inputs),
        prompts.load(order.tenant_id, order.locale),
        key,
        _today(order.tenant_id),
        caps.reserve_text(order, key) if key is not None else None,
    )


def prepare_pdf(order: Order, claimed: Claimed) -> Call | None:
    """The book, unless it is there."""
    if steps.find_done(order.id, Step.PDF) is not None:
        return None
    steps.begin(claimed, Step.PDF, "typst")
    text, made_on = text_of(order.id)
    shop = db.session.get_one(Tenant, order.tenant_id).name
    name = str(order.inputs.get("name", ""))
    head = PdfHead(name, shop, order.product_name, order.code, made_on, order.locale)
    return PdfCall(claimed, "", head, chart_of(order.id), text)


def _pseudonym(claimed: Claimed) -> str:
    """Tells apart the end users of one key, and tells the service nothing about them."""
    secret = get_settings().secret_key.get_secret_value()
    return crypto.derive(secret, "deepseek user", claimed.tenant_id, claimed.telegram_id)


def _begin(claimed: Claimed, step: Step, service: str) -> None:
    if service:
        guarding.let_through(claimed, service)
    steps.begin(claimed, step, service or _BUILT_IN)


def _options(order: Order) -> Mapping[str, object]:
    options = order.product.get("options")
    return options if isinstance(options, dict) else {}


def _today(tenant_id: int) -> date:
    zone = ZoneInfo(db.session.get_one(Tenant, tenant_id).timezone)
    return clock.now().astimezone(zone).date()
