"""Credits shared by several projects: the client of the credit API, and the check of batches that it sends out.

    client = CreditSyncClient("https://boss.example", api_key, secret_key, source="shop")
    result = client.add_credits(telegram_id=5550001, amount=10, reason="Order 42", reference="order-42")
    print(result.success, result.balance, result.message)

One file, to copy or to install with pip. Needs Python 3.8 or newer and `requests`, nothing else.

Every posting has a `reference`, your own name for it, unique in your project. The same posting again changes nothing and
answers the first result, so whatever happened, repeating a call with the same reference is safe. The client does so itself
after network errors, 429 and 5xx, with a new nonce and timestamp each time.

What the ledger refuses (nobody known by this id, not enough credits, a reference that was used for something else) is an
answer: a result with `success` False, a `code` and a `message`. `CreditSyncError` is raised where no usable answer came, or
where the call itself is wrong (bad key, bad input): it has `code`, `status` and `message`.

SPDX-License-Identifier: MIT
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import os
import re
import secrets
import threading
import weakref
from dataclasses import dataclass
from random import SystemRandom
from time import sleep, time
from typing import Any, Callable, Dict, Iterable, Iterator, Mapping, Tuple, Union
from urllib.parse import urlencode, urlsplit

import requests

__version__ = "1.0.0"
__all__ = [
    "Account",
    "BatchResult",
    "BatchVerifier",
    "Change",
    "ChangeFeed",
    "Comparison",
    "CreditSyncClient",
    "CreditSyncError",
    "Difference",
    "Hold",
    "IncomingBatch",
    "NonceMemory",
    "Result",
    "sign_v1",
    "sign_v2",
]

Json = Dict[str, Any]
Headers = Union[Mapping[str, str], Iterable[Tuple[str, str]]]
NonceFirst = Callable[[str, int], bool]

log = logging.getLogger("credit_sync_client")

SCHEME = "LEDGER-HMAC-SHA256-V2"
MOST_ITEMS = 1000
MAX_BODY = 256 * 1024
WINDOW = 300
"""Seconds that two clocks may differ."""
LONGEST_WAIT = 60.0
"""Seconds: who asks us to wait longer than this gets his caller an error with `retry_after` instead."""
FIRST_WAIT = 0.5
_TIMESTAMP = re.compile(r"[0-9]{10}", re.ASCII)
_NONCE = re.compile(r"[A-Za-z0-9_-]{22,64}", re.ASCII)
_SIGNATURES = re.compile(r"v2=[0-9a-f]{64}(,v2=[0-9a-f]{64})?", re.ASCII)
_SECONDS = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?", re.ASCII)
_REFUSALS = frozenset({404, 409, 422})
# Answers with such a status that are no word of the ledger about this call.
_NO_REFUSALS = frozenset({"not_found", "replayed"})
_chance = SystemRandom()


class CreditSyncError(Exception):
    """A call without a usable answer, a wrong call, or a batch that must not be believed.

    `code` is a stable word of the API, or of this file: "network_error", "bad_answer". `status` is the HTTP status, 0 when
    there was none; of a batch that was sent to you: the status to answer with. `fields` names bad input. `retry_after` is in
    seconds. After "network_error" a posting may have been made or not: repeat it with the same reference.
    """

    def __init__(self, code: str, message: str, status: int = 0, fields: Any = None) -> None:
        super().__init__(code, message, status)
        self.code = code
        self.message = message
        self.status = status
        self.fields = fields
        self.retry_after: float | None = None
        self.server_time: float | None = None

    def __str__(self) -> str:
        return (
            f"{self.code} ({self.status}): {self.message}" if self.status else f"{self.code}: {self.message}"
        )


class _Hidden:
    """A secret that no log, repr or pickle shows."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        if not text:
            raise ValueError("a key is missing")
        self._text = text

    def __repr__(self) -> str:
        return "<hidden>"

    def __reduce__(self) -> Any:
        raise TypeError("secrets are not to be pickled")

    def reveal(self) -> str:
        """The secret itself."""
        return self._text


