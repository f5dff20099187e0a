"""Dark photos of every kind in, bright photos out, through real processes and both runtimes of the network."""

import io

import cv2
import numpy as np
import pytest
import requests
import tifffile
from PIL import Image

from bench.nights import night_jpeg
from tests.e2e.conftest import light, opened
from tests.photos.heic import colours, heic
from tests.photos.making import LINEAR_RAW, dng


def night(width=320, height=200):
    return np.asarray(Image.open(io.BytesIO(night_jpeg(width, height, quality=98))))


def as_jpeg():
    return night_jpeg(320, 200), {}


def as_turned_jpeg():
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(night(200, 320)).save(file, "JPEG", quality=95, exif=exif)
    return file.getvalue(), {}


def as_16_bit_png():
    return cv2.imencode(".png", night()[..., ::-1].astype(np.uint16) * 257)[1].tobytes(), {"format": "png"}


def as_grey_png():
    file = io.BytesIO()
    Image.fromarray(night()).convert("L").save(file, "PNG")
    return file.getvalue(), {"format": "png"}


def as_webp():
    file = io.BytesIO()
    Image.fromarray(night()).save(file, "WEBP", quality=95)
    return file.getvalue(), {"format": "webp"}


def as_tiff():
    file = io.BytesIO()
    tifffile.imwrite(file, night(), photometric="rgb")
    return file.getvalue(), {"format": "tiff"}


def as_avif():
    file = io.BytesIO()
    Image.fromarray(night()).save(file, "AVIF", quality=95)
    return file.getvalue(), {}


def as_heic():
    luma, red, blue = np.moveaxis(cv2.cvtColor(night(), cv2.COLOR_RGB2YCrCb), 2, 0)
    planes = [luma, blue[::2, ::2], red[::2, ::2]]
    return heic(planes, properties=[colours(primaries=1, transfer=13)]), {}


def as_linear_raw():
    share = night() / 255
    light = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return dng((light * 65535).astype(np.uint16), photometric=LINEAR_RAW, white=65535, neutral=(1, 1, 1)), {}


UNKNOWN_TO_PILLOW = [as_heic, as_linear_raw]
KINDS = [as_jpeg, as_turned_jpeg, as_16_bit_png, as_grey_png, as_webp, as_tiff, as_avif, *UNKNOWN_TO_PILLOW]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_dark_photo_becomes_bright_in_full_size(running, kind):
    photo, fields = kind()
    before = Image.fromarray(night()) if kind in UNKNOWN_TO_PILLOW else opened(photo)
    accepted = running.upload(photo, **fields)
    status = running.finished(accepted["id"])
    assert status["state"] == "done", status["error"]
    data = running.result(accepted["id"])
    if fields.get("format") == "tiff":
        picture = tifffile.imread(io.BytesIO(data))
        assert picture.dtype == np.uint16
        assert picture.shape == (200, 320, 3)
        assert picture.mean() / 257 > 1.5 * light(before)
        return
    after = opened(data)
    assert after.format.lower() == fields.get("format", "jpeg")
    assert sorted(after.size) == [200, 320]
    assert after.size == ((320, 200))
    assert light(after) > 1.5 * light(before)
    assert light(after) < 250
    if kind is as_grey_png:
        assert after.mode == "L"
    if kind is as_16_bit_png:
        assert cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED).dtype == np.uint16


def test_a_given_ratio_is_the_one_used(running):
    accepted = running.upload(night_jpeg(320, 200), ratio="4")
    status = running.finished(accepted["id"])
    assert status["result"]["ratio"] == 4


def test_the_same_photo_again_with_another_ratio(running):
    first = running.upload(night_jpeg(320, 200), ratio="2")
    running.finished(first["id"])
    answer = requests.post(
        f"{running.url}/upload", files={"again": (None, first["id"]), "ratio": (None, "8")}, timeout=30
    )
    assert answer.status_code == 202, answer.text
    second = answer.json()["id"]
    assert running.finished(second)["result"]["ratio"] == 8
    assert light(opened(running.result(second))) > light(opened(running.result(first["id"])))


def test_a_deleted_photo_is_gone(running):
    accepted = running.upload(night_jpeg(320, 200))
    running.finished(accepted["id"])
    token = {"Authorization": f"Bearer {accepted['owner_token']}"}
    assert requests.delete(f"{running.url}/upload/{accepted['id']}", headers=token, timeout=30).status_code == 204
    assert requests.get(f"{running.url}/result/{accepted['id']}", timeout=30).status_code == 404
    assert not list(running.folder.glob(f"blobs/*/{accepted['id']}*"))
