"""Credits that a boss or one of his team gives or takes."""

from app.domain.credits import ADMIN, Posting
from app.models import CreditAccount, Member
from app.services import audit
from app.services.credits.posting import post


def adjust(owner: Member | CreditAccount, amount: int, *, reference: str, reason: str) -> Posting:
    """Changes somebody's balance once for `reference`, and says so in the log. Raises what `post` raises."""
    posting = post(
        owner.tenant_id, owner.telegram_id, amount, source=ADMIN, reference=reference, reason=reason
    )
    if not posting.duplicate:
        # The log can't be changed, so what may name somebody who asks to be erased stands in the posting alone.
        target = ("credits", owner.id if isinstance(owner, Member) else "", "")
        deed = "credits.given" if amount > 0 else "credits.taken"
        audit.record(owner.tenant_id, deed, target, {"amount": abs(amount), "posting": posting.id})
    return posting
