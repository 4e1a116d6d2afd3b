"""A shop in the running stack: what its boss does at his pages, and what buyers do at their phones.

Buttons are found by what they do, not by their words.

    with open_shop(stack) as shop:
        code = shop.sells("credits", credits="100")
        lin = shop.buyer()
        lin.orders(code)
        stack.sandbox.pay(lin.pay_url())
        shop.waits_until(lin.code, "completed")
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from tests.e2e.stack import Boss, OurBot, Stack
from tests.e2e.visitor import Visitor
from tests.sandbox_services import Json
from tests.waiting import wait_for

PATIENCE = 45
"""Seconds. How quick answers are is shown elsewhere; here the machine may be busy with the other half of the suite."""
BIRTH: Mapping[str, str | int] = {
    "name": "林小满",
    "sex": 0,
    "calendar": 0,
    "birth_date": "1988-11-08",
    "birth_hour": "12:20",
    "place": "北京",
}
"""What a buyer answers: text is written, a number is the place of the button that he presses."""
_people = count(7_100_001)


@dataclass
class Shop:
    """A tenant that sells in one bot. `desk` is its boss's browser, logged in."""

    stack: Stack
    boss: Boss
    bot: OurBot
    desk: Visitor

    def sells(self, preset: str, *ways: str, **fields: Any) -> str:
        """The boss puts a product for 19.90 USD on sale by the form; its code. `ways` to pay are PingPong's alone unless named."""
        form = {
            "name": f"测试商品 {preset}",
            "price": "19.90",
            "currency": "USD",
            "commission_kind": "none",
            **fields,
        }
        form |= {"preset": preset, "providers": ways or ["pingpong"], "then": "sale", "chart": "auto"}
        page = self.desk.send(f"/admin/product-form/?preset={preset}", **form)
        number = re.search(r"id=(\d+)", page.url)
        assert number, "the form was not taken"
        found = self.stack.sql("SELECT code, state FROM product WHERE id = %s", int(number[1]))
        assert found[0][1] == "on_sale"
        return str(found[0][0])

    def uses(self, service: str, **fields: str) -> None:
        """The boss enters an account of his own at an outside service."""
        form = f"/admin/service-accounts/edit/?service={service}"
        self.desk.send(form, service=service, enabled="y", **fields)

    def drops(self, service: str) -> None:
        """The boss takes his account out again."""
        self.desk.send("/admin/service-accounts/", "/admin/service-accounts/remove/", service=service)

    def buyer(self) -> "Buyer":
        """Somebody new."""
        return Buyer(self, next(_people))

    def reference(self, code: str) -> str:
        """The name of the order's payment at its provider."""
        found = "SELECT reference FROM payment WHERE order_id = %s ORDER BY id DESC LIMIT 1"
        return str(self.stack.sql(found, self.id_of(code))[0][0])

    def state(self, code: str) -> str:
        return str(self.stack.sql("SELECT state FROM orders WHERE code = %s", code)[0][0])

    def id_of(self, code: str) -> int:
        return int(self.stack.sql("SELECT id FROM orders WHERE code = %s", code)[0][0])

    def waits_until(self, code: str, state: str) -> None:
        """Until the order is there; fails the test when it does not come."""
        wait_for(lambda: self.state(code) == state, seconds=PATIENCE, what=f"order {code} to be {state}")

    def moves(self, code: str) -> list[tuple[str, str]]:
        """Its ways through the states with who moved it, the oldest first; notes are left out."""
        return self.stack.sql(
            "SELECT to_state, actor FROM order_event WHERE order_id = %s AND from_state IS DISTINCT FROM to_state ORDER BY id",
            self.id_of(code),
        )

    def notes(self, code: str) -> set[str]:
        """Everything that its history gives as a reason."""
        found = self.stack.sql("SELECT why FROM order_event WHERE order_id = %s", self.id_of(code))
        return {why for (why,) in found}

    def steps(self, code: str) -> dict[str, str]:
        """The finished steps, each with who did it."""
        done = "SELECT step, source FROM order_step WHERE order_id = %s AND state = 'done'"
        return dict(self.stack.sql(done, self.id_of(code)))

    def alerts(self, code: str) -> set[str]:
        """What the boss was told about an order."""
        found = self.stack.sql("SELECT kind FROM shop_alert WHERE order_id = %s", self.id_of(code))
        return {kind for (kind,) in found}

    def acts(self, code: str, verb: str, **fields: str) -> None:
        """The boss presses a button of the order's page."""
        number = str(self.id_of(code))
        self.desk.send(
            f"/admin/orders/details/?id={number}", f"/admin/order-acts/{verb}/", id=number, **fields
        )

    def confirms_transfer(self, code: str) -> None:
        """The boss says that the money of a transfer is there."""
        number = self.id_of(code)
        self.desk.send(f"/admin/order-acts/mark-paid/?id={number}", "/admin/order-acts/mark-paid/", id=number)

    def pays_back(self, code: str, amount: str = "19.90") -> None:
        """The boss has money of an order given back by its provider."""
        number, order = self.id_of(code), "SELECT id FROM payment_receipt WHERE order_id = %s AND accepted"
        receipt = self.stack.sql(order, number)[0][0]
        form = {"amount": amount, "how": "provider", "reason": "客户不满意"}
        self.desk.send(
            f"/admin/order-refund/?id={number}", "/admin/order-refund/", id=number, receipt=receipt, **form
        )


