"""Erasing somebody from a tenant's promoting.

What was earned and paid out stays in the books without him: in place of his Telegram id stands a negative number, his
code leads nowhere, and neither where his money went nor any note is left. Whom he had brought stays bound to nobody
who could earn. As somebody whom another brought he is gone wholly; if he comes back he is new.
"""

from sqlalchemy import delete, insert, select, update

from app.core.db import db
from app.core.ids import one_time_code
from app.domain.affiliates import PromoterState
from app.models import CommissionEntry, Promoter, PromoterAccount, PromoterBinding, PromoterTouch, Withdrawal
from app.services.affiliates import withdrawals


def erase(tenant_id: int, telegram_id: int) -> bool:
    """Says whether he was a promoter. Needs `laoban.erasing`, without which entries can't be changed.

    What he had asked for and was not paid is refused; it goes back to a balance that nobody can claim any more.
    """
    for model in (PromoterBinding, PromoterTouch):
        db.session.execute(
            delete(model).where(model.tenant_id == tenant_id, model.telegram_id == telegram_id)
        )
    promoter_id = db.session.scalar(
        update(Promoter)
        .where(Promoter.tenant_id == tenant_id, Promoter.telegram_id == telegram_id)
        .values(telegram_id=-Promoter.id, code=one_time_code(), state=PromoterState.PAUSED)
        .returning(Promoter.id)
    )
    if promoter_id is None:
        return False
    withdrawals.refuse_open(promoter_id)
    _blank(promoter_id)
    return True


def _blank(promoter_id: int) -> None:
    """Takes his words out of the books. Entries can be deleted but not changed, so the same ones are written anew."""
    accounts = select(PromoterAccount.id).where(PromoterAccount.promoter_id == promoter_id)
    columns = CommissionEntry.__table__.columns
    named = (CommissionEntry.account_id.in_(accounts), CommissionEntry.note != "")
    rows = [
        {**row, "note": ""} for row in db.session.execute(select(*columns).where(*named)).mappings().all()
    ]
    if rows:
        db.session.execute(delete(CommissionEntry).where(CommissionEntry.id.in_([row["id"] for row in rows])))
        db.session.execute(insert(CommissionEntry), rows)
    db.session.execute(
        update(Withdrawal).where(Withdrawal.promoter_id == promoter_id).values(pay_to="", reason="")
    )
