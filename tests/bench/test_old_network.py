"""The network of 2021 is built as it was."""

from bench.old_network import PARAMETERS, build


def test_the_old_network_is_the_old_network():
    assert sum(parameter.numel() for parameter in build().parameters()) == PARAMETERS