@dataclass
class Buyer:
    """A person in his own chat with the shop's bot. `code` is the order that he made last."""

    shop: Shop
    id: int
    code: str = field(default="", init=False)

    def says(self, text: str) -> Json:
        """Writes to the bot."""
        return self.shop.stack.sandbox.say(self.shop.bot.telegram, self.id, text, language_code="zh-hans")

    def sees(self, pattern: str, *, after: int = 0) -> Json:
        """The bot's message that fits the pattern, as it is now; fails the test when none comes."""
        where = {"bot": self.shop.bot.telegram["username"], "chat": self.id, "after": after}
        found = self.shop.stack.sandbox.get("wait", regex=pattern, timeout=PATIENCE, **where)
        assert found["message"] is not None, f"nothing fits {pattern!r}; there were {found['seen']}"
        message: Json = found["message"]
        return message

    def answered(self, text: str, pattern: str) -> Json:
        """Writes, and sees an answer that fits the pattern."""
        return self.sees(pattern, after=self.says(text)["revision"])

    def chat(self) -> list[Json]:
        """The bot's messages, the oldest first."""
        found = self.shop.stack.sandbox.messages(self.shop.bot.telegram, self.id, limit=100)
        return [message for message in found if message["from"]["is_bot"]]

    def finds(self, action: str) -> tuple[int, str]:
        """Waits for a button whose action fits the pattern: (message, data) of the newest."""

        def look() -> tuple[int, str] | None:
            for message in reversed(self.chat()):
                for button in buttons(message):
                    if re.match(f"1:{action}(:|$)", button.get("callback_data", "")):
                        return message["message_id"], button["callback_data"]
            return None

        found = wait_for(look, seconds=PATIENCE, what=f"a button that does {action}")
        assert found
        return found

    def presses(self, action: str) -> str:
        """Presses the newest button whose action fits; what the bot answers to it."""
        message, data = self.finds(action)
        return self.presses_this(message, data)

    def presses_this(self, message: int, data: str) -> str:
        sandbox, bot = self.shop.stack.sandbox, self.shop.bot.telegram
        pressed = sandbox.press(bot, self.id, message_id=message, data=data)
        answer = sandbox.wait_for_answer(bot, self.id, pressed["callback_query_id"], seconds=PATIENCE)
        return str(answer.get("text", ""))

    def opens(self, product: str) -> None:
        """The product's card by its link, and its buy button."""
        self.answered(f"/start p_{product}", "")
        self.presses(f"buy:{product}")

    def answers(self, given: Mapping[str, str | int]) -> None:
        """Answers the questions of the form in their order, beginning with the one that waits."""
        for key, answer in given.items():
            self.is_asked(key)
            if isinstance(answer, int):
                self.presses(rf"fa:\w+:{key}:{answer}")
            else:
                self.says(answer)

    def is_asked(self, key: str) -> None:
        """Until this question waits for his answer."""
        asked = "SELECT field FROM order_form WHERE telegram_id = %s AND bot_id = %s"
        values = (self.id, self.shop.bot.id)
        wait_for(
            lambda: self.shop.stack.sql(asked, *values) == [(key,)], seconds=PATIENCE, what=f"question {key}"
        )

    def confirms(self, way: str = "pingpong") -> str:
        """Chooses a way to pay under the summary; the code of the order that this made."""
        self.presses(rf"fp:\w+:{way}")
        made = "SELECT code FROM orders WHERE telegram_id = %s ORDER BY id DESC LIMIT 1"
        found = wait_for(
            lambda: self.shop.stack.sql(made, self.id), seconds=PATIENCE, what="the order to be made"
        )
        self.code = str(found[0][0])
        return self.code

    def orders(
        self, product: str, way: str = "pingpong", given: Mapping[str, str | int] | None = None
    ) -> str:
        """From the product's link to the order; its code."""
        self.opens(product)
        self.answers(given or {})
        return self.confirms(way)

    def pay_url(self) -> str:
        """Where the pay button leads that the newest order was sent with."""

        def look() -> str | None:
            for message in reversed(self.chat()):
                for button in buttons(message):
                    if "/pay/" in button.get("url", "") and self.code in message.get("text", ""):
                        return str(button["url"])
            return None

        url = wait_for(look, seconds=PATIENCE, what=f"a pay button for {self.code}")
        assert url
        return url

    def pays(self) -> None:
        """Pays the newest order on PingPong's page."""
        self.shop.stack.sandbox.pay(self.pay_url())

    def buys(self, product: str, given: Mapping[str, str | int] | None = None) -> str:
        """Orders and pays at PingPong, and waits until all is delivered; the order's code."""
        self.orders(product, given=given)
        self.pays()
        self.shop.waits_until(self.code, "completed")
        return self.code

    def documents(self) -> list[Json]:
        """The messages that are files."""
        return [message for message in self.chat() if "document" in message]


def buttons(message: Json) -> list[Json]:
    """All buttons under a message."""
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    return [button for row in rows for button in row]


@contextmanager
def open_shop(stack: Stack) -> Iterator[Shop]:
    """A new boss with a bot, logged in."""
    boss = stack.boss()
    with Visitor(stack.url) as desk:
        desk.send("/login", email=boss.email, password=boss.password)
        yield Shop(stack, boss, stack.bot(boss), desk)