def sign_v1(secret_key: str, *, telegram_id: str, amount: str, source: str, timestamp: str) -> str:
    """The token of version 1, for old partners: reason and reference are not signed. Prefer version 2."""
    return _hmac(secret_key, f"{telegram_id}:{amount}:{source}:{timestamp}")


def sign_v2(
    secret_key: str,
    key_id: str,
    *,
    method: str,
    path: str,
    query: str,
    timestamp: str,
    nonce: str,
    body: bytes,
) -> str:
    """The value of X-Signature. `path` and `query` (without "?") as they are sent, still percent-encoded."""
    digest = hashlib.sha256(body).hexdigest()
    parts = (SCHEME, key_id, method.upper(), path, query, timestamp, nonce, digest)
    return "v2=" + _hmac(secret_key, "\n".join(parts))


def _hmac(secret_key: str, message: str) -> str:
    return hmac.new(secret_key.encode(), message.encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class Result:
    """What became of a posting. `code` is "" when it was made; `balance` is None where nobody told it."""

    success: bool
    balance: int | None
    message: str
    code: str = ""
    transaction_id: int | None = None
    duplicate: bool = False


@dataclass(frozen=True)
class BatchResult:
    """What became of a batch: one result per item, in the order of the items. `success` = nothing was refused."""

    success: bool
    posted: int
    duplicates: int
    refused: int
    results: list[Result]
    message: str = ""
    code: str = ""


@dataclass(frozen=True)
class Account:
    """Somebody's credits now: `held` of the balance is put aside, `available` can be taken."""

    success: bool
    telegram_id: int
    balance: int | None = None
    held: int | None = None
    available: int | None = None
    message: str = ""
    code: str = ""


@dataclass(frozen=True)
class Hold:
    """Credits that are put aside: `state` is "active", "captured", "voided" or "expired", `expires_at` ISO 8601 in UTC."""

    success: bool
    hold_id: int | None
    state: str
    amount: int | None
    captured: int | None
    transaction_id: int | None
    balance: int | None
    available: int | None
    expires_at: str
    message: str = ""
    code: str = ""


@dataclass(frozen=True)
class Change:
    """One posting of the ledger; `balance` is the account's after it, `created_at` is ISO 8601 in UTC."""

    id: int
    telegram_id: int
    amount: int
    balance: int
    source: str
    reference: str
    reason: str
    metadata: Json
    created_at: str


@dataclass(frozen=True)
class Difference:
    """An account whose balances differ; `ours` is the ledger's, None where it has no such account.

    `undelivered` is the sum of changes that were not sent to you yet.
    """

    telegram_id: int
    ours: int | None
    theirs: int
    undelivered: int = 0


@dataclass(frozen=True)
class Comparison:
    """How your balances compare with the ledger's; `explained` differ only by what was not sent to you yet."""

    id: int
    compared: int
    differing: int
    explained: int
    differences: list[Difference]


@dataclass(frozen=True)
class _Answer:
    status: int
    data: Json


class CreditSyncClient:
    """The credit API of one project. Threads may share it: each gets a session of its own.

    `timeout` is in seconds, for connecting and for each wait for bytes. `retries` come after the first try. `signature` "v1"
    signs single postings as old partners do. `language` is that of messages, such as "zh". `new_session` makes the
    `requests.Session` (proxies, certificates).
    Raises ValueError for keys and addresses that can't be right.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        secret_key: str,
        source: str,
        *,
        timeout: float = 10,
        retries: int = 3,
        signature: str = "v2",
        language: str = "",
        new_session: Callable[[], requests.Session] = requests.Session,
    ) -> None:
        if urlsplit(base_url).scheme not in {"https", "http"} or "?" in base_url:
            raise ValueError("base_url must look like https://boss.example")
        if signature not in {"v1", "v2"}:
            raise ValueError("signature must be v1 or v2")
        self.base_url = base_url.rstrip("/")
        self.source = source
        self.key_id = api_key.partition(".")[0]
        self.timeout = timeout
        self.retries = retries
        self.signature = signature
        self.language = language
        self._api_key = _Hidden(api_key)
        self._secret = _Hidden(secret_key)
        self._new_session = new_session
        self._ahead = 0.0
        self._mine = threading.local()
        self._sessions: weakref.WeakSet[requests.Session] = weakref.WeakSet()

    def __repr__(self) -> str:
        return f"CreditSyncClient({self.base_url!r}, key {self.key_id!r}, source {self.source!r})"

    def __enter__(self) -> CreditSyncClient:  # noqa: PYI034 - Self is younger than Python 3.8
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections of all threads."""
        for session in list(self._sessions):
            session.close()

    # Postings

    def add_credits(
        self, *, telegram_id: int, amount: int, reason: str, reference: str, metadata: Json | None = None
    ) -> Result:
        """Gives a user credits. `amount` is positive."""
        return self._post(self._posting(telegram_id, _positive(amount), reason, reference, metadata))

    def deduct_credits(
        self, *, telegram_id: int, amount: int, reason: str, reference: str, metadata: Json | None = None
    ) -> Result:
        """Takes credits from a user. `amount` is positive; "insufficient_credits" leaves the reference free for a later try."""
        return self._post(self._posting(telegram_id, -_positive(amount), reason, reference, metadata))

    def batch(self, items: Iterable[Mapping[str, Any]], atomic: bool = False) -> BatchResult:  # noqa: FBT001, FBT002
        """Up to 1,000 postings: telegram_id, amount (negative takes), reason, reference, metadata (may be left out).

        `atomic`: all or none. Otherwise each stands for itself, and the results say which were refused.
        """
        postings = [self._posting(**item) for item in items]
        if not 0 < len(postings) <= MOST_ITEMS:
            raise ValueError(f"a batch has 1 to {MOST_ITEMS} items")
        answer = self._call("POST", "batch", {"items": postings, "atomic": bool(atomic)})
        results = [_result(row) for row in _rows(answer.data, "results")]
        if len(results) != len(postings):
            raise _bad_answer(answer.status, "another number of results than of items")
        refused = sum(not one.success for one in results)
        duplicates = sum(one.duplicate for one in results)
        # Items of an atomic batch that was refused were not posted, whatever is right with them.
        posted = len(results) - refused - duplicates if answer.status == requests.codes.ok else 0
        success = posted + duplicates == len(results)
        words = _message(answer.data), _text(answer.data, "code")
        return BatchResult(success, posted, duplicates, refused, results, *words)

    # Balances and histories

    def get_balance(self, telegram_id: int) -> Account:
        """One balance."""
        number = _whole("telegram_id", telegram_id)
        return _account(self._call("GET", f"balance/{number}").data, number)

    def get_balances(self, telegram_ids: Iterable[int]) -> dict[int, Account]:
        """Up to 1,000 balances by Telegram id; those whom nobody knows have `success` False."""
        wanted = [_whole("telegram_id", one) for one in telegram_ids]
        answer = _must(self._call("POST", "balances", {"telegram_ids": wanted}))
        rows = _rows(answer, "balances")
        return {_need(row, "telegram_id"): _account(row, _need(row, "telegram_id")) for row in rows}

    def history(self, telegram_id: int, page_size: int = 50) -> Iterator[Change]:
        """A user's postings, the newest first, page by page. Raises CreditSyncError for an unknown user."""
        number = _whole("telegram_id", telegram_id)
        query = {"limit": page_size}
        while True:
            page = _must(self._call("GET", f"history/{number}", query=query))
            yield from (_change(row) for row in _rows(page, "postings"))
            if page.get("next") is None:
                return
            query["before"] = _need(page, "next")

    def iter_changes(self, after: int = 0, *, except_source: str = "", page_size: int = 200) -> ChangeFeed:
        """All changes after a cursor, as far as there are any by now; keep its `cursor` for the next time.

        `except_source` leaves one source out, such as your own, whose postings you know already.
        """
        more = {"except_source": except_source} if except_source else {}

        def fetch(cursor: int) -> Json:
            return _must(self._call("GET", "changes", query={"after": cursor, "limit": page_size, **more}))

        return ChangeFeed(fetch, after)

    def compare(self, pairs: Iterable[tuple[int, int]] | Mapping[int, int], name: str = "") -> Comparison:
        """Compares up to 5,000 of your balances, (telegram_id, balance), with the ledger's; the boss sees the result too.

        `differences` are the first 100.
        """
        rows = pairs.items() if isinstance(pairs, Mapping) else pairs
        balances = [
            {"telegram_id": _whole("telegram_id", who), "balance": _whole("balance", sum_)}
            for who, sum_ in rows
        ]
        content: Json = {"balances": balances, "name": name} if name else {"balances": balances}
        found = _must(self._call("POST", "compare", content))
        return Comparison(
            id=_need(found, "id"),
            compared=_need(found, "compared"),
            differing=_need(found, "differing"),
            explained=_need(found, "explained"),
            differences=[_difference(row) for row in _rows(found, "lines")],
        )

    # Holds

    def reserve(
        self, *, telegram_id: int, amount: int, reason: str, reference: str, expires_in: int | None = None
    ) -> Hold:
        """Puts credits aside for so many seconds (7 days): nobody can spend them, `capture` takes them, `void` lets them go.

        The capture is posted under this reference. The same again answers the first hold, whatever became of it: see `state`.
        """
        content = self._posting(telegram_id, _positive(amount), reason, reference)
        if expires_in is not None:
            content["expires_in"] = _whole("expires_in", expires_in)
        return _hold(self._call("POST", "holds", content))

    def get_hold(self, hold_id: int) -> Hold:
        """A hold as it stands now."""
        return _hold(self._call("GET", f"holds/{_whole('hold_id', hold_id)}"))

    def capture(self, hold_id: int, amount: int | None = None) -> Hold:
        """Takes what was put aside, or a part of it; the rest is free again. The same again answers the same."""
        content = {} if amount is None else {"amount": _positive(amount)}
        return _hold(self._call("POST", f"holds/{_whole('hold_id', hold_id)}/capture", content))

    def void(self, hold_id: int) -> Hold:
        """Lets the credits go. The same again answers the same."""
        return _hold(self._call("POST", f"holds/{_whole('hold_id', hold_id)}/void", {}))

    # How calls are made

    def _posting(
        self, telegram_id: int, amount: int, reason: str, reference: str, metadata: Json | None = None
    ) -> Json:
        found: Json = {
            "telegram_id": _whole("telegram_id", telegram_id),
            "amount": _whole("amount", amount),
            "source": self.source,
            "reason": reason,
            "reference": reference,
        }
        return found if metadata is None else {**found, "metadata": metadata}

    def _post(self, posting: Json) -> Result:
        return _result(self._call("POST", "sync", posting, version=self.signature).data)

    def _call(
        self,
        method: str,
        path: str,
        content: Json | None = None,
        *,
        query: Json | None = None,
        version: str = "v2",
    ) -> _Answer:
        """One call with its retries: what the ledger answers, also when it refuses. Raises CreditSyncError for all else."""
        url = f"{self.base_url}/api/credits/{path}" + (f"?{urlencode(query)}" if query else "")
        failures, is_clock_set = 0, False
        while True:
            try:
                return self._try(method, url, content, version)
            except CreditSyncError as error:  # noqa: PERF203 - this is what the loop is for
                if error.code == "timestamp_expired" and error.server_time is not None and not is_clock_set:
                    # A clock that was wrong is right now; should it still be refused, it is something else.
                    is_clock_set, self._ahead = True, error.server_time - time()
                    continue
                wait = _wait(error, failures, version)
                if wait is None or failures >= self.retries:
                    raise
                failures += 1
                log.info("%s %s: %s, try %d follows in %.1f s", method, path, error.code, failures + 1, wait)
                sleep(wait)

    def _try(self, method: str, url: str, content: Json | None, version: str) -> _Answer:
        session = self._session()
        request = self._signed(session, requests.Request(method, url), content, version)
        settings = session.merge_environment_settings(url, {}, None, None, None)
        try:
            # Redirects are not followed: a signature is good for one address.
            response = session.send(request, timeout=self.timeout, allow_redirects=False, **settings)
        except requests.RequestException as error:
            host = urlsplit(url).netloc
            raise CreditSyncError("network_error", f"{type(error).__name__} at {host}") from error
        return _read(response)

    def _signed(
        self, session: requests.Session, request: requests.Request, content: Json | None, version: str
    ) -> requests.PreparedRequest:
        stamp = str(int(time() + self._ahead))
        request.headers = {"X-Api-Key": self._api_key.reveal(), "Accept": "application/json"}
        if self.language:
            request.headers["Accept-Language"] = self.language
        if content is not None:
            if version == "v1":
                content = {**content, "timestamp": stamp, "token": self._token(content, stamp)}
            request.data = _dump(content)
            request.headers["Content-Type"] = "application/json"
        ready = session.prepare_request(request)
        if version == "v2":
            nonce = secrets.token_urlsafe(18)
            path, _, query = ready.path_url.partition("?")
            body = ready.body if isinstance(ready.body, bytes) else b""
            signed = {
                "method": str(ready.method),
                "path": path,
                "query": query,
                "timestamp": stamp,
                "nonce": nonce,
            }
            signature = sign_v2(self._secret.reveal(), self.key_id, body=body, **signed)
            ready.headers.update({"X-Timestamp": stamp, "X-Nonce": nonce, "X-Signature": signature})
        return ready

    def _token(self, content: Json, stamp: str) -> str:
        who, amount = str(content["telegram_id"]), str(content["amount"])
        return sign_v1(
            self._secret.reveal(), telegram_id=who, amount=amount, source=self.source, timestamp=stamp
        )

    def _session(self) -> requests.Session:
        """The one of our thread; a forked process must not share its parent's connections."""
        mine = self._mine
        if getattr(mine, "process", None) != os.getpid():
            mine.session, mine.process = self._new_session(), os.getpid()
            self._sessions.add(mine.session)
        found: requests.Session = mine.session
        return found


class ChangeFeed(Iterator[Change]):
    """Changes in the order of their ids. `cursor` = the id of the last one handed out: store it when you are done with that."""

    def __init__(self, fetch: Callable[[int], Json], after: int) -> None:
        self.cursor = after
        self._fetch = fetch
        self._page: list[Change] = []
        self._after = after
        self._has_more = True

    def __next__(self) -> Change:
        while not self._page:
            # What a filter left out at the end of a page need not be looked at again.
            self.cursor = self._after
            if not self._has_more:
                raise StopIteration
            page = self._fetch(self._after)
            self._page = [_change(row) for row in reversed(_rows(page, "changes"))]
            self._after, self._has_more = _need(page, "cursor"), page.get("more") is True
        change = self._page.pop()
        self.cursor = change.id
        return change


class NonceMemory:
    """Remembers nonces in this process. Several processes need a common memory: see BatchVerifier."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}
        self._lock = threading.Lock()

    def __call__(self, nonce: str, seconds: int) -> bool:
        """Whether this nonce is new; from now on it is not, for so many seconds."""
        now = time()
        with self._lock:
            while self._until:
                oldest = next(iter(self._until))
                if self._until[oldest] > now:
                    break
                del self._until[oldest]
            if nonce in self._until:
                return False
            self._until[nonce] = now + seconds
            return True


@dataclass(frozen=True)
class IncomingBatch:
    """Changes of balances that were sent to you. They come at least once: skip those whose id you have seen."""

    batch_id: str
    changes: list[Change]

    def answer(self, refused: Iterable[tuple[int, str]] | Mapping[int, str] = ()) -> Json:
        """The JSON to answer with status 200: all taken but `refused`, pairs of a change's id and a text for the boss."""
        pairs = refused.items() if isinstance(refused, Mapping) else refused
        rows = [{"id": int(number), "message": str(text)} for number, text in pairs]
        return {"batch_id": self.batch_id, "refused": rows} if rows else {"batch_id": self.batch_id}


class BatchVerifier:
    """Checks batches that the ledger sends to you.

    `previous_secret_key` still works while you change to a new one. `first` is the memory for nonces, a function (nonce,
    seconds) -> whether it is new; with Redis: `lambda nonce, seconds: bool(redis.set(f"nonce:{nonce}", 1, nx=True, ex=seconds))`.
    """

    def __init__(
        self,
        key_id: str,
        secret_key: str,
        *,
        previous_secret_key: str = "",
        window: int = WINDOW,
        first: NonceFirst | None = None,
    ) -> None:
        self.key_id = key_id
        self.window = window
        self._secrets = [_Hidden(text) for text in (secret_key, previous_secret_key) if text]
        if not secret_key:
            raise ValueError("a key is missing")
        self._first = NonceMemory() if first is None else first

    def __repr__(self) -> str:
        return f"BatchVerifier(key {self.key_id!r})"

    def verify(self, method: str, path: str, query: str, headers: Headers, body: bytes) -> IncomingBatch:
        """The batch, when it is genuine, timely and new. Raises CreditSyncError, whose `status` is what to answer.

        `path` and `query` (without "?") as they came, `body` the bytes as they came: do not decode and encode again.
        """
        if len(body) > MAX_BODY:
            raise CreditSyncError("too_large", "The body is larger than 256 KiB.", 413)
        key_id, stamp, nonce, given = _four(headers)
        if not hmac.compare_digest(key_id.encode(), self.key_id.encode()):
            raise CreditSyncError("invalid_api_key", "X-Api-Key is another one.", 401)
        if abs(time() - int(stamp)) > self.window:
            raise CreditSyncError("timestamp_expired", "The clocks differ by more than the window.", 401)
        asked = {"method": method, "path": path, "query": query, "timestamp": stamp, "nonce": nonce}
        self._check(given, asked, body)
        if not self._first(nonce, 3 * self.window):
            raise CreditSyncError("replayed", "This request came before.", 409)
        return _incoming(body)

    def _check(self, given: str, asked: dict[str, str], body: bytes) -> None:
        is_right = False
        for secret in self._secrets:
            expected = sign_v2(secret.reveal(), self.key_id, body=body, **asked).encode()
            for one in given.split(","):
                # No short cut: how long this takes tells nobody anything.
                is_right |= hmac.compare_digest(expected, one.encode())
        if not is_right:
            raise CreditSyncError("invalid_signature", "The signature does not fit.", 401)


def _four(headers: Headers) -> tuple[str, str, str, str]:
    """X-Api-Key, X-Timestamp, X-Nonce and X-Signature, each there once and well-formed."""
    pairs = headers.items() if isinstance(headers, Mapping) or hasattr(headers, "items") else headers
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name.lower(), []).append(value)
    names = ("x-api-key", "x-timestamp", "x-nonce", "x-signature")
    values = [found[name][0] if len(found.get(name, ())) == 1 else "" for name in names]
    key_id, stamp, nonce, signature = values
    is_well_formed = (
        _TIMESTAMP.fullmatch(stamp) and _NONCE.fullmatch(nonce) and _SIGNATURES.fullmatch(signature)
    )
    if not is_well_formed:
        raise CreditSyncError("invalid_signature", "A header is missing or malformed.", 401)
    return key_id, stamp, nonce, signature


