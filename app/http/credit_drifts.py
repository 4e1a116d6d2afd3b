"""Partner projects compare their balances with ours."""

from apiflask import APIBlueprint
from flask import Response, g

from app.core.errors import BadInput
from app.core.queue import transaction
from app.domain.credit_clients import Scope
from app.http import credits_answers as answers
from app.http import credits_examples as examples
from app.http import credits_input as given
from app.http import credits_schema as schema
from app.http.credits_auth import signed
from app.http.credits_docs import described
from app.http.credits_words import answer
from app.models import CreditDrift, CreditDriftLine
from app.services import credit_calls

api = APIBlueprint("credit_drifts_api", __name__, url_prefix="/api/credits", enable_openapi=False)


@api.post("/compare")
@described(examples.COMPARE)
@signed(Scope.READ)
def compare() -> Response:
    """Compare balances

    Of up to 5,000 users. The boss sees the result among his comparisons. Nothing is changed.
    """
    asked = given.checked(schema.Comparison, g.fields)
    pairs = {each.telegram_id: each.balance for each in asked.balances}
    if len(pairs) < len(asked.balances):
        raise given.wrong("balances", "users_twice")
    try:
        with transaction():
            found = credit_calls.compare(g.caller, asked.name, list(pairs.items()))
            return answer(_shown(*found))
    except BadInput:
        raise given.wrong("name", "no_name") from None


def _shown(drift: CreditDrift, lines: list[CreditDriftLine]) -> answers.ComparisonAnswer:
    return answers.ComparisonAnswer(
        id=drift.id,
        compared=drift.compared,
        differing=drift.differing,
        explained=drift.explained,
        lines=[answers.Difference.model_validate(each, from_attributes=True) for each in lines],
    )
