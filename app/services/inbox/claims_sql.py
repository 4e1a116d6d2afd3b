"""The statements of `claims`. Each is one transaction together with SCOPE."""

from typing import Final

from app.domain.inbox import MAX_DEATHS
from app.services.leases import CHAT

PER_CHAT: Final = 4
"""How many updates of one chat a claim takes."""

# A claim that PostgreSQL forgets in a crash is made again, so it need not wait for the disk; what was handled must
# not be forgotten. The planner's statistics are useless for a queue that is empty one moment and long the next:
# every access below is meant to go along an index.
SCOPE: Final = """
SELECT set_config('laoban.tenant', '*', true), set_config('synchronous_commit', %s, true),
       set_config('statement_timeout', '10s', true), set_config('plan_cache_mode', 'force_generic_plan', true),
       set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true),
       set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
       set_config('jit', 'off', true)"""

_NEW: Final = "state = 'new' AND NOT suspect"
_OURS: Final = f"""
l.kind = '{CHAT}' AND l.shard = i.shard %% %(modulus)s AND l.owner = %(owner)s AND l.lease_until > clock_timestamp()"""
_RETURNING: Final = """
i.tenant_id, i.bot_id, i.chat_key, i.update_id, i.seq, i.raw, i.lease_token, i.attempts, i.deaths,
i.shard %% %(modulus)s, extract(epoch FROM i.received_at)::float8"""

# Loose index scans (PostgreSQL wiki, "Loose indexscan"): from tenant to tenant and inside a tenant from chat to chat,
# so that ten thousand waiting updates of one chat cost the others one step. The first row of the answer says up to
# which tenant it looked, and at how many.
CLAIM: Final = f"""
WITH RECURSIVE tenant AS (
    (SELECT tenant_id, 1 AS step FROM inbox WHERE {_NEW} AND tenant_id > %(after)s ORDER BY tenant_id LIMIT 1)
    UNION ALL
    SELECT next.tenant_id, tenant.step + 1 FROM tenant CROSS JOIN LATERAL (
        SELECT tenant_id FROM inbox WHERE {_NEW} AND tenant_id > tenant.tenant_id ORDER BY tenant_id LIMIT 1
    ) AS next WHERE tenant.step < %(tenants)s
), start AS MATERIALIZED (
    SELECT tenant_id, coalesce(c.bot_id, 0) AS bot_id, coalesce(c.chat_key, 0) AS chat_key
    FROM tenant LEFT JOIN unnest(%(from_tenants)s::bigint[], %(from_bots)s::bigint[], %(from_chats)s::bigint[])
        AS c (tenant_id, bot_id, chat_key) USING (tenant_id)
    WHERE tenant_id <> ALL (%(full_tenants)s::bigint[])
), picked AS MATERIALIZED (
    SELECT update.* FROM start CROSS JOIN LATERAL (
        WITH RECURSIVE chat AS (
            (SELECT bot_id, chat_key, shard FROM inbox
             WHERE {_NEW} AND tenant_id = start.tenant_id AND (bot_id, chat_key) > (start.bot_id, start.chat_key)
             ORDER BY bot_id, chat_key LIMIT 1)
            UNION ALL
            SELECT next.* FROM chat CROSS JOIN LATERAL (
                SELECT bot_id, chat_key, shard FROM inbox
                WHERE {_NEW} AND tenant_id = start.tenant_id AND (bot_id, chat_key) > (chat.bot_id, chat.chat_key)
                ORDER BY bot_id, chat_key LIMIT 1
            ) AS next
        )
        SELECT chat.bot_id, first.update_id, row_number() OVER () AS turn FROM chat CROSS JOIN LATERAL (
            SELECT update_id FROM inbox
            WHERE {_NEW} AND tenant_id = start.tenant_id AND bot_id = chat.bot_id AND chat_key = chat.chat_key
            ORDER BY seq LIMIT %(per_chat)s
        ) AS first
        WHERE chat.shard %% %(modulus)s = ANY (%(shards)s::int[])
          AND (chat.bot_id, chat.chat_key) NOT IN (
              SELECT * FROM unnest(%(full_bots)s::bigint[], %(full_chats)s::bigint[]))
        LIMIT %(each)s
    ) AS update
    ORDER BY turn LIMIT %(room)s
), claimed AS (
    UPDATE inbox i SET state = 'leased', attempts = i.attempts + 1, lease_token = l.token
    FROM picked, shard_lease l
    WHERE i.bot_id = picked.bot_id AND i.update_id = picked.update_id AND i.state = 'new' AND {_OURS}
    RETURNING {_RETURNING}
)
SELECT coalesce(max(tenant_id), 0), count(*), 0, 0, 0, ''::bytea, 0, 0, 0, 0, 0 FROM tenant
UNION ALL SELECT * FROM claimed"""  # noqa: S608 - constants

