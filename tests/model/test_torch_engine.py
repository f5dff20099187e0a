"""PyTorch where a GPU's memory or the GPU itself gives out, and in half precision; tried on a CPU that raises alike."""

import logging
from dataclasses import replace

import numpy as np
import pytest
import torch

from model.accelerator import answer, fault
from model.engine import EngineBroken
from model.network import Network
from model.plan import plan
from model.tile_pass import bright, recipe
from model.tiles import MARGIN
from model.torch_engine import SIDE, SMALLEST, TorchEngine, network
from model.weights import load_weights
from tests.model.conftest import mosaic_raster, noisy_mosaic, noisy_rgb, rgb_raster
from tests.model.real_photos import mosaic, rgb

CPU = torch.device("cpu")
PHOTO = noisy_rgb(40, 400), rgb_raster(40, 400)


@pytest.fixture
def engine(untrained):
    return TorchEngine(load_weights(untrained), reason="it is tested", threads=2, device=CPU)


class SmallMemory(torch.nn.Module):
    """A network on a device that holds tiles up to a size only; notes the sizes that it was asked for."""

    def __init__(self, network, largest):
        super().__init__()
        self.network, self.largest, self.asked = network, largest, []

    def forward(self, planes, *given):
        self.asked.append(2 * max(planes.shape[2:]))
        if self.asked[-1] > self.largest:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return self.network(planes, *given)


class Raises(torch.nn.Module):
    """A network that raises at one of its calls."""

    def __init__(self, network, error, call=1):
        super().__init__()
        self.network, self.error, self.call, self.calls = network, error, call, 0

    def forward(self, *given):
        self.calls += 1
        if self.calls == self.call:
            raise self.error
        return self.network(*given)


def enhanced(engine, photo=PHOTO, kind=np.uint8, ratio=8.0):
    pixels, raster = photo
    out = np.zeros((raster.height, raster.width, 3), kind)
    heard = []
    engine.enhance(pixels, raster, ratio, out, heard.append)
    assert heard[-1] == 1
    assert heard == sorted(heard)
    return out


def psnr(one, other):
    peak = np.iinfo(one.dtype).max
    return 10 * np.log10(peak**2 / max(np.mean((one.astype(float) - other) ** 2), 1e-9))


def test_out_of_memory_means_smaller_tiles_for_this_photo_and_all_that_follow(engine, caplog):
    whole = enhanced(engine)
    engine.side = SIDE
    engine.network = small = SmallMemory(engine.network, 256 + 2 * MARGIN)
    assert np.abs(enhanced(engine).astype(int) - whole).max() <= 12  # as in `test_no_seam_shows_where_tiles_meet`
    assert engine.side == 256
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2
    asked = len(small.asked)
    enhanced(engine)
    assert max(small.asked[asked:]) <= small.largest
    assert len(caplog.records) == 2


def test_a_photo_that_fits_in_no_memory_is_finished_on_the_cpu_and_the_log_says_so_once(engine, caplog):
    whole = enhanced(engine)
    engine.side = 2 * SMALLEST
    engine.network = SmallMemory(engine.network, 0)
    assert (enhanced(engine) == whole).all()
    assert [record.message for record in caplog.records if "CPU" in record.message] == [caplog.records[-1].message]
    assert len(caplog.records) == 2


@pytest.mark.parametrize("call", [1, 2])
def test_memory_that_gives_out_in_the_middle_of_a_photo_leaves_no_trace_in_it(engine, call):
    engine.side = 2 * SMALLEST
    engine.network = Raises(engine.network, torch.OutOfMemoryError("CUDA out of memory."), call)
    interrupted = enhanced(engine)
    assert engine.side == SMALLEST
    assert (enhanced(engine) == interrupted).all()


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError(
            "CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has a total capacity of 14.58 GiB"
        ),
        torch.AcceleratorError("CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("GET was unable to find an engine to execute this computation"),
        RuntimeError("MPS backend out of memory (MPS allocated: 8.00 GB, max allowed: 9.07 GB)."),
    ],
)
def test_a_lack_of_memory_is_known_by_its_words(error):
    assert fault(error) == "memory"


@pytest.mark.parametrize(
    "error",
    [
        torch.AcceleratorError("CUDA error: an illegal memory access was encountered\nCUDA kernel errors might be"),
        torch.AcceleratorError("CUDA error: device-side assert triggered"),
        torch.AcceleratorError("CUDA error: unspecified launch failure"),
        torch.AcceleratorError("CUDA error: uncorrectable ECC error encountered"),
        torch.AcceleratorError("CUDA error: the launch timed out and was terminated"),
        RuntimeError("CUDA error: an illegal memory access was encountered"),
        RuntimeError("CUDA driver error: device not ready"),
        RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"),
        RuntimeError("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasSgemm(handle)`"),
    ],
)
def test_a_broken_device_is_no_lack_of_memory(error):
    assert fault(error) == "device"


def test_a_broken_device_ends_the_engine_with_what_it_said(engine):
    said = "CUDA error: an illegal memory access was encountered"
    engine.network = Raises(engine.network, torch.AcceleratorError(f"{said}\nCUDA kernel errors might be"), call=2)
    engine.side = 2 * SMALLEST
    with pytest.raises(EngineBroken, match=f"^AcceleratorError: {said}$"):
        enhanced(engine)
    assert engine.side == 2 * SMALLEST


