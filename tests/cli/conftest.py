"""No command of a test meets somebody's real account, nor the metadata of the machine it runs on."""

from __future__ import annotations

import pytest

from tests.jobs.clouds import nobody


@pytest.fixture(autouse=True)
def _nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    nobody(monkeypatch)
