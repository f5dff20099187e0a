"""Real photographs by night: scikit-image's, darkened in linear light, as a camera's files of both layouts."""

import io
from functools import cache

import numpy as np
from PIL import Image
from skimage import data

from model.light import decode, encode
from photos.codec import Codec
from photos.raster import Raster
from tests.photos.making import CAMERA_FROM_XYZ, dng
from tests.photos.reading import decoded

PHOTOS = {"astronaut": data.astronaut, "coffee": data.coffee, "chelsea": data.chelsea}
XYZ_FROM_SRGB = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
BLACK, WHITE = 512, 16000
NEUTRAL = (0.5, 1.0, 0.625)
"""How the camera of `making.dng` sees white."""


def light(name, ratio, seed=0):
    """Linear sRGB [H, W, 3] of a photo at 1/ratio of its exposure, with shot and read noise."""
    bright = decode(PHOTOS[name]()[:320, :400].astype(np.float64) / 255) / ratio
    noise = np.random.default_rng(seed).standard_normal(bright.shape)
    return (bright + noise * np.sqrt(bright / 8000 + 1e-8)).clip(0, 1)


@cache
def rgb(name, ratio, depth):
    """(codes, raster) as they come from a JPEG (8 bits) or a PNG or TIFF of 16."""
    white = (1 << depth) - 1
    codes = (encode(light(name, ratio)) * white).round().astype(np.uint8 if depth == 8 else np.uint16)
    if depth == 8:
        file = io.BytesIO()
        Image.fromarray(codes).save(file, "JPEG", quality=92)
        codes = np.asarray(Image.open(file))
    height, width = codes.shape[:2]
    return codes, Raster(layout="rgb", width=width, height=height, depth=depth, curve="srgb", white=float(white))


@cache
def mosaic(name, ratio, cfa="RGGB"):
    """(codes, raster) as the codec reads them out of a DNG."""
    camera = light(name, ratio) @ (np.array(CAMERA_FROM_XYZ) @ np.array(XYZ_FROM_SRGB)).T
    camera = camera / (np.array(CAMERA_FROM_XYZ) @ np.array(XYZ_FROM_SRGB)).sum(1) * NEUTRAL
    height, width = camera.shape[:2]
    colour = np.array([["RGB".index(letter) for letter in cfa]]).reshape(2, 2)
    rows, columns = np.mgrid[:height, :width]
    counts = np.take_along_axis(camera, colour[rows % 2, columns % 2][..., None], 2)[..., 0] * (WHITE - BLACK) + BLACK
    codes = counts.clip(0, WHITE).round().astype(np.uint16)
    with Codec(sandbox="auto") as codec:
        _, raster, pixels, _ = decoded(codec, dng(codes, cfa, (BLACK,) * 4, WHITE, neutral=NEUTRAL))
    return pixels, raster
