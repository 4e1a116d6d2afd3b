"""Credits shared with other projects: their keys, what they call with the client's own file, and partners that are sent changes."""

import hashlib
import hmac
import json
import re
import secrets
import time
from dataclasses import dataclass
from typing import Any

import requests

from sdk.credit_sync_client import CreditSyncClient, Result, sign_v2
from tests.e2e.shopping import PATIENCE, Buyer, Shop
from tests.e2e.stack import Boss, Stack
from tests.e2e.visitor import Visitor
from tests.sandbox_services import Json
from tests.waiting import wait_for

OUTPUT = re.compile(r'<output id="(key-id|api-key|secret-key)"[^>]*>([^<]+)</output>')
"""Where the boss's pages show what they show once."""


@dataclass
class Project:
    """A project with one key, as `flask credits client` or the boss's page made it."""

    stack: Stack
    source: str
    api_key: str
    secret_key: str

    def __post_init__(self) -> None:
        self.calls = self.client()

    @property
    def key_id(self) -> str:
        return self.api_key.partition(".")[0]

    @property
    def rows(self) -> tuple[int, int]:
        """The numbers of the key and of the project, as the boss's pages use them."""
        found = "SELECT id, client_id FROM credit_key WHERE key_id = %s"
        key, client = self.stack.sql(found, self.key_id)[0]
        return int(key), int(client)

    def client(self, **more: Any) -> CreditSyncClient:
        """What a partner makes with five lines."""
        return CreditSyncClient(self.stack.url, self.api_key, self.secret_key, self.source, **more)

    def gives(self, who: int, amount: int, reference: str) -> Result:
        """Adds credits; they are there afterwards."""
        given = self.calls.add_credits(telegram_id=who, amount=amount, reason="签到奖励", reference=reference)
        assert given.success, given
        return given

    def balance(self, who: int) -> int | None:
        return self.calls.get_balance(who).balance

    def headers(self, path: str, body: bytes, **other: str) -> dict[str, str]:
        """Signed by hand. `other`: nonce, timestamp, secret, api_key."""
        stamp = other.get("timestamp", str(int(time.time())))
        nonce = other.get("nonce", secrets.token_urlsafe(18))
        given = {"path": path, "query": "", "timestamp": stamp, "nonce": nonce, "body": body}
        signature = sign_v2(
            other.get("secret", self.secret_key),
            self.key_id,
            method="POST",
            **given,  # type: ignore[arg-type]
        )
        names = {"X-Api-Key": other.get("api_key", self.api_key), "X-Timestamp": stamp, "X-Nonce": nonce}
        return {**names, "X-Signature": signature, "Content-Type": "application/json"}

    def asks(self, content: Json, path: str = "/api/credits/sync", **other: str) -> requests.Response:
        """One POST without any help, over a connection of its own."""
        body = json.dumps(content).encode()
        headers = self.headers(path, body, **other) | {"Connection": "close"}
        return requests.post(f"{self.stack.url}{path}", body, headers=headers, timeout=10)


def by_command(stack: Stack, boss: Boss, source: str) -> Project:
    """A new project as an operator makes one."""
    tenant = str(boss.tenant_id)
    made = stack.flask("credits", "client", "--tenant", tenant, "--source", source, "--json")
    return _quick(Project(stack, source, made["api_key"], made["secret_key"]))


def by_hand(stack: Stack, desk: Visitor, source: str) -> Project:
    """A new project as a boss makes one at his pages."""
    form = desk.send("/admin/credit-clients/new/", name=f"项目 {source}", source=source)
    return _quick(with_key(stack, desk, source, int(form.url.rpartition("client=")[2])))


def with_key(stack: Stack, desk: Visitor, source: str, client: int, **rights: str) -> Project:
    """One more key of a project."""
    form = {"client": client, "may_post": "y", "may_read": "y", **rights}
    keys = shown(desk.send(f"/admin/credit-keys/new/?client={client}", **form))
    return Project(stack, source, keys["api-key"], keys["secret-key"])


def _quick(project: Project) -> Project:
    """It may call as often as these tests do."""
    project.stack.sql("UPDATE credit_client SET rate = 100, burst = 200 WHERE id = %s", project.rows[1])
    return project


