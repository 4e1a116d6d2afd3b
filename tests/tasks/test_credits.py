"""Sending changes to a partner over real HTTP: what arrives, how often, in which order."""

from app.core.queue import transaction
from app.services.credit_sync import partners
from tests.cast import Cast
from tests.syncing import ANN, Partner, post, set_size, turn


def test_a_change_arrives_signed_and_whole(cast: Cast, partner: Partner):
    number = post(cast.tenant, "r1", details={"order": 7})
    assert turn(partner) == 1
    batch = partner.seen[0]
    assert batch["batch_id"] == f"{partner.row.key_id}:{number}-{number}"
    change = batch["changes"][0]
    assert change.pop("created_at").endswith("+00:00")
    assert change == {
        "id": number,
        "telegram_id": ANN,
        "amount": 10,
        "balance": 10,
        "source": "shop",
        "reference": "r1",
        "reason": "gift",
        "metadata": {"order": 7},
    }
    assert partner.wrong == []
    assert (partner.row.cursor, partner.row.sent_count, partner.row.batch_id) == (number, 1, None)


def test_many_changes_come_in_batches_in_order(cast: Cast, partner: Partner):
    wanted = [f"r{n}" for n in range(7)]
    for reference in wanted:
        post(cast.tenant, reference)
    set_size(partner, 3)
    assert turn(partner) == 2
    assert partner.references() == wanted


def test_a_batch_is_never_larger_than_256_kib(cast: Cast, partner: Partner):
    for n in range(6):
        post(cast.tenant, f"r{n}", details={"x": "y" * 60_000})
    assert turn(partner) == 2
    assert all(len(request.get_data()) <= 256 * 1024 for request in partner.requests)
    assert len(partner.references()) == 6


def test_only_what_the_filter_wants_and_not_what_it_posted_itself(cast: Cast, server, partner: Partner):
    with transaction():
        partners.change(partner.id, sources=["shop", "game"], except_source="game")
    for source in ("game", "admin", "shop"):
        last = post(cast.tenant, f"of-{source}", source=source)
    post(cast.tenant, "late", source="game")
    turn(partner)
    assert partner.references() == ["of-shop"]
    assert partner.row.cursor > last


def test_a_new_partner_is_sent_what_is_posted_from_now_on(cast: Cast, server):
    post(cast.tenant, "before")
    partner = Partner(server).set_up(cast.tenant, start="now")
    post(cast.tenant, "after")
    turn(partner)
    assert partner.references() == ["after"]


def test_another_tenants_changes_stay_with_him(cast: Cast, partner: Partner):
    post(cast.other_tenant, "theirs")
    assert turn(partner) == 0
    assert partner.requests == []
