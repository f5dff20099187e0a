"""The parts of the OpenVINO graph, each against the function that it stands for."""

import numpy as np
import openvino as ov
import pytest
import torch
from openvino import opset13 as ops

from model import graph_light, light
from model.graph import ENTRIES, inputs, of_quad, spread
from model.graph_layers import QUADWISE, stem_bias
from model.network import in_quad
from model.openvino_engine import precision
from model.plan import plan
from model.weights import load_weights
from tests.model.conftest import mosaic_raster, noisy_mosaic, noisy_rgb, rgb_raster


def computed(function, *arrays, **options):
    """What a piece of graph makes of arrays."""
    parameters = [ops.parameter(array.shape, array.dtype) for array in arrays]
    model = ov.Model([function(*parameters)], parameters, "piece")
    return ov.Core().compile_model(model, "CPU", options or {"INFERENCE_PRECISION_HINT": "f32"})(arrays)[0]


@pytest.mark.parametrize(
    ("piece", "function", "most"),
    [(graph_light.decoded, light.decode, 18.0), (graph_light.encoded, light.encode, 900.0)],
)
def test_the_curves_are_those_of_the_work_domain(piece, function, most):
    sizes = np.concatenate([[0.0], np.geomspace(1e-6, most, 2999)]).reshape(1, 1, 50, 60)
    values = np.concatenate([-sizes, sizes]).astype(np.float32)
    wanted = function(values)
    assert np.abs(computed(piece, values) - wanted).max() <= 3e-5 * wanted.max()
    assert (np.abs(computed(piece, values) / np.where(wanted == 0, 1, wanted) - 1)[wanted != 0]).max() < 1e-4


def test_colours_are_mixed_in_float32_though_the_network_is_not():
    planes = np.random.default_rng(0).random((1, 12, 8, 8), np.float32)
    matrix = of_quad(np.array([[1.6, -0.5, -0.1], [-0.2, 1.5, -0.3], [0.0, -0.6, 1.6]]))

    def piece(planes, matrix):
        # a convolution comes first, as in the graph: what follows the last one stays in float32
        return graph_light.mixed(ops.add(planes, ops.convolution(planes, *NOTHING)), matrix)

    wanted = np.einsum("nchw,cd->ndhw", planes, matrix)
    assert np.abs(computed(piece, planes, matrix, **precision(ov.Core())) - wanted).max() < 1e-5


NOTHING = (ops.constant(np.zeros((12, 12, 1, 1), np.float32)), [1, 1], [0, 0], [0, 0], [1, 1])


@pytest.mark.parametrize(("layout", "count"), [("rgb", 12), ("mosaic", 4)])
def test_a_spread_quad_is_the_picture_that_the_network_adds_to(layout, count):
    quad = np.random.default_rng(0).random(count, np.float32)
    ours = quad[QUADWISE] if layout == "rgb" else quad
    wanted = in_quad(torch.from_numpy(quad)[None, :, None, None]).numpy().ravel()[QUADWISE]
    np.testing.assert_allclose(spread(layout) @ ours, wanted, rtol=1e-6)


def test_conditions_as_a_bias_are_what_they_were_as_planes():
    random = np.random.default_rng(0)
    arrays = {
        "stem.rgb.weight": random.random((5, 14, 3, 3), np.float32),
        "stem.rgb.bias": random.random(5, np.float32),
    }
    conditions = np.array([0.5, 0.3], np.float32)
    planes = torch.from_numpy(np.broadcast_to(conditions[:, None, None], (2, 6, 7)).copy())[None]
    weight = torch.from_numpy(arrays["stem.rgb.weight"][:, -2:].copy())
    wanted = torch.nn.functional.conv2d(planes, weight, torch.from_numpy(arrays["stem.rgb.bias"]), padding=1)[0].numpy()
    everywhere, above, below = stem_bias(arrays, "rgb", conditions, 7)
    found = np.repeat(everywhere, 6, 1)
    found[:, :1] += above
    found[:, -1:] += below
    np.testing.assert_allclose(found, wanted, rtol=1e-5)


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("ratio", [1.0, 300.0])
def test_the_nearest_entry_is_at_most_a_code_from_the_tone_between_entries(untrained_arrays, depth, ratio):
    decided = plan(noisy_rgb(32, 32), rgb_raster(32, 32), ratio, depth)
    table = inputs(decided, untrained_arrays, 32)["tone"]
    assert len(table) == ENTRIES[depth]
    light_there = np.random.default_rng(0).random(10_000) * decided.top
    places = (light_there * np.float32(len(table) / decided.top)).astype(int).clip(0, len(table) - 1)
    wanted = np.interp(light_there, np.linspace(0, decided.top, len(decided.tone)), decided.tone)
    assert np.abs(table[places] - wanted).max() <= 1.5


def test_a_raw_photos_inputs_hold_a_table_for_each_place_of_the_quad(untrained_arrays):
    decided = plan(noisy_mosaic(32, 32), mosaic_raster(32, 32), 8.0, 8)
    given = inputs(decided, untrained_arrays, 48)
    assert given["source"].shape == (4 * 65536,)
    assert given["bias"].shape == (3, 16, 1, 24)
    np.testing.assert_allclose(given["matrix"][3:6, 3:6], decided.matrix.T)


@pytest.fixture(scope="module")
def untrained_arrays(untrained):
    return load_weights(untrained).arrays
