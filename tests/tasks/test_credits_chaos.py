"""Anything in any order: every change arrives, and those of one account in their order."""

import random

import pytest

from app.core.queue import transaction
from app.services.credit_sync import letters, partners
from tests.cast import Cast
from tests.clockwork import Clockwork
from tests.syncing import ANN, BEN, CAT, Partner, answered, claim, post, refuses, says, set_size, take, turn

PEOPLE = (ANN, BEN, CAT)


class Story:
    """A partner's life, one random event after the other."""

    def __init__(self, cast: Cast, partner: Partner, time: Clockwork, chance: random.Random) -> None:
        self.cast, self.partner, self.time, self.chance = cast, partner, time, chance
        self.posted: dict[int, list[str]] = {who: [] for who in PEOPLE}

    def happen(self) -> None:
        often = [self.post, self.post, self.post, self.send, self.send, self.mood, self.die]
        seldom = [self.pass_time, self.replay, self.pause, self.renew, self.resize]
        self.chance.choice([*often, *seldom])()

    def post(self) -> None:
        who = self.chance.choice(PEOPLE)
        for _ in range(self.chance.randint(1, 4)):
            reference = f"{who}-{len(self.posted[who])}"
            self.posted[who].append(reference)
            post(self.cast.tenant, reference, who)

    def send(self) -> None:
        turn(self.partner)

    def mood(self) -> None:
        bad = [
            each for references in self.posted.values() for each in references if self.chance.random() < 0.1
        ]
        moods = [take, take, says(500), says(200, "ok"), says(401), refuses(*bad), refuses(*bad, alone=True)]
        self.partner.mood = self.chance.choice(moods)

    def die(self) -> None:
        """A worker takes a batch, and perhaps sends it, and is never heard of again."""
        self.time.forward(minutes=20)
        parcel = claim_any(self.partner)
        if parcel is not None and self.chance.random() < 0.5:
            answered(parcel)

    def pass_time(self) -> None:
        self.time.forward(minutes=self.chance.choice([0.1, 1, 20]))

    def replay(self) -> None:
        with transaction():
            letters.replay(self.partner.id)

    def pause(self) -> None:
        with transaction():
            partners.pause(self.partner.id)
        self.post()
        with transaction():
            partners.resume(self.partner.id)

    def renew(self) -> None:
        with transaction():
            partners.new_secret(self.partner.id)
        self.partner.verifier = None

    def resize(self) -> None:
        set_size(self.partner, self.chance.choice([1, 2, 3, 500]))

    def end_well(self) -> None:
        self.partner.mood = take
        for _ in range(4):
            self.time.forward(hours=1)
            turn(self.partner)
            self.replay()


def claim_any(partner: Partner):
    try:
        return claim(partner)
    except AssertionError:
        return None


@pytest.mark.parametrize("seed", range(6))
def test_everything_arrives_in_the_order_of_each_account(
    cast: Cast, partner: Partner, time: Clockwork, seed: int
):
    partner.verifier = None
    story = Story(cast, partner, time, random.Random(seed))
    for _ in range(40):
        story.happen()
    story.end_well()
    for who in PEOPLE:
        # Repeats come under the name of a batch that was known, or of a change that was: a partner passes over them.
        firsts = list(dict.fromkeys(partner.references(who)))
        assert firsts == story.posted[who]
    names: dict[str, list[int]] = {}
    for batch in partner.seen:
        ids = [change["id"] for change in batch["changes"]]
        assert names.setdefault(batch["batch_id"], ids) == ids
