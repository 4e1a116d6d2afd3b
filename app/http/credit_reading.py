"""What partner projects may read: balances, histories, and the feed of changes."""

from apiflask import APIBlueprint
from flask import Response, g

from app.core.queue import transaction
from app.domain.credit_clients import Scope
from app.domain.credits import Standing
from app.http import credits_answers as answers
from app.http import credits_examples as examples
from app.http import credits_input as given
from app.http import credits_schema as schema
from app.http.credits_auth import signed
from app.http.credits_docs import described
from app.http.credits_words import answer
from app.models import CreditPosting
from app.services import credit_calls
from app.services.credits import feed
from app.services.credits.feed import Change

api = APIBlueprint("credit_reading_api", __name__, url_prefix="/api/credits", enable_openapi=False)


@api.get("/balance/<telegram_id>")
@described(examples.BALANCE)
@signed(Scope.READ)
def balance(telegram_id: str) -> Response:
    """Show a user's balance"""
    asked = given.checked(schema.User, {"telegram_id": telegram_id})
    given.query(schema.Nothing)
    with transaction():
        standing = credit_calls.standing(g.caller, asked.telegram_id)
    return answer(answers.Standing(**_numbers(asked.telegram_id, standing)))


@api.post("/balances")
@described(examples.BALANCES)
@signed(Scope.READ)
def balances() -> Response:
    """Show the balances of up to 1,000 users

    In the order asked. Who is not known here has `known: false`, and nothing.
    """
    asked = given.checked(schema.Balances, g.fields)
    with transaction():
        found = credit_calls.standings(g.caller, asked.telegram_ids)
    shown = [answers.KnownStanding(**_numbers(each, one), known=known) for each, one, known in found]
    return answer(answers.Standings(balances=shown))


@api.get("/history/<telegram_id>")
@described(examples.HISTORY)
@signed(Scope.READ)
def history(telegram_id: str) -> Response:
    """List a user's postings

    Latest first, of all projects. Pass `next` as `before` for the page that follows.
    """
    user = given.checked(schema.User, {"telegram_id": telegram_id})
    page = given.query(schema.HistoryPage)
    with transaction():
        rows, following = credit_calls.history(g.caller, user.telegram_id, page.before, page.limit)
        shown = [_entry(user.telegram_id, each) for each in rows]
    return answer(answers.HistoryAnswer(postings=shown, next=following))


@api.get("/changes")
@described(examples.CHANGES)
@signed(Scope.READ)
def changes() -> Response:
    """Follow all changes

    Every posting of every user exactly once, in the order of `id`, which is that of each user's history. Keep `cursor`
    after you have worked off a page, and ask again from there. A posting appears as soon as no earlier one can still be
    under way, usually within a second.
    """
    page = given.query(schema.ChangesPage)
    with transaction():
        settled = feed.advance()
    with transaction():
        found = credit_calls.changes(
            g.caller,
            settled,
            page.after,
            page.limit,
            source=page.source,
            except_source=page.except_source,
        )
    shown = [_entry(each.telegram_id, each) for each in found.changes]
    return answer(answers.ChangesAnswer(changes=shown, cursor=found.cursor, more=found.more))


def _numbers(telegram_id: int, standing: Standing) -> dict[str, int]:
    return {
        "telegram_id": telegram_id,
        "balance": standing.balance,
        "held": standing.held,
        "available": standing.available,
    }


def _entry(telegram_id: int, row: CreditPosting | Change) -> answers.Entry:
    return answers.Entry(
        id=row.id,
        telegram_id=telegram_id,
        amount=row.amount,
        balance=row.balance,
        source=row.source,
        reference=row.reference,
        reason=row.reason,
        metadata=row.details,
        created_at=row.created_at,
    )
