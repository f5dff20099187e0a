"""No test of this room reaches the metadata service of the machine it runs on."""

from __future__ import annotations

import os
import socket

import pytest


def test_a_test_that_reached_for_the_real_metadata_would_fail() -> None:
    with socket.socket() as client, pytest.raises(AssertionError, match="real metadata"):
        client.connect(("169.254.169.254", 80))


def test_children_inherit_that_there_is_none() -> None:
    assert os.environ["AWS_EC2_METADATA_DISABLED"] == "true"
