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

from tests.sandbox_services import Json, Services, name_of

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


class Sandbox(Services):
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
        return self.post("bots/revoke", bot=name_of(bot))

    def say(self, bot: Json | str, user: int, text: str, **more: Any) -> Json:
        """A person writes: message_id, update_id and revision, a mark to wait from."""
        return self.post("say", bot=name_of(bot), user=user, text=text, **more)

    def press(self, bot: Json | str, user: int, text: str = "", **more: Any) -> Json:
        """A person presses the newest button with this label (or `data`, `message_id`): callback_query_id and revision."""
        return self.post("press", bot=name_of(bot), user=user, **({"text": text} if text else {}), **more)

    def crowd(self, bots: Any, **more: Any) -> Json:
        """Many people write: `users`, `text`, `each`, `rate`, `first_user`."""
        return self.post("crowd", bots=bots, **more)

    def inject(self, bot: Json | str, *updates: Json) -> list[int]:
        """Raw updates, each {kind: payload}; their ids."""
        ids: list[int] = self.post("updates", bot=name_of(bot), updates=list(updates))["update_ids"]
        return ids

    def wait_for_text(
        self, bot: Json | str, chat: int | str, text: str, *, after: int = 0, seconds: float = 10
    ) -> Json:
        """The bot's message that holds `text`; fails the test when none comes."""
        found = self.get("wait", bot=name_of(bot), chat=chat, text=text, after=after, timeout=seconds)
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
            "wait_answer", bot=name_of(bot), chat=chat, callback_query_id=callback_query_id, timeout=seconds
        )
        assert found["answer"] is not None, f"the button was not answered within {seconds} s"
        answer: Json = found["answer"]
        return answer

    def messages(self, bot: Json | str, chat: int | str, **more: Any) -> list[Json]:
        """The newest messages of a chat, oldest first."""
        found: list[Json] = self.get("messages", bot=name_of(bot), chat=chat, **more)["messages"]
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
        found: list[Json] = self.get("calls", bot=name_of(bot), after=after, limit=limit, **more)["calls"]
        return found

    def counters(self) -> Json:
        """How often each method was called, and how much waits."""
        return self.get("counters")

    def order_error(self, status: int, description: str = "", *, bot: Json | str = "*", **more: Any) -> None:
        """Coming calls fail: `method`, `chat`, `count`, `retry_after`, `migrate_to_chat_id`; status 0 cuts the line."""
        self.post("errors", status=status, description=description, bot=name_of(bot), **more)

    def order_latency(self, ms: float, *, bot: Json | str = "*", **more: Any) -> None:
        """Answers come later: `jitter_ms`, `method`."""
        self.post("latency", ms=ms, bot=name_of(bot), **more)

    def order_limits(self, *, bot: Json | str = "*", **limits: float) -> None:
        """Flood limits: `per_second`, `per_chat`, `per_group_minute`, `burst`."""
        self.post("limits", bot=name_of(bot), **limits)

    def clear_orders(self) -> None:
        """No errors, slowness and limits any more."""
        self.post("orders/clear")

    def block(self, bot: Json | str, user: int) -> None:
        """The person blocks the bot."""
        self.post("block", bot=name_of(bot), user=user)

    def unblock(self, bot: Json | str, user: int) -> None:
        """The person lets the bot write again."""
        self.post("unblock", bot=name_of(bot), user=user)

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

    def reset(self) -> None:
        """Forgets everything."""
        self.post("reset")
