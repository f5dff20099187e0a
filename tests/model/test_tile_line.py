"""The line keeps order and content, and on real streams nothing would run into anything else."""

import numpy as np
import pytest
import torch

from model.tile_line import Line
from tests.model.race import Streams, watched

CPU = torch.device("cpu")


def blocks(count, kind=np.uint8, shape=(16, 32, 3)):
    top = np.iinfo(kind).max
    return [np.random.default_rng(number).integers(0, top, shape, kind, endpoint=True) for number in range(count)]


def inverted(codes):
    whole = codes if codes.dtype == torch.uint8 else codes.int() & 0xFFFF
    out = (255 - whole) if codes.dtype == torch.uint8 else (65535 - whole).short()
    return out, torch.ones((), dtype=torch.bool)


def refused(codes):
    raise AssertionError("no tile had to be done again")


@pytest.mark.parametrize("slots", [1, 2])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_tiles_come_back_whole_and_in_order(slots, kind):
    given = blocks(5, kind)
    line = Line(CPU, torch.cpu, slots)
    for block, codes in zip(given, line.restored(iter(given), inverted, refused), strict=True):
        assert codes.dtype == kind
        assert (codes == np.iinfo(kind).max - block).all()


def test_a_line_serves_photos_of_any_kind_one_after_the_other():
    line = Line(CPU, torch.cpu, 2)
    for kind, shape in [(np.uint8, (16, 16, 3)), (np.uint16, (64, 48)), (np.uint8, (32, 16)), (np.uint16, (48, 64, 3))]:
        given = blocks(3, kind, shape)
        for block, codes in zip(given, line.restored(given, inverted, refused), strict=True):
            assert (codes == np.iinfo(kind).max - block).all()


def test_two_slots_mean_that_the_next_tile_is_sent_before_the_last_is_fetched():
    read = []
    line = Line(CPU, torch.cpu, 2)
    for number, _ in enumerate(line.restored((read.append(0) or block for block in blocks(5)), inverted, refused)):
        assert len(read) == min(5, number + 3)


def test_a_tile_that_does_not_hold_is_done_again_and_the_others_are_not():
    given = blocks(4)
    again = []

    def doubtful(codes):
        out, holds = inverted(codes)
        return out * 0, holds & bool((codes.numpy() != given[2]).any())

    def exact(codes):
        again.append(codes.numpy().copy())
        return inverted(codes)

    line = Line(CPU, torch.cpu, 2)
    results = [codes.copy() for codes in line.restored(given, doubtful, exact)]
    assert (results[2] == 255 - given[2]).all()
    assert not np.stack([results[0], results[1], results[3]]).any()
    assert len(again) == 1
    assert (again[0] == given[2]).all()


def test_after_a_failure_in_the_middle_the_line_works_on():
    line = Line(CPU, torch.cpu, 2)
    sent = []

    def fails(codes):
        sent.append(codes)
        if len(sent) == 3:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return inverted(codes)

    with pytest.raises(torch.OutOfMemoryError):
        list(line.restored(blocks(5), fails, refused))
    for block, codes in zip(blocks(5), line.restored(blocks(5), inverted, refused), strict=True):
        assert (codes == 255 - block).all()


@pytest.mark.parametrize("module", [torch.cuda, torch.cpu])
def test_the_line_asks_nothing_of_streams_that_torch_does_not_have(module):
    for owner, names in [
        (module, ("Stream", "Event", "stream", "current_stream")),
        (module.Stream, ("wait_stream", "wait_event")),
        (module.Event, ("record", "synchronize")),
    ]:
        assert [name for name in names if not callable(getattr(owner, name, None))] == []


def passed(streams, line):
    """Photos of growing tiles, one tile done again, photos that fail and photos that are given up in the middle."""
    doubts = iter([True, False] + [True] * 100)

    def doubtful(codes):
        out, holds = inverted(codes)
        return out, holds & next(doubts)

    def fails(codes):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    with watched(streams):
        for shape in [(16, 16, 3), (48, 48, 3), (48, 48, 3)]:
            for _ in line.restored(blocks(5, np.uint8, shape), doubtful, inverted):
                pass
            with pytest.raises(torch.OutOfMemoryError):
                list(line.restored(blocks(2, np.uint8, shape), fails, refused))
            next(line.restored(blocks(3, np.uint8, shape), inverted, refused))
    return streams.races


def test_no_copy_runs_into_the_computation_or_the_host():
    streams = Streams()
    assert passed(streams, Line(CPU, streams, 2)) == []


def test_a_tile_is_sent_while_the_one_before_it_is_computed():
    streams = Streams()
    line = Line(CPU, streams, 2)
    uploads_know, computed = [], []

    def noted(codes):
        uploads_know.append(streams.knows[line.upload.name].get("compute", 0))
        result = inverted(codes)
        computed.append(streams.knows["compute"]["compute"])
        return result

    with watched(streams):
        for _ in line.restored(blocks(6), noted, refused):
            pass
    assert all(known < before for known, before in zip(uploads_know[2:], computed[1:], strict=False))


@pytest.mark.parametrize("forgotten", ["uploaded", "computed", "done"])
def test_forgetting_any_event_would_be_noticed(forgotten):
    streams = Streams()
    line = Line(CPU, streams, 2)
    for slot in line.slots:
        getattr(slot, forgotten).record = lambda stream: None
    assert passed(streams, line)