def test_any_other_fault_stays_what_it_is(engine):
    engine.network = Raises(engine.network, RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        enhanced(engine)


def halved(engine):
    """The engine as it computes on a GPU with tensor cores."""
    engine.dtype = torch.float16
    engine.network = network(engine.weights, CPU, torch.float16)
    return engine


def full(engine):
    """The engine in float32."""
    engine.dtype = torch.float32
    engine.network = network(engine.weights, CPU, torch.float32)
    return engine


def shipped():
    return TorchEngine(load_weights(), reason="it is tested", threads=2, device=CPU)


@pytest.mark.parametrize("photo", [rgb("coffee", 100, 8), mosaic("chelsea", 250), rgb("astronaut", 8, 16)])
def test_half_precision_makes_the_same_picture_as_float32(photo):
    half, exact = halved(shipped()), full(shipped())
    photo = part(*photo)
    assert psnr(enhanced(half, photo, np.uint16, None), enhanced(exact, photo, np.uint16, None)) >= 65
    assert "exact" not in half.__dict__


def part(pixels, raster, side=96):
    """The middle of a photo: half precision is slow on a CPU."""
    top, left = ((length - side) // 4 * 2 for length in pixels.shape[:2])
    return np.ascontiguousarray(pixels[top : top + side, left : left + side]), replace(raster, width=side, height=side)


def extremes(height, width):
    """Photos that no camera takes: black, white, both at random, each colour alone, a chessboard."""
    random = np.random.default_rng(0)
    for level in (0, 255):
        yield np.full((height, width, 3), level, np.uint8)
    for share in (0.01, 0.5):
        yield (random.random((height, width, 3)) < share).astype(np.uint8) * 255
    yield np.indices((height, width)).sum(0)[..., None].repeat(3, 2).astype(np.uint8) % 2 * 255
    for colour in range(3):
        yield np.full((height, width, 3), 255, np.uint8) * (np.arange(3) == colour).astype(np.uint8)


def test_no_extreme_photo_comes_near_the_range_of_half_precision():
    engine = full(shipped())
    peak = []
    for module in engine.network.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.register_forward_hook(lambda module, given, result: peak.append(float(result.abs().max())))
    for pixels in extremes(32, 64):
        enhanced(engine, (pixels, rgb_raster(32, 64)), ratio=300.0)
        raw = (pixels[..., 1].astype(np.uint16) * 64).clip(0, 16383)
        enhanced(engine, (raw, mosaic_raster(32, 64)), ratio=300.0)
    assert 1 < max(peak) < torch.finfo(torch.float16).max / 8


@pytest.mark.parametrize("layout", ["rgb", "mosaic"])
def test_a_tile_that_leaves_the_range_of_half_precision_is_done_in_float32(engine, layout, caplog):
    photo = PHOTO if layout == "rgb" else (noisy_mosaic(40, 400), mosaic_raster(40, 400))
    arrays = dict(engine.weights.arrays)
    for name, factor in {"shrink.2": 100, "middle.0.first": 1e6, "middle.0.second": 1e-6}.items():
        arrays[f"{name}.weight"] = arrays[f"{name}.weight"] * factor
    weights = type(engine.weights)(arrays=arrays, dims=engine.weights.dims, facts={}, digest="")
    loud = [TorchEngine(weights, reason="it is loud", threads=2, device=CPU) for _ in range(2)]
    for each in loud:
        each.side = 128
    assert psnr(enhanced(halved(loud[0]), photo), enhanced(full(loud[1]), photo)) >= 55
    assert "exact" in loud[0].__dict__
    assert len([record for record in caplog.records if "half precision" in record.message]) == 1


@pytest.mark.parametrize("layout", ["rgb", "mosaic"])
@pytest.mark.parametrize("depth", [8, 16])
def test_nothing_on_the_way_of_a_tile_makes_the_host_wait_for_the_device(layout, depth):
    """A meta tensor has no values: whatever asked for one would raise."""
    pixels, raster = PHOTO if layout == "rgb" else (noisy_mosaic(64, 64), mosaic_raster(64, 64))
    decided = replace(plan(pixels, raster, 8.0, depth), blend=np.eye(3, dtype=np.float32))
    nowhere = torch.device("meta")
    codes = torch.empty((64, 96, 3), dtype=torch.uint8) if layout == "rgb" else torch.empty((64, 96), dtype=torch.int16)
    asked = network(load_weights(), nowhere, torch.float16)
    out, holds = bright(asked, torch.float16, recipe(decided, nowhere), codes.to(nowhere))
    assert out.shape == (64, 96, 3)
    assert out.dtype == (torch.uint8 if depth == 8 else torch.int16)
    assert (holds.shape, holds.dtype) == ((), torch.bool)


def test_a_warm_up_leaves_an_engine_that_works(engine):
    engine.warm()
    assert enhanced(engine).mean() > PHOTO[0].mean()


def test_an_operation_that_a_device_lacks_moves_the_engine_to_the_cpu(engine):
    engine.network = Raises(engine.network, NotImplementedError("The operator aten x is not implemented for MPS."))
    engine.warm()
    assert engine.reason.endswith("It computes on the CPU: The operator aten x is not implemented for MPS.")
    assert isinstance(engine.network, Network)
    enhanced(engine)


def test_a_device_answers_or_says_in_a_line_why_not():
    assert answer(CPU) is None
    said = answer(torch.device("meta"))  # has no memory to answer from
    assert said
    assert "\n" not in said