def _incoming(body: bytes) -> IncomingBatch:
    try:
        data = json.loads(body.decode())
        return IncomingBatch(str(data["batch_id"]), [_change(row) for row in data["changes"]])
    except (ValueError, TypeError, KeyError, CreditSyncError) as error:
        raise CreditSyncError("malformed", "The body is not a batch.", 400) from error


def _dump(content: Json) -> bytes:
    return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _read(response: requests.Response) -> _Answer:
    """An answer of the ledger. Raises CreditSyncError for everything else."""
    status = response.status_code
    try:
        data = response.json()
    except ValueError:
        data = None
    is_object = isinstance(data, dict)
    if is_object and status == requests.codes.ok:
        return _Answer(status, data)
    code = data.get("code") if is_object else None
    if status in _REFUSALS and isinstance(code, str) and code not in _NO_REFUSALS:
        return _Answer(status, {**data, "success": False})
    if isinstance(code, str):
        error = CreditSyncError(code, _message(data), status, data.get("fields"))
    else:
        error = _bad_answer(status, "no JSON object of the credit API")
    error.retry_after = _number(response.headers.get("Retry-After"))
    error.server_time = _number(response.headers.get("X-Server-Time"))
    raise error


def _wait(error: CreditSyncError, failures: int, version: str) -> float | None:
    """Seconds to wait before another try; None where trying again would not help."""
    codes = requests.codes
    is_passing = error.status in {0, codes.too_many_requests} or error.status >= codes.server_error
    # "replayed": somebody between us and the ledger repeated our request. Signed anew, it is answered as a duplicate.
    if not (is_passing or error.code == "replayed"):
        return None
    least = error.retry_after or 0.0
    if error.code == "replayed" and version == "v1":
        # Within a second the token would be the same again.
        least = 1.0
    if least > LONGEST_WAIT:
        return None
    return least + min(LONGEST_WAIT, FIRST_WAIT * 2.0**failures) * _chance.uniform(0.5, 1)


