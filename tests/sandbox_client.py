"""The sandbox as a subprocess, and its control door as plain calls.

    with Sandbox.start() as sandbox:
        bot = sandbox.create_bot("shop_bot")
        said = sandbox.say(bot, 5550001, "/start")
        message = sandbox.wait_for_text(bot, 5550001, "welcome", after=said["revision"])

A bot may be given as the answer of `create_bot`, as username, id or token.
"""

import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

ROOT = Path(__file__).parents[1]
PINGPONG_ACCOUNT = {
    "client_id": "990000000000000001",
    "acc_id": "990000000000000001001",
    "salt": "SANDBOX0SALT0OF0NO0WORTH",
}
YUANFENJU_KEY = "sandbox-yuanfenju-key"
DEEPSEEK_KEY = "sk-sandbox-deepseek"
LIN = 5550001
WANG = 5550002

Json = dict[str, Any]


class Sandbox:
    """One running sandbox. `url` is what TELEGRAM_API_URL has to be."""

    def __init__(self, process: "subprocess.Popen[str]", url: str, verify: str | bool = True) -> None:
        self.process = process
        self.url = url
        self._http = requests.Session()
        self._http.trust_env = False
        self._http.verify = verify

    @classmethod
    def start(
        cls,
        *,
        port: int = 0,
        data: Path | None = None,
        tls: tuple[Path, Path] | None = None,
        fast: bool = False,
        strict: bool = False,
        retry_scale: float = 0.01,
    ) -> "Sandbox":
        """Starts it and waits until it answers. `strict` keeps the real server's brakes on hasty clients."""
        command = [sys.executable, "-m", "sandbox", "--port", str(port), "--retry-scale", str(retry_scale)]
        command += ["--data", str(data)] if data else []
        command += ["--tls-cert", str(tls[0]), "--tls-key", str(tls[1])] if tls else []
        command += ["--fast"] if fast else []
        command += [] if strict else ["--lenient"]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        line = process.stdout.readline()
        if "listening on " not in line:
            process.kill()
            process.wait()
            raise RuntimeError(f"the sandbox did not start: {line!r}")
        return cls(process, line.split("listening on ")[1].strip(), verify=str(tls[0]) if tls else True)

    def stop(self) -> None:
        """Ends it and waits for the end."""
        self.process.terminate()
        try:
            self.process.wait(10)
        finally:
            self.kill()

    def kill(self) -> None:
        """Ends it without giving it time to save anything."""
        self._http.close()
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # The control door

    def get(self, path: str, **params: Any) -> Json:
        """GET /control/<path>."""
        return self._read(self._http.get(f"{self.url}/control/{path}", params=params, timeout=130))

    def post(self, path: str, **params: Any) -> Json:
        """POST /control/<path>."""
        return self._read(self._http.post(f"{self.url}/control/{path}", json=params, timeout=130))

    def api(self, bot: Json | str, method: str, **params: Any) -> Json:
        """One Bot API call as JSON; the whole answer, also when it is an error."""
        token = bot if isinstance(bot, str) else bot["token"]
        answer: Json = self._http.post(f"{self.url}/bot{token}/{method}", json=params, timeout=70).json()
        return answer

    def create_bot(self, username: str = "demo_bot", name: str = "Demo", token: str = "") -> Json:
        """A new bot: id, username, name, token."""
        return self.post("bots", username=username, name=name, token=token)

    def revoke(self, bot: Json | str) -> Json:
        """The bot with a new token; the old one answers 401."""
        return self.post("bots/revoke", bot=_name(bot))

    def say(self, bot: Json | str, user: int, text: str, **more: Any) -> Json:
        """A person writes: message_id, update_id and revision, a mark to wait from."""
        return self.post("say", bot=_name(bot), user=user, text=text, **more)

    def press(self, bot: Json | str, user: int, text: str = "", **more: Any) -> Json:
        """A person presses the newest button with this label (or `data`, `message_id`): callback_query_id and revision."""
        return self.post("press", bot=_name(bot), user=user, **({"text": text} if text else {}), **more)

    def crowd(self, bots: Any, **more: Any) -> Json:
        """Many people write: `users`, `text`, `each`, `rate`, `first_user`."""
        return self.post("crowd", bots=bots, **more)

    def inject(self, bot: Json | str, *updates: Json) -> list[int]:
        """Raw updates, each {kind: payload}; their ids."""
        ids: list[int] = self.post("updates", bot=_name(bot), updates=list(updates))["update_ids"]
        return ids

    def wait_for_text(
        self, bot: Json | str, chat: int | str, text: str, *, after: int = 0, seconds: float = 10
    ) -> Json:
        """The bot's message that holds `text`; fails the test when none comes."""
        found = self.get("wait", bot=_name(bot), chat=chat, text=text, after=after, timeout=seconds)
        assert found["message"] is not None, (
            f"no message with {text!r} within {seconds} s; there were {found['seen']}"
        )
        message: Json = found["message"]
        return message

    def wait_for_answer(
        self, bot: Json | str, chat: int | str, callback_query_id: str, *, seconds: float = 10
    ) -> Json:
        """What answerCallbackQuery said; fails the test when it was not called."""
        found = self.get(
            "wait_answer", bot=_name(bot), chat=chat, callback_query_id=callback_query_id, timeout=seconds
        )
        assert found["answer"] is not None, f"the button was not answered within {seconds} s"
        answer: Json = found["answer"]
        return answer

    def messages(self, bot: Json | str, chat: int | str, **more: Any) -> list[Json]:
        """The newest messages of a chat, oldest first."""
        found: list[Json] = self.get("messages", bot=_name(bot), chat=chat, **more)["messages"]
        return found

    def texts(self, bot: Json | str, chat: int | str) -> list[str]:
        """What the bot has said in a chat, oldest first."""
        return [
            str(message.get("text", message.get("caption", "")))
            for message in self.messages(bot, chat, limit=500)
            if message.get("from", {}).get("is_bot")
        ]

    def calls(
        self, bot: Json | str = "*", method: str | None = None, *, after: int = 0, limit: int = 20_000
    ) -> list[Json]:
        """The newest calls of one bot or all."""
        more = {"method": method} if method else {}
        found: list[Json] = self.get("calls", bot=_name(bot), after=after, limit=limit, **more)["calls"]
        return found

    def counters(self) -> Json:
        """How often each method was called, and how much waits."""
        return self.get("counters")

    def order_error(self, status: int, description: str = "", *, bot: Json | str = "*", **more: Any) -> None:
        """Coming calls fail: `method`, `chat`, `count`, `retry_after`, `migrate_to_chat_id`; status 0 cuts the line."""
        self.post("errors", status=status, description=description, bot=_name(bot), **more)

    def order_latency(self, ms: float, *, bot: Json | str = "*", **more: Any) -> None:
        """Answers come later: `jitter_ms`, `method`."""
        self.post("latency", ms=ms, bot=_name(bot), **more)

    def order_limits(self, *, bot: Json | str = "*", **limits: float) -> None:
        """Flood limits: `per_second`, `per_chat`, `per_group_minute`, `burst`."""
        self.post("limits", bot=_name(bot), **limits)

    def clear_orders(self) -> None:
        """No errors, slowness and limits any more."""
        self.post("orders/clear")

    def block(self, bot: Json | str, user: int) -> None:
        """The person blocks the bot."""
        self.post("block", bot=_name(bot), user=user)

    def unblock(self, bot: Json | str, user: int) -> None:
        """The person lets the bot write again."""
        self.post("unblock", bot=_name(bot), user=user)

    def create_chat(self, kind: str, title: str, **more: Any) -> Json:
        """A group, supergroup or channel: `username`, `members` {id: status}."""
        return self.post("chats", type=kind, title=title, **more)

    def set_member(self, chat: int | str, user: int | str, status: str = "member") -> None:
        """Somebody's status in a chat; `user` may be a bot's username."""
        self.post("members", chat=chat, user=user, status=status)

    def give_boosts(self, chat: int | str, user: int, count: int = 1) -> None:
        """The person boosts the chat so many times."""
        self.post("boosts", chat=chat, user=user, count=count)

    def drand_urls(self, *relays: str) -> list[str]:
        """What DRAND_URLS has to be; the relays are called `one` and `two` unless named."""
        return [f"{self.url}/drand/{relay}" for relay in relays or ("one", "two")]

    def drand_chain(self) -> Json:
        """The chain of the drand relays: `hash` is what DRAND_CHAIN has to be, `newest` its newest round."""
        return self.get("drand")

    def order_drand(self, mode: str, relay: str = "*", *, seconds: float = 60) -> None:
        """A relay, or all, is `ok`, `down`, `late` by so many seconds, or `lying`."""
        self.post("drand", mode=mode, relay=relay, seconds=seconds)

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
        for message in reversed(self.messages(bot, chat, limit=500)):
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
        return self.post("stars/pay", bot=_name(bot), user=user, **which)

    def star_transactions(self, bot: Json | str) -> list[Json]:
        """What moved, the oldest first: charge, person_id, payload, amount, is_refund."""
        found: list[Json] = self.get("stars/transactions", bot=_name(bot))["transactions"]
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

    def reset(self) -> None:
        """Forgets everything."""
        self.post("reset")

    def _read(self, answer: requests.Response) -> Json:
        result: Json = answer.json()
        assert answer.ok, f"the sandbox refused: {result}"
        return result


def _name(bot: Json | str) -> str:
    return bot if isinstance(bot, str) else str(bot["username"])
