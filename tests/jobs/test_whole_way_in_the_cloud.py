"""Dark photos in, bright pictures out, by real processes that share nothing but S3, SQS and DynamoDB."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
import requests
from PIL import Image

from bench.nights import night_jpeg
from bench.service import service
from tests.jobs.clouds import Cloud

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("kind", "engine"), [("moto", "openvino"), ("ministack", "torch")])
def test_a_dark_photo_comes_back_bright(
    kind: str, engine: str, clouds: Callable[[str], Cloud], monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud = clouds(kind)
    cloud.order(shift=0)
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.endpoint)
    stores = cloud.settings()
    photo = night_jpeg(320, 200)
    named = {"BLOBS": stores.blobs, "QUEUE": stores.queue, "TABLE": stores.table}
    with service(ENGINE=engine, **named) as running:
        sent = [running.upload(photo), running.upload(photo, format="png")]
        for job in sent:
            assert running.finished(job["id"])["state"] == "done", running.logs()
            answer = requests.get(f"{running.url}/result/{job['id']}", timeout=30)
            assert answer.history[0].status_code == 302
            assert answer.url.startswith(cloud.endpoint)
            assert light(answer.content) > 2 * light(photo)
        bearer = {"Authorization": f"Bearer {sent[0]['owner_token']}"}
        assert requests.delete(f"{running.url}/upload/{sent[0]['id']}", headers=bearer, timeout=30).status_code == 204
        assert requests.get(f"{running.url}/result/{sent[0]['id']}", timeout=30).status_code == 404
        assert not list(running.folder.rglob("jobs.db"))


def light(photo: bytes) -> float:
    return float(np.asarray(Image.open(io.BytesIO(photo)).convert("RGB"), np.float32).mean())
