import pytest

from photos.codec import Codec


@pytest.fixture(scope="session")
def codec():
    """One sandboxed codec for all tests that do not kill it."""
    with Codec(sandbox="strict") as codec:
        yield codec
