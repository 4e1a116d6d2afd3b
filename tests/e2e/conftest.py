"""One running stack for all end-to-end tests that leave it alive."""

from collections.abc import Generator, Iterator

import pytest
from playwright.sync_api import Browser

from tests.chromium import chromium
from tests.e2e.crediting import Project, Receiver, by_command, member
from tests.e2e.shopping import Buyer, Shop, open_shop
from tests.e2e.stack import Stack


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Real web of two processes, worker, poller and beat over the sandbox."""
    with Stack.start(WEB_CONCURRENCY="2") as stack:
        yield stack


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, in which each person has a window of his own."""
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def shop(stack: Stack) -> Iterator[Shop]:
    """One shop for everything that is sold and bought; it takes transfers too."""
    with open_shop(stack) as shop:
        shop.uses("manual", instructions="请转账到示例账户 1234")
        yield shop


@pytest.fixture(scope="session")
def project(stack: Stack, shop: Shop) -> Project:
    """Another project of the shop's boss."""
    return by_command(stack, shop.boss, "shop")


@pytest.fixture(scope="session")
def mall(shop: Shop) -> Receiver:
    """A partner with balances of its own, who is sent all changes of the shop's members."""
    return Receiver.enter(shop, "mall")


@pytest.fixture
def she(shop: Shop) -> Buyer:
    """Somebody who has just pressed Start in the shop's bot."""
    return member(shop)


@pytest.fixture
def he(shop: Shop) -> Buyer:
    """Somebody else who has."""
    return member(shop)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Function,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that fails shows what the processes logged."""
    report = yield
    stack = item.funcargs.get("stack")
    if report.failed and isinstance(stack, Stack):
        report.sections.append(("logs of the stack", stack.tails()))
    return report
