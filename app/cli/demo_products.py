"""What the demo boss sells: one product of each kind, with a few codes that open nothing."""

from collections.abc import Mapping
from typing import Any, Final

from app.domain.payments import Service
from app.domain.product_spec import read
from app.domain.products import ProductState
from app.models import Product
from app.services import service_accounts
from app.services.products import lookup, manage

CODES: Final = 12
TRANSFER: Final = "演示店铺：请转账到示例账户 1234 5678，并备注订单号。（演示环境，请勿真的付款。）"
_EVERY_WAY: Final = ("pingpong", "stars", "manual")
PRODUCTS: Final[tuple[Mapping[str, Any], ...]] = (
    {
        "name": "八字精批报告",
        "kind": "bazi_report",
        "description": "四柱排盘、十年大运、流年提点，专为您一人撰写。付款后几分钟内送达文字版和 PDF。",
        "price": "19.90",
        "currency": "USD",
        "stars": 990,
        "commission": {"kind": "percent", "first": "10", "second": "5"},
    },
    {
        "name": "视频会员月卡（30 天）",
        "kind": "digital_goods",
        "description": "付款后立即发送卡密，一人一码。",
        "price": "9.90",
        "currency": "USD",
        "stars": 490,
        "items": [f"DEMO-{number:04}-VIDEO-CARD" for number in range(1, CODES + 1)],
        "commission": {"kind": "fixed", "first": "1.00"},
    },
    {
        "name": "1,000 积分",
        "kind": "credits",
        "description": "付款后自动到账，可用于参加抽奖。",
        "price": "9.90",
        "currency": "USD",
        "stars": 490,
        "credits": 1000,
    },
    {
        "name": "一对一咨询（30 分钟）",
        "kind": "manual",
        "description": "由老师亲自解答，付款后与您约时间。",
        "price": "49.00",
        "currency": "USD",
        "stars": 2450,
        "stock": 20,
        "instructions": "感谢您的信任！我们会在一天内联系您，约定时间。",
        "fields": [
            {
                "key": "topic",
                "label": "想咨询哪方面的问题？",
                "kind": "choice",
                "choices": ["事业", "感情", "健康", "其他"],
            },
            {"key": "time", "label": "您什么时候方便？", "kind": "text", "required": False},
        ],
    },
)


def make(tenant_id: int) -> list[str]:
    """The codes of what is on sale: what there is, else the products above."""
    found = lookup.list_all(tenant_id, tuple(ProductState)).products
    if not found:
        if service_accounts.manual(tenant_id) is None:
            service_accounts.save(tenant_id, Service.MANUAL, {"instructions": TRANSFER})
        found = [_make(tenant_id, body, place) for place, body in enumerate(PRODUCTS, start=1)]
    return [product.code for product in found if product.state is ProductState.ON_SALE]


def _make(tenant_id: int, body: Mapping[str, Any], place: int) -> Product:
    spec = read({**body, "providers": _EVERY_WAY, "position": place})
    return manage.put_on_sale(manage.create(tenant_id, spec).id)