# A claim that was lost in a crash of PostgreSQL left the row as it was; while the lease is the same, what came of the
# update still counts. A bot's row that somebody holds is left out: the time of its last update is for the eye, and to wait here would hold
# up everybody.
FINISH: Final = f"""
WITH given AS MATERIALIZED (
    SELECT * FROM unnest(%(bots)s::bigint[], %(updates)s::bigint[], %(tokens)s::bigint[], %(states)s::text[],
                         %(attempts)s::int[], %(errors)s::text[])
        AS g (bot_id, update_id, token, state, attempts, error)
), written AS (
    UPDATE inbox i SET state = given.state, attempts = greatest(0, i.attempts + given.attempts),
           error = CASE WHEN given.state = 'new' THEN coalesce(given.error, i.error) ELSE given.error END,
           done_at = CASE WHEN given.state IN ('done', 'dead') THEN clock_timestamp() END
    FROM given WHERE i.bot_id = given.bot_id AND i.update_id = given.update_id
      AND (i.state = 'leased' AND i.lease_token = given.token OR i.state = 'new' AND NOT i.suspect
           AND EXISTS (SELECT FROM shard_lease l WHERE l.token = given.token AND {_OURS}))
    RETURNING i.bot_id, i.state, given.error IS NOT NULL AS failed
), counts AS MATERIALIZED (
    SELECT b.tenant_id, b.id, count(*) FILTER (WHERE w.state = 'done') AS handled,
           count(*) FILTER (WHERE w.failed) AS failed
    FROM written w JOIN bot b ON b.id = w.bot_id WHERE w.state = 'done' OR w.failed GROUP BY b.id ORDER BY b.id
), counted AS (
    INSERT INTO bot_hour AS h (tenant_id, bot_id, hour, handled, failed)
    SELECT tenant_id, id, date_trunc('hour', now(), 'UTC'), handled, failed FROM counts ORDER BY id
    ON CONFLICT (bot_id, hour)
    DO UPDATE SET handled = h.handled + excluded.handled, failed = h.failed + excluded.failed
), seen AS (
    SELECT b.id FROM bot b JOIN counts ON counts.id = b.id
    WHERE counts.handled > 0 AND (b.last_update_at IS NULL OR b.last_update_at < now() - interval '1 second')
    FOR NO KEY UPDATE OF b SKIP LOCKED
), noted AS (
    UPDATE bot SET last_update_at = now() FROM seen WHERE bot.id = seen.id
)
SELECT count(*) FROM written"""  # noqa: S608 - constants

# Whatever bears a token older than the lease's was held by somebody who is gone: he died, or slept through the end
# of his lease. `i.state IN ...` lets the index of open updates serve.
RECOVER: Final = f"""
UPDATE inbox i SET deaths = i.deaths + 1, suspect = true,
       state = CASE WHEN i.deaths + 1 >= {MAX_DEATHS} THEN 'dead' ELSE 'new' END,
       done_at = CASE WHEN i.deaths + 1 >= {MAX_DEATHS} THEN clock_timestamp() END,
       error = CASE WHEN i.deaths + 1 >= {MAX_DEATHS} THEN 'the process died each time it handled this update' END
FROM shard_lease l
WHERE i.state IN ('new', 'leased') AND i.state = 'leased' AND i.shard %% %(modulus)s = ANY (%(shards)s::int[])
  AND i.lease_token < l.token AND {_OURS}
RETURNING i.bot_id, i.update_id"""  # noqa: S608 - constants

SUSPECTS: Final = """
SELECT bot_id, chat_key, update_id, seq, deaths, shard %% %(modulus)s FROM inbox
WHERE state = 'new' AND suspect AND shard %% %(modulus)s = ANY (%(shards)s::int[]) ORDER BY seq"""

CLAIM_SUSPECT: Final = f"""
UPDATE inbox i SET state = 'leased', attempts = i.attempts + 1, lease_token = l.token
FROM shard_lease l
WHERE i.bot_id = %(bot)s AND i.update_id = %(update)s AND i.state = 'new' AND i.suspect AND {_OURS}
RETURNING {_RETURNING}"""  # noqa: S608 - constants
