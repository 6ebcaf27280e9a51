"""Boxes that look addresses up at once."""

from collections.abc import Iterator
from unittest.mock import patch

import pytest

from scriptrun_box.geocoding import finder


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True, scope="module")
def in_no_time() -> Iterator[None]:
    """No gathering, no rests."""
    with patch.multiple(finder, GATHER_SECONDS=0.02, REST_SECONDS=0.0):
        yield
