"""A widened network computes what the narrow one did, and can become something else."""

import pytest
import torch

from model.checkpoint import export, network_from
from model.network import Dims, Network
from model.widening import widened

NARROW = Dims(width=4, levels=3)


def lively(dims):
    torch.manual_seed(7)
    network = Network(dims)
    with torch.no_grad():
        network.head.weight.normal_(0, 0.1)
        for parameter in network.parameters():
            parameter.add_(0.01 * torch.randn_like(parameter))
    return network


@pytest.mark.parametrize("width", [5, 6, 8, 10])
@pytest.mark.parametrize(("layout", "planes"), [("rgb", 12), ("mosaic", 4)])
def test_a_widened_network_computes_the_same(width, layout, planes):
    narrow = lively(NARROW)
    wide = widened(narrow, Dims(width=width, levels=3))
    seen, told = torch.rand(2, planes, 16, 24), torch.rand(2, 2)
    with torch.inference_mode():
        expected = narrow(seen, told, layout)
        assert expected.abs().max() > 0.01
        assert torch.allclose(wide(seen, told, layout), expected, atol=1e-5)


def test_repeated_channels_learn_different_things():
    wide = widened(lively(NARROW), Dims(width=8, levels=3))
    wide(torch.rand(1, 12, 16, 16), torch.rand(1, 2), "rgb").pow(2).sum().backward()
    gradient = wide.stem["rgb"].bias.grad
    assert not torch.allclose(gradient.sort().values[::2], gradient.sort().values[1::2], rtol=1e-3)


@pytest.mark.parametrize("dims", [Dims(width=3, levels=3), Dims(width=8, levels=4)])
def test_only_the_width_may_grow(dims):
    with pytest.raises(ValueError, match="cannot be widened"):
        widened(lively(NARROW), dims)


def test_weights_begin_a_network_of_their_own_width_or_a_larger_one(tmp_path):
    narrow = lively(NARROW)
    path = export(narrow, tmp_path / "narrow.safetensors", {})
    assert network_from(path, NARROW).state_dict()["gate.bias"].allclose(narrow.gate.bias, atol=1e-3)
    assert network_from(path, Dims(width=6, levels=3)).dims.width == 6
