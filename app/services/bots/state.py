"""Facts about bots, reported by the processes that run them, and the incidents that follow.

Every report is one conditional UPDATE. A reporter gives the `version` of the configuration that it used, so that a
late report about an old token changes nothing.
"""

from sqlalchemy import text

from app.core.bells import Bell
from app.core.db import db
from app.core.queue import ring
from app.domain.bot_health import Problem, read_failure
from app.domain.bots import CONFLICT_CODE, BotState, backoff, host_of, state_after

FAILURES_BEFORE_ALERT = 5
"""A network that is away for some seconds is nothing to wake anybody for."""
MAX_TEXT = 300

_OK = text("""
UPDATE bot SET running_since = CASE WHEN state = 'running' THEN running_since ELSE clock_timestamp() END,
       state = 'running', error_code = NULL, error_text = NULL, failures = 0, retry_at = NULL
WHERE id = :id AND enabled AND removed_at IS NULL AND version = coalesce(:version, version)
      AND (state <> 'running' OR error_code IS NOT NULL OR failures > 0)
RETURNING id
""")
_FAILED = text("""
WITH old AS MATERIALIZED (
    SELECT id, state FROM bot
    WHERE id = :id AND enabled AND removed_at IS NULL AND version = coalesce(:version, version)
          AND (:any_mode OR (mode = 'polling' AND webhook_set_at IS NULL))
    FOR UPDATE
)
UPDATE bot SET state = coalesce(:state, bot.state), error_code = :code, error_text = :text,
       error_at = clock_timestamp(), failures = failures + 1,
       running_since = CASE WHEN :state IS NULL THEN running_since END,
       retry_at = clock_timestamp() + make_interval(secs => (1 + random() / 10) * greatest(
           coalesce(:retry_after + 1, 0), least(:longest, :first * power(2, least(failures, 12)))))
FROM old WHERE bot.id = old.id
RETURNING bot.tenant_id, bot.failures, bot.webhook_url, old.state AS before, bot.state AS after
""")
_OPEN = text("""
INSERT INTO bot_alert (tenant_id, bot_id, kind, detail, opened_at, due_at)
VALUES (:tenant, :bot, :kind, :detail, clock_timestamp(), clock_timestamp()) ON CONFLICT DO NOTHING
""")
_CLOSE = text("""
UPDATE bot_alert SET closed_at = clock_timestamp(),
       closed_told_at = CASE WHEN :silent OR told_at IS NULL THEN clock_timestamp() END
WHERE bot_id = :bot AND closed_at IS NULL AND kind = ANY(:kinds)
""")
ALL_KINDS = tuple(Problem)


def report_ok(bot_id: int, *, version: int | None = None) -> bool:
    """The bot works. Writes nothing when that is known already; says whether it was news."""
    if db.session.execute(_OK, {"id": bot_id, "version": version}).first() is None:
        return False
    close_alerts(bot_id, Problem.REVOKED)
    ring(Bell.BOTS, bot_id)
    return True


def report_failure(
    bot_id: int,
    code: int,
    description: str,
    retry_after: float | None = None,
    *,
    version: int | None = None,
    webhook: bool = False,
) -> bool:
    """The bot failed: sets its state and when to try again, opens an incident; says whether the report counted.

    `webhook` says that the failure concerns our webhook. Otherwise a 409 counts only while the bot is polled and no
    webhook of ours is set, because switching to a webhook ends a running poll with just that code.
    """
    first, longest = backoff(code)
    state = state_after(code)
    row = db.session.execute(
        _FAILED,
        {
            "id": bot_id,
            "version": version,
            "any_mode": webhook or code != CONFLICT_CODE,
            "state": state,
            "code": code,
            "text": description[:MAX_TEXT],
            "retry_after": retry_after,
            "first": first,
            "longest": longest,
        },
    ).first()
    if row is None:
        return False
    reading = read_failure(code, description, host_of(row.webhook_url))
    if reading.problem and (state is not BotState.UNREACHABLE or row.failures >= FAILURES_BEFORE_ALERT):
        detail = description[:MAX_TEXT] if reading.problem is Problem.WEBHOOK else host_of(row.webhook_url)
        open_alert(row.tenant_id, bot_id, reading.problem, detail)
    if row.before != row.after:
        ring(Bell.BOTS, bot_id)
    return True


def open_alert(tenant_id: int, bot_id: int, problem: Problem, detail: str = "") -> None:
    """Opens an incident unless it is open; a worse one takes the place of others."""
    close_alerts(bot_id, *(kind for kind in ALL_KINDS if kind is not problem), silent=True)
    db.session.execute(_OPEN, {"tenant": tenant_id, "bot": bot_id, "kind": problem, "detail": detail})


def close_alerts(bot_id: int, *kinds: Problem, silent: bool = False) -> None:
    """Ends incidents; the boss hears of it where he heard of their beginning, unless `silent`."""
    db.session.execute(_CLOSE, {"bot": bot_id, "kinds": list(kinds or ALL_KINDS), "silent": silent})