def _number(text: str | None) -> float | None:
    return float(text) if text and _SECONDS.fullmatch(text) else None


def _bad_answer(status: int, what: str) -> CreditSyncError:
    return CreditSyncError("bad_answer", f"The answer makes no sense: {what}.", status)


def _must(answer: _Answer) -> Json:
    """What was asked for. A refusal is raised: the caller was promised data."""
    if answer.status != requests.codes.ok:
        raise CreditSyncError(_text(answer.data, "code"), _message(answer.data), answer.status)
    return answer.data


def _whole(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be a whole number, not {type(value).__name__}")
    return value


def _positive(amount: int) -> int:
    if _whole("amount", amount) <= 0:
        raise ValueError("amount must be positive; what takes credits has a name of its own")
    return amount


def _rows(data: Json, name: str) -> list[Json]:
    rows = data.get(name)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise _bad_answer(200, f"no list of {name}")
    return rows


def _text(data: Json, name: str) -> str:
    return str(data.get(name) or "")


def _message(data: Json) -> str:
    """What people read: of a posting its message, of a problem its detail or title."""
    return _text(data, "message") or _text(data, "detail") or _text(data, "title")


def _maybe(data: Json, name: str) -> int | None:
    return None if data.get(name) is None else _need(data, name)


def _need(data: Json, name: str) -> int:
    try:
        return int(data[name])
    except (KeyError, TypeError, ValueError) as error:
        raise _bad_answer(requests.codes.ok, f"no number {name}") from error


def _result(data: Json) -> Result:
    return Result(
        data.get("success") is True,
        _maybe(data, "balance"),
        _message(data),
        _text(data, "code"),
        _maybe(data, "transaction_id"),
        data.get("duplicate") is True,
    )


def _account(data: Json, telegram_id: int) -> Account:
    if data.get("success") is False or data.get("known") is False:
        code = _text(data, "code") or "unknown_user"
        return Account(success=False, telegram_id=telegram_id, message=_message(data), code=code)
    return Account(
        success=True,
        telegram_id=telegram_id,
        balance=_need(data, "balance"),
        held=_need(data, "held"),
        available=_need(data, "available"),
    )


def _difference(row: Json) -> Difference:
    theirs, undelivered = _need(row, "theirs"), _maybe(row, "undelivered") or 0
    return Difference(_need(row, "telegram_id"), _maybe(row, "ours"), theirs, undelivered)


def _hold(answer: _Answer) -> Hold:
    data = answer.data
    return Hold(
        data.get("success") is True,
        _maybe(data, "hold_id"),
        _text(data, "state"),
        _maybe(data, "amount"),
        _maybe(data, "captured"),
        _maybe(data, "transaction_id"),
        _maybe(data, "balance"),
        _maybe(data, "available"),
        _text(data, "expires_at"),
        _message(data),
        _text(data, "code"),
    )


def _change(row: Json) -> Change:
    metadata = row.get("metadata")
    return Change(
        id=_need(row, "id"),
        telegram_id=_need(row, "telegram_id"),
        amount=_need(row, "amount"),
        balance=_need(row, "balance"),
        source=_text(row, "source"),
        reference=_text(row, "reference"),
        reason=_text(row, "reason"),
        metadata=metadata if isinstance(metadata, dict) else {},
        created_at=_text(row, "created_at"),
    )
