"""A partner for tests that is sent changes: a real server on loopback that keeps what it took, and can misbehave."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pytest_httpserver import HTTPServer
from sqlalchemy import text
from werkzeug import Request, Response

from app.core.db import db
from app.core.queue import transaction
from app.gateways import partners as gateway
from app.models import CreditLetter, CreditPartner, Tenant
from app.services import credits as ledger
from app.services.credit_sync import claiming, outcome, partners
from app.services.credits import erasing, feed
from sdk.credit_sync_client import BatchVerifier
from tasks import credits as tasks

ANN, BEN, CAT = 7_000_000_001, 7_000_000_002, 7_000_000_003
Mood = Callable[[dict[str, Any]], Response]


def says(status: int = 200, body: str | bytes = b"", **headers: str) -> Mood:
    """Answers always the same."""
    return lambda _: Response(
        body, status, {name.replace("_", "-"): value for name, value in headers.items()}
    )


def take(batch: dict[str, Any]) -> Response:
    """Takes everything."""
    return Response(json.dumps({"batch_id": batch["batch_id"]}), content_type="application/json")


def refuses(*references: str, alone: bool = False) -> Mood:
    """Does not like these: names them in its answer, or refuses each whole batch in which they are."""

    def answer(batch: dict[str, Any]) -> Response:
        bad: list[int] = []
        people: set[int] = set()
        for change in batch["changes"]:
            # What comes behind it of the same account may not be taken before it.
            if change["reference"] in references or change["telegram_id"] in people:
                people.add(change["telegram_id"])
                bad.append(change["id"])
        if alone and bad:
            return Response(json.dumps({"detail": "no such member"}), 422)
        refused = [{"id": each, "message": "no such member"} for each in bad]
        return Response(json.dumps({"batch_id": batch["batch_id"], "refused": refused}))

    return answer


@dataclass
class Partner:
    """The partner's server. `seen` are genuine batches in the order in which they came, `taken` the changes of those
    that were answered well, each as often as it was.
    """

    server: HTTPServer
    path: str = "/in"
    id: int = 0
    mood: Mood = take
    verifier: BatchVerifier | None = None
    seen: list[dict[str, Any]] = field(default_factory=list)
    taken: list[dict[str, Any]] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.server.expect_request(self.path).respond_with_handler(self._answer)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.port}{self.path}?from=laoban"

    @property
    def row(self) -> CreditPartner:
        db.session.rollback()
        row = db.session.get(CreditPartner, self.id, populate_existing=True)
        assert row is not None
        return row

    def references(self, telegram_id: int | None = None) -> list[str]:
        """What it took, of everybody or one member."""
        return [change["reference"] for change in self.taken if telegram_id in {None, change["telegram_id"]}]

    def set_up(self, tenant: Tenant, **options: Any) -> "Partner":
        with transaction():
            new = partners.create(tenant.id, "Shop", self.url, **{"start": "beginning", **options})
        self.id, self.verifier = new.partner.id, BatchVerifier(new.key_id, new.secret_key, window=10**8)
        return self

    def _answer(self, request: Request) -> Response:
        self.requests.append(request)
        raw = request.get_data()
        try:
            if self.verifier is not None:
                self.verifier.verify(
                    "POST", self.path, request.query_string.decode(), dict(request.headers), raw
                )
        except Exception as error:  # noqa: BLE001 - the test looks at it
            self.wrong.append(str(error))
            return Response(status=401)
        batch = json.loads(raw)
        self.seen.append(batch)
        answer = self.mood(batch)
        told = _json(answer) if answer.status_code == 200 else {}
        if told.get("batch_id") == batch["batch_id"]:
            refused = [each["id"] for each in told.get("refused", []) if isinstance(each, dict)]
            self.taken += [change for change in batch["changes"] if change["id"] not in refused]
        return answer


def _json(answer: Response) -> dict[str, Any]:
    try:
        found = json.loads(answer.get_data())
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def post(tenant: Tenant, reference: str, who: int = ANN, amount: int = 10, **more: Any) -> int:
    """A posting; its id."""
    with transaction():
        values = {"source": "shop", "reason": "gift", **more}
        return ledger.post(tenant.id, who, amount, reference=reference, **values).id


def turn(partner: Partner, *, most: int = 200) -> int:
    """Sends until nothing more is to be sent just now; how many batches went."""
    for sent in range(most):
        if not tasks.send_one(partner.id):
            return sent
    raise AssertionError("it never ends")


def letters(partner: Partner) -> dict[int, str]:
    """The state of each letter by its posting."""
    db.session.rollback()
    rows = db.session.query(CreditLetter).filter_by(partner_id=partner.id).populate_existing()
    return {row.posting_id: row.state.value for row in rows.order_by(CreditLetter.posting_id)}


def slowly(seconds: float) -> Mood:
    """Takes everything, after a while."""

    def answer(batch: dict[str, Any]) -> Response:
        time.sleep(seconds)
        return take(batch)

    return answer


def claim(partner: Partner) -> claiming.Parcel:
    """Takes the partner's next batch, as a worker that has not sent it yet."""
    with transaction():
        settled = feed.advance()
    with transaction():
        parcel = claiming.claim(partner.id, settled)
    assert parcel is not None
    return parcel


def answered(parcel: claiming.Parcel) -> gateway.Answer:
    """The partner's answer."""
    return gateway.send(parcel.url, parcel.key_id, parcel.secrets, parcel.batch_id, parcel.items)


def complete(parcel: claiming.Parcel, seconds: float = 0.1) -> bool:
    """Sends it and takes in the answer."""
    answer = answered(parcel)
    with transaction():
        return outcome.complete(parcel, answer, seconds)


def set_size(partner: Partner, size: int) -> None:
    """How many changes go into the next batch."""
    partner.row.batch_size = size
    db.session.commit()


def erase(tenant: Tenant, telegram_id: int) -> None:
    """The member and his account are gone."""
    with transaction():
        db.session.execute(text("SELECT set_config('laoban.erasing', 'yes', true)"))
        erasing.erase(tenant.id, telegram_id)
