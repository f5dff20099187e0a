"""Every engine keeps the same promises; the two runtimes of the network agree; no seam shows."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from model.cfa import RED_AT
from model.checkpoint import export
from model.engine import EngineMissing, Machine, choose, load_engine
from model.enhancement import enhance_with
from model.network import Dims, Network
from model.openvino_engine import OpenVinoEngine
from model.torch_engine import TorchEngine
from model.weights import WeightsDamaged, load_weights
from tests.model.conftest import mosaic_raster, noisy_mosaic, noisy_rgb, rgb_raster

NAMES = ["classical", "torch", "openvino"]


@pytest.fixture(scope="module")
def engines(untrained):
    return {name: load_engine(name, threads=2, weights=untrained) for name in NAMES}


@pytest.fixture(scope="module")
def shipped():
    return {name: load_engine(name, threads=2) for name in NAMES}


def enhanced(engine, pixels, raster, ratio=8.0, kind=np.uint8, **options):
    out = np.zeros((raster.height, raster.width, 3), kind)
    heard = []
    if options:
        used = enhance_with(engine, pixels, raster, ratio, out, heard.append, **options)
    else:
        used = engine.enhance(pixels, raster, ratio, out, heard.append)
    assert heard[-1] == 1
    assert heard == sorted(heard)
    return used, out


def psnr(one, other):
    peak = np.iinfo(one.dtype).max
    return 10 * np.log10(peak**2 / max(np.mean((one.astype(float) - other) ** 2), 1e-9))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("height", "width"), [(16, 16), (17, 31), (50, 33), (97, 160)])
def test_any_size_comes_back_whole_and_brighter(engines, name, height, width):
    dark = noisy_rgb(height, width)
    _, out = enhanced(engines[name], dark, rgb_raster(height, width))
    assert out.mean() > 1.5 * dark.mean()
    assert (out.reshape(-1, 3).max(0) > 0).all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("cfa", sorted(RED_AT))
def test_every_bayer_order_gives_the_same_picture(engines, name, cfa):
    height, width = 63, 86
    down, right = RED_AT[cfa]
    whole = noisy_mosaic(height + 2, width + 2)
    part = np.ascontiguousarray(whole[down : down + height, right : right + width])
    _, out = enhanced(engines[name], part, mosaic_raster(height, width, cfa))
    _, reference = enhanced(engines[name], whole, mosaic_raster(height + 2, width + 2))
    inner = reference[down : down + height, right : right + width]
    assert psnr(out[8:-8, 8:-8], inner[8:-8, 8:-8]) > 30


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("layout", ["rgb", "mosaic"])
def test_both_runtimes_give_the_same_codes(engines, layout, kind):
    height, width = 150, 170
    pixels, raster = (
        (noisy_rgb(height, width), rgb_raster(height, width))
        if layout == "rgb"
        else (noisy_mosaic(height, width), mosaic_raster(height, width))
    )
    _, one = enhanced(engines["torch"], pixels, raster, kind=kind)
    _, other = enhanced(engines["openvino"], pixels, raster, kind=kind)
    assert psnr(one, other) > 50


@pytest.mark.parametrize("name", NAMES)
def test_eight_and_sixteen_bits_show_the_same_picture(engines, name):
    dark = noisy_rgb(64, 64)
    _, eight = enhanced(engines[name], dark, rgb_raster(64, 64))
    _, sixteen = enhanced(engines[name], dark.astype(np.uint16) * 257, rgb_raster(64, 64, 16), kind=np.uint16)
    assert np.abs(eight.astype(int) - sixteen / 257).max() < 3


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("layout", ["rgb", "mosaic"])
def test_no_seam_shows_where_tiles_meet(shipped, name, layout):
    height, width = 250, 330
    pixels, raster = (
        (noisy_rgb(height, width), rgb_raster(height, width))
        if layout == "rgb"
        else (noisy_mosaic(height, width, "GRBG"), mosaic_raster(height, width, "GRBG"))
    )
    _, whole = enhanced(shipped[name], pixels, raster, budget=1 << 40)
    _, tiled = enhanced(shipped[name], pixels, raster, budget=1)
    difference = np.abs(whole.astype(int) - tiled)
    assert difference.max() <= 12
    assert np.quantile(difference, 0.9999) <= 2
    assert difference.mean() < 0.05


@pytest.mark.parametrize("name", NAMES)
def test_a_grey_photo_stays_grey(engines, name):
    grey = np.repeat(noisy_rgb(48, 48)[..., :1], 3, 2)
    _, out = enhanced(engines[name], grey, replace(rgb_raster(48, 48), grey=True))
    assert (out == out[..., :1]).all()
    assert out.mean() > grey.mean()


@pytest.mark.parametrize("name", ["torch", "openvino"])
def test_what_stands_out_of_the_noise_is_never_wiped_out(untrained, name):
    """Not even by weights that would: the head's bias alone asks for a black picture here."""
    weights = load_weights(untrained)
    weights.arrays["head.bias"] = weights.arrays["head.bias"] - 50
    engine = (TorchEngine if name == "torch" else OpenVinoEngine)(weights, reason="a test", threads=1)
    stripes = noisy_rgb(96, 96)
    stripes[:, ::6] = 60
    _, out = enhanced(engine, stripes, rgb_raster(96, 96), ratio=4.0)
    assert out[:, ::6].mean() > out[:, 3::6].mean() + 40
    assert out[:, ::6].mean() > 80


