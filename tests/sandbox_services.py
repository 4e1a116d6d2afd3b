"""What sandbox_client.py offers beside Telegram: payments, Stars, charts and texts, and trouble with each."""

from typing import Any

import requests

Json = dict[str, Any]


def name_of(bot: Json | str) -> str:
    """The username of a bot that may be given as the answer of `create_bot`."""
    return bot if isinstance(bot, str) else str(bot["username"])


def _read(answer: requests.Response) -> Json:
    result: Json = answer.json()
    assert answer.ok, f"the sandbox refused: {result}"
    return result


class Services:
    """The control door, and the part of a `Sandbox` that is about the other services."""

    url: str
    _http: requests.Session

    def get(self, path: str, **params: Any) -> Json:
        """GET /control/<path>."""
        return _read(self._http.get(f"{self.url}/control/{path}", params=params, timeout=130))

    def post(self, path: str, **params: Any) -> Json:
        """POST /control/<path>."""
        return _read(self._http.post(f"{self.url}/control/{path}", json=params, timeout=130))

    # PingPong; `reference` is our merchantTransactionId, or the address of the payment page

    @property
    def pingpong_url(self) -> str:
        """What PINGPONG_API_URL has to be."""
        return f"{self.url}/pingpong"

    def pay(self, reference: str) -> Json:
        """The payer pays: the payment as `payment` tells it."""
        return self.post("pingpong/pay", reference=reference)

    def pay_again(self, reference: str) -> Json:
        """The payer pays a second time, by another page that was still open."""
        return self.post("pingpong/pay", reference=reference, what="again")

    def decline(self, reference: str) -> Json:
        """The payer's bank says no; he may try again."""
        return self.post("pingpong/pay", reference=reference, what="decline")

    def close(self, reference: str) -> Json:
        """The payment closes unpaid."""
        return self.post("pingpong/pay", reference=reference, what="close")

    def pay_all(self) -> int:
        """Everybody pays; how many did."""
        return int(self.post("pingpong/pay_all")["paid"])

    def payment(self, reference: str) -> Json:
        """One payment: status, amount, currency, transaction, page, charges, refunds."""
        return self.get("pingpong/payment", reference=reference)

    def payments(self) -> list[Json]:
        """All payments, oldest first."""
        found: list[Json] = self.get("pingpong/payments", limit=100_000)["payments"]
        return found

    def notifications(self, reference: str = "", *, after: int = 0) -> list[Json]:
        """Attempts of notification: number, type, status, try_number, answer (HTTP status), taken, body."""
        found: list[Json] = self.get("pingpong/notifications", reference=reference, after=after)["attempts"]
        return found

    def notify(self, reference: str, status: str = "SUCCESS", **more: Any) -> None:
        """A notification by hand: `type` RECHARGE or REFUND, `transaction`, `refund_reference`, `amount`, `url`."""
        self.post("pingpong/notify", reference=reference, status=status, **more)

    def dispute(self, reference: str, event: str = "NOTIFICATION_OF_CHARGEBACK") -> None:
        """The payer's bank takes the payer's side."""
        self.post("pingpong/dispute", reference=reference, event=event)

    def refund_by_hand(self, reference: str, **more: Any) -> Json:
        """The merchant gives a charge (`transaction`, or the newest) back in PingPong's own pages."""
        return self.post("pingpong/refund", reference=reference, **more)

    def pingpong_account(
        self, acc_id: str, salt: str, scheme: str = "salted-sha256", name: str = "店"
    ) -> Json:
        """One more account that PingPong knows."""
        return self.post("pingpong/accounts", acc_id=acc_id, salt=salt, scheme=scheme, name=name)

    def pingpong_knobs(self, who: str = "*", **switches: Any) -> None:
        """Trouble with payments for an accId or all: notify="off", delay, jitter, copies, hold, sign="wrong" (md5, missing,
        hmac), account="other", amount, currency; create="down" (cut, refuse), create_seconds; query="down" (cut,
        refuse, processing), query_seconds; refund="down" (cut, refuse, fails), refund_seconds, refund_takes.
        """
        self.post("pingpong/knobs", who=who, **switches)

    def release_notifications(self, order: str = "sent") -> int:
        """Send what `hold=True` kept: "sent", "reversed" or "shuffled"; how many."""
        return int(self.post("pingpong/release", order=order)["released"])

    def button_url(self, bot: Json | str, chat: int | str, text: str) -> str:
        """Where the newest button with this label (or one that holds it) leads; `pay` and its like take a pay link as well."""
        for message in reversed(self.get("messages", bot=name_of(bot), chat=chat, limit=500)["messages"]):
            for row in message.get("reply_markup", {}).get("inline_keyboard", []):
                for button in row:
                    if "url" in button and text in button["text"]:
                        return str(button["url"])
        raise AssertionError(f"no button with a link says {text!r}")

    # Telegram Stars

    def pay_stars(self, bot: Json | str, user: int, **which: Any) -> Json:
        """The person pays the newest invoice in his chat, one by `message_id`, or a link (`slug`).

        The bot has to answer meanwhile; `ok` and `charge`, or `error`.
        """
        return self.post("stars/pay", bot=name_of(bot), user=user, **which)

    def star_transactions(self, bot: Json | str) -> list[Json]:
        """What moved, the oldest first: charge, person_id, payload, amount, is_refund."""
        found: list[Json] = self.get("stars/transactions", bot=name_of(bot))["transactions"]
        return found

    def download(self, file_id: str) -> bytes:
        """A file that a bot sent."""
        answer = self._http.get(f"{self.url}/media/{file_id}", timeout=10)
        assert answer.ok, f"no such file: {file_id}"
        return answer.content

    # Yuanfenju and DeepSeek

    @property
    def yuanfenju_url(self) -> str:
        """What YUANFENJU_API_URL has to be."""
        return f"{self.url}/yuanfenju/index.php"

    @property
    def deepseek_url(self) -> str:
        """What DEEPSEEK_API_URL has to be."""
        return f"{self.url}/deepseek"

    def yuanfenju_knobs(self, mode: str = "ok", *, who: str = "*", **switches: Any) -> None:
        """Charts fail for a key or all: down, cut, 500, html, gzip, quota, bad_key, bad_input, array, empty, type, half;
        `seconds` late, `errcode` "number", for `times` requests.
        """
        self.post("yuanfenju/knobs", who=who, mode=mode, **switches)

    def yuanfenju_key(self, key: str, calls: int = 100_000) -> None:
        """One more key, with so many calls left."""
        self.post("yuanfenju/keys", key=key, calls=calls)

    def yuanfenju_calls(self) -> Json:
        """Calls by method ("Bazi/paipan", ...); "answered" are the charts that were given and counted."""
        found: Json = self.get("yuanfenju/counters")["calls"]
        return found

    def deepseek_knobs(self, mode: str = "ok", *, who: str = "*", **switches: Any) -> None:
        """Texts fail for a key or all: "401", "402", "422", "429", "500", "503", reset, hang, blank, cut, error;
        retry_after, finish="length" (insufficient_system_resource, content_filter, aborted), content="empty" (missing,
        plain), wait, drip, concurrency, sentences, times.
        """
        self.post("deepseek/knobs", who=who, mode=mode, **switches)

    def deepseek_key(self, key: str, balance: float = 10.0) -> None:
        """One more key, with so many US dollars."""
        self.post("deepseek/keys", key=key, balance=balance)

    def deepseek_counters(self) -> Json:
        """asked, answered (paid for), finished, left, "refused 429", prompt_tokens, completion_tokens, most_at_once."""
        return self.get("deepseek/counters")

    def deepseek_requests(self) -> list[Json]:
        """The newest requests as they came, oldest first."""
        found: list[Json] = self.get("deepseek/requests", limit=500)["requests"]
        return found

    # Partners that get the ledger's changes

    def partner_url(self, name: str = "shop") -> str:
        """Where a partner wants its batches; `partner_keys` makes it known."""
        return f"{self.url}/partner/{name}/credits"

    def partner_keys(self, name: str = "shop", key_id: str = "", secret_key: str = "", **more: str) -> Json:
        """A new partner, or another key for a known one; `more` is site, source, api_key, api_secret."""
        return self.post("partner/keys", name=name, key_id=key_id, secret_key=secret_key, **more)

    def partner(self, name: str = "shop") -> Json:
        """What it has received, in that order: `changes`, `balances` by Telegram id, `copies` of changes that came again by id,
        `late` ids (after a newer one of their account), `conflicts`, `visits` (at, batch_id, count, status, what).
        """
        return self.get("partner", name=name)

    def partner_forgets(self, name: str = "shop") -> Json:
        """It keeps its keys and forgets what it received."""
        return self.post("partner/forget", name=name)

    def partner_knobs(self, mode: str = "ok", *, who: str = "*", **switches: Any) -> None:
        """Trouble with batches: cut, lost (taken, but no answer), hang, html, other, half, huge, or a status such as "503", "410",
        "401", "302" (with `location`), "429" (with `retry_after`); `seconds` late; `refuse` "7,ref-9" with `how` "listed"
        or "whole" (422); for `times` requests.
        """
        self.post("partner/knobs", who=who, mode=mode, **switches)
