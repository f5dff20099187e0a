"""Blobs that no row names go away, and no others."""

import io

from jobs.intake import Order, accept, withdraw
from jobs.orphans import Orphans
from jobs.table import Row


def test_a_blob_without_a_row_is_removed_at_the_second_look(ports):
    ports.blobs.put("in/abandoned", io.BytesIO(b"photo"))
    ports.blobs.put("out/abandoned/token", io.BytesIO(b"picture"))
    order = Order(ratio=None, format="jpeg", photo={}, size=1, sha256="", visitor="test")
    job = accept(ports, order, io.BytesIO(b"x")).job
    orphans = Orphans(ports)
    assert orphans.collect() == 0
    assert orphans.collect() == 2
    assert [*ports.blobs.keys("in/"), *ports.blobs.keys("out/")] == [job.source_key]


def test_a_blob_whose_row_comes_between_two_looks_stays(ports):
    orphans = Orphans(ports)
    order = Order(ratio=None, format="jpeg", photo={}, size=1, sha256="", visitor="test")
    job = accept(ports, order, io.BytesIO(b"x")).job
    row = ports.table.read(f"job/{job.id}")
    ports.table.delete(row)
    orphans.collect()
    ports.table.insert(row)
    assert orphans.collect() == 0
    assert list(ports.blobs.keys("in/")) == [job.source_key]


def test_a_photo_that_came_again_after_its_deletion_is_removed(ports):
    order = Order(ratio=None, format="jpeg", photo={}, size=1, sha256="", visitor="test")
    accepted = accept(ports, order, io.BytesIO(b"x"))
    withdraw(ports, accepted.job.id, accepted.owner_token)
    ports.blobs.put(accepted.job.source_key, io.BytesIO(b"late"))
    orphans = Orphans(ports)
    assert (orphans.collect(), orphans.collect()) == (0, 1)
    assert list(ports.blobs.keys("in/")) == []


def test_a_blob_whose_row_cannot_be_read_stays(ports):
    """A newer release may have written it; the sweep leaves it alone, too."""
    ports.blobs.put("in/odd", io.BytesIO(b"photo"))
    ports.table.insert(Row(key="job/odd", doc="not a document"))
    orphans = Orphans(ports)
    assert (orphans.collect(), orphans.collect()) == (0, 0)
    assert list(ports.blobs.keys("in/")) == ["in/odd"]
