"""Promoters: whom they bring, what they earn, and how they get it.

binding      whose link brought whom
promoters    becoming one, pausing, the boss's adjustments
earning      commissions of orders
ledger       the one way to change a balance, and the proof that balances are right
withdrawals  wishes to be paid
telling      messages to promoters
"""

from app.services.affiliates.binding import promoter_of, touch
from app.services.affiliates.earning import earn, reverse
from app.services.affiliates.ledger import check

__all__ = ["check", "earn", "promoter_of", "reverse", "touch"]
