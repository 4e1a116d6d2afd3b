"""A service that keeps failing for one tenant is left alone, and found again by one probe a minute."""

from flask import Flask

from app.core.queue import transaction
from app.services import breakers
from app.services.breakers import Allowed, Failed, Probe, Wait
from tests.cast import Cast
from tests.clockwork import Clockwork
from tests.racing import at_once

TEXTS = "deepseek"


def fail(tenant_id: int, times: int) -> Failed:
    for _ in range(times):
        with transaction():
            last = breakers.failed(tenant_id, TEXTS, "no answer")
    return last


def test_four_failures_leave_it_closed_and_the_fifth_opens_it(cast: Cast):
    assert not fail(cast.tenant.id, 4).opened
    assert breakers.allow(cast.tenant.id, TEXTS) == Allowed()
    assert fail(cast.tenant.id, 1).opened
    assert isinstance(breakers.allow(cast.tenant.id, TEXTS), Wait)


def test_a_success_between_failures_starts_the_count_anew(cast: Cast):
    fail(cast.tenant.id, 4)
    assert not breakers.succeeded(cast.tenant.id, TEXTS)
    assert not fail(cast.tenant.id, 4).opened


def test_it_is_open_for_one_tenant_and_one_service_only(cast: Cast):
    fail(cast.tenant.id, 5)
    assert breakers.allow(cast.other_tenant.id, TEXTS) == Allowed()
    assert breakers.allow(cast.tenant.id, "yuanfenju") == Allowed()


def test_one_of_eight_makes_the_probe_each_minute(app: Flask, cast: Cast, time: Clockwork):
    tenant_id = cast.tenant.id
    fail(tenant_id, 5)
    time.forward(seconds=61)
    answers = at_once(*[lambda: breakers.allow(tenant_id, TEXTS)] * 8)
    assert sum(isinstance(one, Probe) for one in answers) == 1
    assert sum(isinstance(one, Wait) for one in answers) == 7


def test_a_probe_that_fails_keeps_it_open_and_one_that_succeeds_closes_it(cast: Cast, time: Clockwork):
    fail(cast.tenant.id, 5)
    time.forward(seconds=61)
    assert breakers.allow(cast.tenant.id, TEXTS) == Probe()
    assert not fail(cast.tenant.id, 1).opened
    assert isinstance(breakers.allow(cast.tenant.id, TEXTS), Wait)
    time.forward(seconds=61)
    assert breakers.allow(cast.tenant.id, TEXTS) == Probe()
    assert breakers.succeeded(cast.tenant.id, TEXTS)
    assert breakers.allow(cast.tenant.id, TEXTS) == Allowed()
