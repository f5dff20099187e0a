"""The whole service as real processes, on stores in a folder of its own."""

import io

import numpy as np
import pytest
from PIL import Image

from bench.service import service


@pytest.fixture(scope="module", params=["openvino", "torch"])
def running(request):
    """A service with each engine, kept for a module."""
    with service(ENGINE=request.param) as running:
        yield running


def opened(data):
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


def light(picture):
    """Mean of the codes, 0…255."""
    return float(np.asarray(picture.convert("RGB"), np.float32).mean())
