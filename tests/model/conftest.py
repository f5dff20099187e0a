"""Small photos of known content, and engines with tiny untrained weights."""

from pathlib import Path

import numpy as np
import pytest
import torch

from model.network import Dims, Network
from model.train import export
from photos.raster import Raster

MATRIX = (1.6, -0.5, -0.1, -0.2, 1.5, -0.3, 0.0, -0.6, 1.6)


def rgb_raster(height, width, depth=8):
    return Raster(layout="rgb", width=width, height=height, depth=depth, curve="srgb", white=float((1 << depth) - 1))


def mosaic_raster(height, width, cfa="RGGB", black=(512.0,) * 4):
    return Raster(
        layout="mosaic",
        width=width,
        height=height,
        depth=16,
        curve="linear",
        cfa=cfa,
        black=black,
        white=16383.0,
        white_balance=(2.0, 1.0, 1.5),
        colour_matrix=MATRIX,
    )


def smooth_photo(height, width, white=60):
    """A dark photo with slopes, an edge and a lamp, [H, W, 3] float 0…white."""
    rows, columns = np.mgrid[0:height, 0:width].astype(float)
    photo = np.stack([rows / height, columns / width, (rows + columns) / (height + width)], -1) * white
    photo[:, width // 2 :] *= 0.5
    lamp = (rows - height / 3) ** 2 + (columns - width / 3) ** 2 < (min(height, width) / 12) ** 2
    photo[lamp] = white * 4
    return photo


def noisy_rgb(height, width, seed=0):
    noise = np.random.default_rng(seed).normal(0, 2, (height, width, 3))
    return (smooth_photo(height, width) + noise).clip(0, 255).round().astype(np.uint8)


def noisy_mosaic(height, width, cfa="RGGB", seed=0):
    photo = smooth_photo(height, width) / 255 * 3000 + 512
    photo[..., 0] = (photo[..., 0] - 512) / 2.0 + 512
    photo[..., 2] = (photo[..., 2] - 512) / 1.5 + 512
    mosaic = np.empty((height, width))
    for position, colour in enumerate(cfa):
        where = np.s_[position // 2 :: 2, position % 2 :: 2]
        mosaic[where] = photo[..., "RGB".index(colour)][where]
    return (mosaic + np.random.default_rng(seed).normal(0, 8, (height, width))).clip(0, 16383).round().astype(np.uint16)


@pytest.fixture(scope="session")
def untrained(tmp_path_factory) -> Path:
    """Weights of full size, random, whose residual is neither zero nor large."""
    torch.manual_seed(3)
    network = Network(Dims())
    with torch.no_grad():
        network.head.weight.normal_(0, 0.02)
    return export(network, tmp_path_factory.mktemp("weights") / "untrained.safetensors", {"steps": "0"})
