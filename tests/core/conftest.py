"""Fixtures of the tests of the core."""

import pytest

from app.core import embedded


@pytest.fixture
def place(tmp_path):
    """A folder for servers that are stopped after the test, whatever happened."""
    directory = tmp_path / "servers"
    yield directory
    if directory.exists():
        embedded.stop(directory, force=True)
