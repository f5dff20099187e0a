"""Photos on their way through a cloud that refuses, forgets and cuts off: none is lost, none comes twice."""

from __future__ import annotations

import hashlib
import io
import threading
from contextlib import ExitStack
from dataclasses import replace

import pytest

from jobs.clients import Clients
from jobs.clock import now_ms
from jobs.errors import StoreBusy
from jobs.intake import Accepted, Order, accept
from jobs.ports import Ports, open_ports
from jobs.sweep import sweep
from photos.codec import Codec
from photos.facts import PhotoFacts
from tests.jobs.clouds import Cloud
from tests.jobs.workers import eventually, photo, worker

PHOTOS = 24
BAD_DAY = [
    {"action": "*", "does": does, "times": 10**6, "chance": chance}
    for does, chance in (("503", 0.05), ("lost", 0.03), ("deaf", 0.02), ("half", 0.02))
]


@pytest.mark.slow
def test_on_a_bad_day_every_accepted_photo_comes_back_once_and_whole(moto: Cloud, no_pauses: None) -> None:
    settings = replace(moto.settings(), fleet="none:", heartbeat_s=0.3, lease_s=5.0, stall_s=30.0)
    before = moto.order(faults=BAD_DAY)
    ports = open_ports(settings, clock=now_ms, clients=Clients())
    stop = threading.Event()
    with ExitStack() as day, Codec(sandbox="auto") as codec:
        for _ in range(2):
            day.enter_context(worker(settings, open_ports(settings, clock=now_ms, clients=Clients()), codec))
        sweeper = threading.Thread(target=sweep_until, args=(open_ports(settings, clock=now_ms), stop))
        sweeper.start()
        day.callback(sweeper.join)
        day.callback(stop.set)
        accepted = [sent(ports, level) for level in range(20, 20 + PHOTOS)]
        eventually(lambda: all(finished(ports, each.job.id) for each in accepted), within_s=240)
    assert moto.order(faults=[]) - before > PHOTOS, "the day was not bad"
    for each in accepted:
        job = ports.ledger.read(each.job.id)
        assert job is not None
        assert (job.state, job.error) == ("done", None)
        assert job.result is not None
        with ports.blobs.open(job.result.key) as picture:
            content = picture.read()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (job.result.size, job.result.sha256)
        assert job.attempts <= 3


def sent(ports: Ports, level: int) -> Accepted:
    """Accept a photo, as a visitor who tries again with the same key."""
    data = photo(level)
    facts = PhotoFacts(
        format="jpeg", width=64, height=48, orientation=1, layout="rgb", depth=8, grey=False, alpha=False
    )
    order = Order(
        ratio=None,
        format="jpeg",
        photo=facts.to_json(),
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        visitor="192.0.2.1",
        idempotency_key=f"a-bad-day-{level:06}",
    )
    for _ in range(5):
        try:
            return accept(ports, order, io.BytesIO(data))
        except StoreBusy:
            continue
    raise AssertionError("five tries of four requests each went wrong")


def finished(ports: Ports, job_id: str) -> bool:
    try:
        job = ports.ledger.read(job_id)
    except StoreBusy:
        return False
    assert job is not None, "an accepted job has a row"
    return job.finished


def sweep_until(ports: Ports, stop: threading.Event) -> None:
    while not stop.wait(0.5):
        try:
            sweep(ports)
        except StoreBusy:
            continue
