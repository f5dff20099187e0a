"""The network of 2021 is built as it was."""

import numpy as np
import torch

from bench.old_network import PARAMETERS, build, in_openvino


def test_the_old_network_is_the_old_network():
    assert sum(parameter.numel() for parameter in build().parameters()) == PARAMETERS


def test_in_our_runtime_it_makes_the_same_picture():
    torch.manual_seed(0)
    network = build()
    torch.manual_seed(0)
    picture = np.random.default_rng(0).random((1, 3, 32, 32), np.float32)
    (found,) = in_openvino(32)().values()
    wanted = network(torch.from_numpy(picture)).numpy()
    assert found.shape == (1, 3, 64, 64)
    assert np.abs(found - wanted).max() < 0.05 * np.abs(wanted).max()