@pytest.mark.parametrize("name", NAMES)
def test_auto_says_which_ratio_it_used(engines, name):
    used, out = enhanced(engines[name], noisy_rgb(64, 64) // 4, rgb_raster(64, 64), ratio=None)
    assert 4 < used < 300
    assert out.mean() > 60


@pytest.mark.parametrize("name", NAMES)
def test_a_bright_photo_comes_back_as_it_was(engines, name):
    bright = (noisy_rgb(96, 96).astype(int) * 3 + 80).clip(0, 255).astype(np.uint8)
    used, out = enhanced(engines[name], bright, rgb_raster(96, 96), ratio=None)
    assert used == 1
    assert (out == bright).all()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"ratio": 0.5}, "between 1 and 300"),
        ({"ratio": float("nan")}, "between 1 and 300"),
        ({"raster": rgb_raster(64, 65)}, "the buffer is"),
        ({"out": np.zeros((64, 64), np.uint8)}, "does not go into"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(engines, change, sentence):
    call = {"raster": rgb_raster(64, 64), "ratio": 2.0, "out": np.zeros((64, 64, 3), np.uint8), **change}
    with pytest.raises(ValueError, match=sentence):
        engines["classical"].enhance(noisy_rgb(64, 64), call["raster"], call["ratio"], call["out"], lambda _: None)


def test_a_gpu_means_torch_else_the_quickest_that_is_installed():
    everything = Machine(torch=True, openvino=True, weights=True, gpu="CUDA")
    assert choose("auto", everything)[0] == "torch"
    assert choose("auto", Machine(torch=True, openvino=True, weights=True, gpu=None))[0] == "openvino"
    assert choose("auto", Machine(torch=True, openvino=False, weights=True, gpu=None))[0] == "torch"
    assert choose("auto", Machine(torch=False, openvino=False, weights=True, gpu=None))[0] == "classical"
    assert choose("auto", Machine(torch=True, openvino=True, weights=False, gpu="CUDA"))[0] == "classical"
    assert choose("openvino", everything)[0] == "openvino"


def test_the_choice_is_explained_in_a_sentence():
    machine = Machine(torch=True, openvino=True, weights=True, gpu=None, refusal="CUDA error: no kernel image")
    assert choose("auto", machine) == (
        "openvino",
        "The GPU cannot be used (CUDA error: no kernel image), and OpenVINO is the quickest on a CPU.",
    )
    for name in ("auto", "torch", "openvino", "classical"):
        for gpu in ("CUDA", None):
            reason = choose(name, Machine(torch=True, openvino=True, weights=True, gpu=gpu))[1]
            assert reason[0].isupper()
            assert reason.endswith(".")


def test_a_network_that_is_not_there_is_named(tmp_path):
    with pytest.raises(EngineMissing, match=r"fine\.safetensors"):
        load_engine("torch", weights=tmp_path / "fine.safetensors")


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """A network of other dimensions than the default's."""
    torch.manual_seed(5)
    network = Network(Dims(width=24, levels=3, blocks=2, middle_blocks=1))
    with torch.no_grad():
        network.head.weight.normal_(0, 0.02)
    return export(network, tmp_path_factory.mktemp("wide") / "fine.safetensors", {})


@pytest.mark.parametrize("layout", ["rgb", "mosaic"])
def test_a_network_of_any_width_runs_in_both_runtimes_and_they_agree(wide, layout):
    pixels, raster = {
        "rgb": (noisy_rgb(64, 80), rgb_raster(64, 80)),
        "mosaic": (noisy_mosaic(64, 80), mosaic_raster(64, 80)),
    }[layout]
    runtimes = [load_engine(name, threads=2, weights=wide) for name in ("torch", "openvino")]
    one, other = (enhanced(runtime, pixels, raster)[1] for runtime in runtimes)
    assert psnr(one, other) > 50


@pytest.mark.parametrize("name", ["torch", "openvino"])
def test_a_named_engine_is_never_silently_replaced(name):
    with pytest.raises(EngineMissing, match=name):
        choose(name, Machine(torch=False, openvino=False, weights=True, gpu=None))
    with pytest.raises(EngineMissing, match=name):
        choose(name, Machine(torch=True, openvino=True, weights=False, gpu=None))


def test_damaged_weights_are_refused(untrained, tmp_path):
    copy = tmp_path / untrained.name
    content = bytearray(untrained.read_bytes())
    content[-1] ^= 1
    copy.write_bytes(content)
    copy.with_suffix(".sha256").write_text(untrained.with_suffix(".sha256").read_text())
    with pytest.raises(WeightsDamaged):
        load_weights(copy)


def test_importing_the_door_loads_no_runtime():
    code = "import sys, model.engine; print([name for name in ('torch', 'openvino', 'cv2') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_openvino_needs_no_torch(untrained):
    code = (
        "import sys, pathlib\nfrom model.engine import load_engine\n"
        f"load_engine('openvino', weights=pathlib.Path({str(untrained)!r}))\nprint('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
