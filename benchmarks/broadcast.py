"""A broadcast to 3,000 chats by two workers that are killed twice, against a Telegram of 25 messages a second.

Run it alone with `python -m benchmarks broadcast`. Real processes and servers; the limit, not the machine, sets the pace.
"""

import sys

from bots.telegram.broadcasts import IN_FLIGHT
from tests.e2e.stack import Stack
from tests.faults.announcing import Announcement

CHATS = 3_000
KILLS = 2
PROCESSES = ("web", "worker", "worker2", "beat")


def main() -> str:
    """Runs it and returns the report."""
    with Stack.start(PROCESSES, LEASE_SECONDS="2", WEB_CONCURRENCY="1") as stack:
        found = Announcement(stack, stack.boss(), CHATS).run(KILLS, questions=100)
    sent, unclear = found.states.get("sent", 0), found.states.get("unknown", 0)
    doubled = sum(chats for copies, chats in found.copies.items() if copies > 1)
    return "\n".join(
        [
            f"## (e) A broadcast to {CHATS:,} chats, workers killed {KILLS} times",
            "",
            "25 messages a second at Telegram, 50-200 ms an answer, every worker killed at a third and at two thirds.",
            "",
            "| delivered | unclear (at most) | doubled | 429 | messages/s in calm | p95 of answers meanwhile | whole |",
            "|---|---|---|---|---|---|---|",
            (
                f"| {sent:,} | {unclear} ({KILLS * IN_FLIGHT}) | {doubled} | {found.refused} of {found.calls:,} "
                f"| {found.pace:.1f} | {found.p95 * 1000:.0f} ms | {found.seconds:.0f} s |"
            ),
        ]
    )


if __name__ == "__main__":
    sys.stdout.write(main() + "\n")
