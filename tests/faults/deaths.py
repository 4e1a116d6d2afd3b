"""Where a draw's worker may die: what it calls there, by the name of the point."""

from typing import Final

POINTS: Final = {
    "closing": "app.services.lotteries.manage.record",
    "sealing": "app.services.lotteries.sealing.root_of",
    "sealed": "app.services.lotteries.sealing.events.append",
    "ranking": "app.services.lotteries.order.best",
    "revealed": "app.services.lotteries.order.beacon",
    "claiming": "app.services.lotteries.checks._decide",
    "asking": "bots.draw_checks.is_member",
    "answering": "bots.draw_checks._write",
    "winning": "app.services.lotteries.results.move",
    "posting": "app.services.lotteries.settling._post",
    "telling": "app.services.lotteries.settling.outbox.queue_message",
    "finishing": "app.services.lotteries.settling.posts.queue_result",
    "redrawing": "app.services.lotteries.results._draw_again",
}
