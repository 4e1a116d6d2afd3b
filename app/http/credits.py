"""The API that partner projects post credits by. Each call is signed; nothing of it is read before that is checked."""

from apiflask import APIBlueprint
from flask import Flask, Response, g
from pydantic import ValidationError

from app.core.errors import AppError
from app.core.queue import transaction
from app.domain.credit_clients import BatchRefused, BatchTooLarge, InvalidCall, Scope
from app.domain.credits import NewPosting, NotPosted, Posting
from app.http import credit_drifts, credit_holds, credit_reading
from app.http import credits_answers as answers
from app.http import credits_examples as examples
from app.http import credits_input as given
from app.http import credits_schema as schema
from app.http.credits_auth import signed
from app.http.credits_docs import described
from app.http.credits_words import answer, posted, posted_headers, said, words
from app.http.csrf import csrf
from app.http.i18n import select_locale
from app.services import credit_calls
from app.services.credit_calls import Result
from app.services.credit_clients import Caller

# Described by `credits_docs`, since nothing may be parsed before the signature is checked.
api = APIBlueprint("credits_api", __name__, url_prefix="/api/credits", enable_openapi=False)


@api.post("/sync")
@described(examples.SYNC)
@signed(Scope.POST, v1=True)
def sync() -> Response:
    """Post credits to a user

    One posting. The same call again, also after years, changes nothing and answers the first result with `duplicate`.
    The same reference with another user, amount or reason is refused. A posting that was refused for lack of credits
    leaves its reference free: it may succeed after a top-up.

    Signed by version 2, or by version 1 with `timestamp` and `token` in the body, which is kept for old partners.
    """
    is_v1 = g.caller.version == 1
    new = new_posting(
        g.caller,
        given.checked(schema.PostingV1, g.fields) if is_v1 else given.checked(schema.Posting, g.fields),
    )
    with transaction():
        done = credit_calls.post(g.caller, new)
    response = answer(posted(done, select_locale()))
    response.headers.update(posted_headers(done))
    return response


@api.post("/batch")
@described(examples.BATCH)
@signed(Scope.POST)
def batch() -> Response:
    """Post up to 1,000 postings

    In the order given; the answer has a result for each item, and `success` only when none was refused. An item that is
    wrong by itself is refused alone, like one for lack of credits. With `atomic` nothing is posted unless everything can be.
    A batch may be repeated as it is: what was posted before is a `duplicate`.
    """
    asked = given.checked(schema.LooseBatch, g.fields)
    items = _items(asked.items)
    with transaction():
        results = credit_calls.post_many(g.caller, items, atomic=asked.atomic)
        shown = [_result(place, each) for place, each in enumerate(results)]
        refused = sum(not each.success for each in shown)
        if asked.atomic and refused:
            listed = [each.model_dump(exclude_none=True) for each in shown]
            guilty = sum(not each.success and each.code != NotPosted.code for each in shown)
            raise BatchRefused(refused=guilty).adding(results=listed)
    duplicates = sum(bool(each.duplicate) for each in shown)
    whole = answers.BatchPosted(
        success=not refused,
        posted=len(shown) - refused - duplicates,
        duplicates=duplicates,
        refused=refused,
        results=shown,
    )
    return answer(whole, exclude_none=True)


def new_posting(caller: Caller, asked: schema.Posting | schema.PostingV1) -> NewPosting:
    """What is asked for, under the caller's own source. Raises WrongSource, BadInput."""
    source = credit_calls.own_source(caller, asked.source)
    return NewPosting(asked.telegram_id, asked.amount, source, asked.reference, asked.reason, asked.metadata)


def _items(asked: list[object]) -> list[NewPosting | AppError]:
    """The items as postings, or why one is none. Raises BatchTooLarge, and InvalidCall for two equal references."""
    if len(asked) > schema.MOST_ITEMS:
        raise BatchTooLarge(most=schema.MOST_ITEMS)
    items = [_item(each) for each in asked]
    firsts: dict[str, int] = {}
    twice = {
        f"items.{place}.reference": [given.say("equal_references", other=firsts[each.reference])]
        for place, each in enumerate(items)
        if isinstance(each, NewPosting) and firsts.setdefault(each.reference, place) != place
    }
    if twice:
        raise InvalidCall(fields=twice)
    return items


def _item(asked: object) -> NewPosting | AppError:
    try:
        return new_posting(g.caller, schema.Posting.model_validate(asked))
    except ValidationError as error:
        return InvalidCall(fields=given.fields_of(error, most=given.MOST_OF_AN_ITEM))
    except AppError as error:
        return error


def _result(place: int, result: Result) -> answers.ItemResult:
    if isinstance(result, Posting):
        return answers.ItemResult(
            index=place,
            success=True,
            message=said(result, select_locale()),
            balance=result.balance,
            transaction_id=result.id,
            duplicate=result.duplicate,
        )
    refused = answers.ItemResult(index=place, success=False, message=words(result), code=result.code)
    return refused.model_copy(update=result.extra)


def init_app(app: Flask) -> None:
    """Adds the routes. They are signed and know no session, so there is none to protect from other sites."""
    for blueprint in (api, credit_reading.api, credit_holds.api, credit_drifts.api):
        csrf.exempt(blueprint)
        app.register_blueprint(blueprint)