def shown(page: requests.Response) -> dict[str, str]:
    """The texts that a page shows once."""
    return dict(OUTPUT.findall(page.text))


def one_credit(who: Buyer, reference: str) -> dict[str, Any]:
    return {"telegram_id": who.id, "amount": 1, "reason": "r", "reference": reference}


def member(shop: Shop) -> Buyer:
    """Somebody who has just pressed Start in the bot."""
    someone = shop.buyer()
    someone.answered("/start", "")
    return someone


@dataclass
class Receiver:
    """A partner that the boss entered at his page and that the sandbox plays."""

    shop: Shop
    name: str

    @classmethod
    def enter(cls, shop: Shop, name: str) -> "Receiver":
        sandbox = shop.stack.sandbox
        form = {"name": name, "url": sandbox.partner_url(name), "which": "all", "start": "beginning"}
        keys = shown(shop.desk.send("/admin/credit-partners/new/", **form))
        sandbox.partner_keys(name, keys["key-id"], keys["secret-key"])
        return cls(shop, name)

    @property
    def id(self) -> int:
        found = self.shop.stack.sql("SELECT id FROM credit_partner WHERE name = %s", self.name)
        return int(found[0][0])

    def heard(self) -> Json:
        """What it knows."""
        return self.shop.stack.sandbox.partner(self.name)

    def references(self, who: int | None = None) -> list[str]:
        """In the order in which it took them."""
        return [one["reference"] for one in self.heard()["changes"] if who in {None, one["telegram_id"]}]

    def hears(self, *references: str) -> None:
        """Waits until it has all of these."""
        wait_for(
            lambda: set(references) <= set(self.references()),
            seconds=PATIENCE,
            what=f"{self.name} to hear {references[-1]}",
        )

    def knobs(self, mode: str = "ok", **switches: Any) -> None:
        """How it behaves from now on; well where nothing is said."""
        well = {"seconds": 0, "refuse": "", "times": 0}
        self.shop.stack.sandbox.partner_knobs(mode, who=self.name, **{**well, **switches})

    def tried_now(self) -> None:
        """The boss does not wait for the next try."""
        self._press("credit-partners/try-now", id=self.id)

    def replayed(self) -> None:
        """The boss sends all dead letters again."""
        self._press("credit-letters/replay-all", partner=self.id)

    def _press(self, button: str, **fields: int) -> None:
        self.shop.desk.send(f"/admin/credit-partners/edit/?id={self.id}", f"/admin/{button}/", **fields)

    def letters(self) -> list[tuple[str, str]]:
        """State and reference of its open letters, in their order."""
        return self.shop.stack.sql(
            "SELECT l.state, p.reference FROM credit_letter l JOIN credit_posting p ON p.id = l.posting_id"
            " WHERE l.partner_id = %s AND l.state NOT IN ('done', 'dismissed') ORDER BY p.id",
            self.id,
        )


def dated_anew(
    exchange: Json, record: Json, project: Project, who: int, now: int
) -> tuple[dict[str, str], bytes]:
    """A recorded call of version 1 as it would be made now, by this project for this user: headers and body.

    All calls of a conversation need the same `now`: some repeat tokens of others.
    """
    asked = exchange["request"]
    headers = dict(asked["headers"])
    if headers.get("X-Api-Key") == record["api_key"]:
        headers["X-Api-Key"] = project.api_key
    text = asked["body"].replace("5550001", str(who))
    if not text.startswith("{"):
        return headers, text.encode()
    old = json.loads(asked["body"])
    stamp = str(int(old["timestamp"]) - record["now"] + now)
    text = text.replace(str(old["timestamp"]), stamp)
    if old["token"].lower() == _token(record["secret_key"], old, str(old["timestamp"])):
        token = _token(project.secret_key, json.loads(text), stamp)
        text = text.replace(old["token"], token.upper() if old["token"].isupper() else token)
    return headers, text.encode()


def _token(secret: str, fields: Json, stamp: str) -> str:
    message = ":".join((str(fields["telegram_id"]), str(fields["amount"]), fields["source"], stamp))
    return hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()
