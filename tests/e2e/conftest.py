"""One running stack for all end-to-end tests that leave it alive."""

from collections.abc import Generator, Iterator

import pytest

from tests.e2e.shopping import Shop, open_shop
from tests.e2e.stack import Stack


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Real web, worker, poller and beat over the sandbox."""
    with Stack.start() as stack:
        yield stack


@pytest.fixture(scope="session")
def shop(stack: Stack) -> Iterator[Shop]:
    """One shop for everything that is sold and bought; it takes transfers too."""
    with open_shop(stack) as shop:
        shop.uses("manual", instructions="请转账到示例账户 1234")
        yield shop


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
