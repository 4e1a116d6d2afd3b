"""Any interleaving of claims, failures, crashes and takeovers: each update ends once, in the order of its chat."""

from collections import defaultdict

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text

from app.core.db import db
from app.core.settings import get_settings
from app.domain.inbox import MAX_ATTEMPTS
from app.models import Bot
from app.services.inbox import claims
from app.services.inbox.claims import Claimed, Store, Suspect, Wanted
from tests.cast import Cast
from tests.inbox_tools import end_leases, lease_all, make_bot, put, states

ALL = range(32)
READERS = st.sampled_from(["first", "second"])
CHATS = st.integers(1, 3)


class Reader:
    """What a process keeps in memory. A crash forgets it; `number` makes each life another owner."""

    def __init__(self, name: str, number: int) -> None:
        self.owner = f"{name} {number}"
        self.store = Store(get_settings(), self.owner)
        self.held: dict[int, list[Claimed]] = defaultdict(list)
        self.suspects: list[Suspect] = []


class Inbox(RuleBasedStateMachine):
    bot: Bot

    def __init__(self) -> None:
        super().__init__()
        db.session.execute(text("DELETE FROM inbox"))
        db.session.execute(text("DELETE FROM shard_lease"))
        db.session.commit()
        self.lives = 0
        self.readers = {name: self.born(name) for name in ("first", "second")}
        self.holder: str | None = None
        self.accepted = 0
        self.effects: dict[int, list[int]] = defaultdict(list)
        self.tokens: dict[int, int] = {}

    def born(self, name: str) -> Reader:
        self.lives += 1
        return Reader(name, self.lives)

    @rule(chat=CHATS)
    def accept(self, chat: int) -> None:
        self.accepted += 1
        put(self.bot, [(self.accepted, chat)])

    @rule(name=READERS)
    def lease(self, name: str) -> None:
        reader = self.readers[name]
        if lease_all(reader.owner):
            self.holder = name
            reader.held.clear()
            reader.store.recover(ALL)
            reader.suspects = reader.store.suspects(ALL)

    @rule()
    def leases_run_out(self) -> None:
        end_leases()
        self.holder = None

    @rule(name=READERS)
    def claim(self, name: str) -> None:
        reader = self.readers[name]
        blocked = {(suspect.bot_id, suspect.chat_key) for suspect in reader.suspects}
        full = {(self.bot.id, chat) for chat, held in reader.held.items() if len(held) >= 4}
        updates, _ = reader.store.claim(ALL, Wanted(room=5, each=3, full_chats=blocked | full))
        assert not updates or name == self.holder
        for update in updates:
            reader.held[update.chat_key].append(update)

    @precondition(lambda self: self.holder)
    @rule()
    def claim_a_suspect(self) -> None:
        reader = self.readers[self.holder]
        heads = [suspect for suspect in reader.suspects if not reader.held[suspect.chat_key]]
        if heads:
            update = reader.store.claim_suspect(heads[0])
            reader.suspects.remove(heads[0])
            if update is not None:
                reader.held[update.chat_key].append(update)

    def next_of(self, chat: int) -> tuple[Reader, Claimed] | None:
        """What the holder would handle next in this chat; one whose lease ended starts nothing."""
        if self.holder is None:
            return None
        reader = self.readers[self.holder]
        return (reader, reader.held[chat][0]) if reader.held[chat] else None

    @rule(chat=CHATS, crash=st.booleans())
    def handle(self, chat: int, *, crash: bool) -> None:
        found = self.next_of(chat)
        if found:
            reader, update = found
            self.take_effect(update)
            if crash:
                self.crash(self.holder)
            else:
                reader.held[chat].pop(0)
                assert reader.store.finish([claims.done(update)]) == 1

    @rule(chat=CHATS)
    def fail(self, chat: int) -> None:
        found = self.next_of(chat)
        if found:
            reader, update = found
            if update.attempts >= MAX_ATTEMPTS:
                reader.held[chat].pop(0)
                reader.store.finish([claims.dead(update, "x")])
            else:
                later = reader.held.pop(chat)[1:]
                reader.store.finish([claims.again(update, "x"), *map(claims.put_back, later)])
                reader.suspects = reader.store.suspects(ALL)

    @rule(name=READERS)
    def crash(self, name: str) -> None:
        self.readers[name].store.close()
        self.readers[name] = self.born(name)
        if self.holder == name:
            end_leases()
            self.holder = None

    @rule(name=READERS)
    def a_zombie_writes(self, name: str) -> None:
        reader = self.readers[name]
        # It handled what came next in each chat and was too slow to say so while its leases held.
        late = [held[0] for held in reader.held.values() if held] if name != self.holder else []
        taken = {update.update_id for update in late if self.tokens.get(update.update_id, 0) > update.token}
        for update in late:
            # Nobody took over yet: then it is no zombie, and its word still counts.
            if update.update_id not in taken:
                self.take_effect(update)
        before = states()
        if late:
            reader.store.finish([claims.done(update) for update in late])
        assert all(states()[update_id] == before[update_id] for update_id in taken)
        reader.held.clear()

    def take_effect(self, update: Claimed) -> None:
        if update.update_id not in self.effects[update.chat_key]:
            self.effects[update.chat_key].append(update.update_id)

    @invariant()
    def effects_of_a_chat_come_in_order(self) -> None:
        for ids in self.effects.values():
            assert ids == sorted(ids)

    @invariant()
    def lease_numbers_only_grow(self) -> None:
        for update_id, token in db.session.execute(text("SELECT update_id, lease_token FROM inbox")):
            assert token >= self.tokens.get(update_id, 0)
            self.tokens[update_id] = token
        db.session.commit()

    def teardown(self) -> None:
        """Whatever happened, one honest reader ends everything."""
        end_leases()
        for name in self.readers:
            self.readers[name].store.close()
        self.readers["last"] = self.born("last")
        self.lease("last")
        while self.readers["last"].suspects or set(states().values()) & {"new", "leased"}:
            self.claim_a_suspect()
            self.claim("last")
            for chat in (1, 2, 3):
                while self.next_of(chat):
                    self.handle(chat, crash=False)
        self.readers["last"].store.close()
        ended = states()
        assert len(ended) == self.accepted
        effects = {update_id for ids in self.effects.values() for update_id in ids}
        assert {update_id for update_id, state in ended.items() if state == "done"} <= effects
        self.effects_of_a_chat_come_in_order()


def test_the_inbox_under_any_interleaving(cast: Cast):
    Inbox.bot = make_bot(cast.tenant)
    checks = [HealthCheck.too_slow, HealthCheck.filter_too_much]
    run_state_machine_as_test(
        Inbox,
        settings=settings(
            max_examples=25,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=checks,
            database=None,
        ),
    )
