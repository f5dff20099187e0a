"""Tiles on their way to the device, through it and back: while one is computed, the next goes there, the last returns.

    blocks ─▶ pinned ─(upload)─▶ device ─(compute)─▶ device ─(download)─▶ pinned ─▶ codes
    slot 0    ▓▓▓▓▓▓▓           ▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓                ▓▓▓▓▓▓▓
    slot 1              ▓▓▓▓▓▓▓                   ▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓       ▓▓▓▓▓▓▓

Three streams, two slots. A slot's buffers are its own and are used again only when its last copy is over, so no memory
changes hands between streams. A CPU has one slot and torch's stand-ins for streams: the same steps, in order.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from model.plan import Codes

Work = Callable[[Tensor], tuple[Tensor, Tensor]]
"""Codes of a tile on the device → (output codes, whether they hold); see `tile_pass.bright`."""


class Twin:
    """Bytes on our side, pinned where that lets copies run beside us, and as many on the device."""

    def __init__(self, size: int, device: torch.device) -> None:
        self.host = torch.empty(size, dtype=torch.uint8, pin_memory=device.type == "cuda")
        self.there = torch.empty(size, dtype=torch.uint8, device=device)


class Slot:
    """One tile under way: what is read, what is written, and the events that tell how far it is."""

    def __init__(self, device: torch.device, streams: Any) -> None:
        self.device = device
        self.codes, self.bright, self.holds = Twin(1, device), Twin(1, device), Twin(1, device)
        self.uploaded, self.computed, self.done = streams.Event(), streams.Event(), streams.Event()
        self.shape: tuple[int, ...] = ()
        self.kind = torch.uint8
        self.bright_shape: tuple[int, ...] = ()
        self.bright_kind = torch.uint8

    def wait(self) -> None:
        """Until no copy runs, also where the last tile's computation failed between its copies."""
        self.uploaded.synchronize()
        self.done.synchronize()

    def hold(self, block: Codes) -> bool:
        """Take a tile's codes into the pinned buffer; whether its twin is new."""
        fresh = block.nbytes > len(self.codes.host)
        if fresh:
            self.codes = Twin(block.nbytes, self.device)
        self.codes.host.numpy()[: block.nbytes].view(block.dtype).reshape(block.shape)[...] = block
        self.shape, self.kind = block.shape, torch.uint8 if block.dtype == np.uint8 else torch.int16
        return fresh

    def given(self) -> Tensor:
        """The codes on the device; uint16 as int16, which every backend has."""
        return viewed(self.codes.there, self.shape, self.kind)

    def keep(self, bright: Tensor, holds: Tensor) -> None:
        """Put the results where the download finds them."""
        if bright.nbytes > len(self.bright.host):
            self.bright = Twin(bright.nbytes, self.device)
        self.bright_shape, self.bright_kind = tuple(bright.shape), bright.dtype
        viewed(self.bright.there, self.bright_shape, self.bright_kind).copy_(bright)
        self.holds.there.copy_(holds)

    def taken(self) -> Codes:
        """The output codes, valid until the slot is used again."""
        codes = viewed(self.bright.host, self.bright_shape, self.bright_kind).numpy()
        return codes if self.bright_kind == torch.uint8 else codes.view(np.uint16)


class Line:
    """The way of a photo's tiles through one device; one photo at a time.

    streams: the module that has the device's streams and events, torch.cuda or torch.cpu.
    """

    def __init__(self, device: torch.device, streams: Any, slots: int) -> None:
        self.streams = streams
        self.beside = device.type == "cuda"
        self.upload, self.download = streams.Stream(), streams.Stream()
        self.slots = [Slot(device, streams) for _ in range(slots)]

    def restored(self, blocks: Iterable[Codes], work: Work, exact: Work) -> Iterator[Codes]:
        """Output codes of tiles, in order; `exact` does a tile again whose `work` does not hold."""
        under_way: deque[Slot] = deque()
        for number, block in enumerate(blocks):
            slot = self.slots[number % len(self.slots)]
            if len(under_way) == len(self.slots):
                yield self.collected(under_way.popleft(), exact)
            self.send(slot, block, work)
            under_way.append(slot)
        while under_way:
            yield self.collected(under_way.popleft(), exact)

    @torch.inference_mode()
    def send(self, slot: Slot, block: Codes, work: Work) -> None:
        """Begin a tile: everything after the copy into the pinned buffer happens beside us."""
        slot.wait()
        if slot.hold(block):
            # New memory may be that of a tensor which a computation still reads.
            self.upload.wait_stream(self.streams.current_stream())
        with self.streams.stream(self.upload):
            size = block.nbytes
            slot.codes.there[:size].copy_(slot.codes.host[:size], non_blocking=self.beside)
            slot.uploaded.record(self.upload)
        self.compute(slot, work)

    def compute(self, slot: Slot, work: Work) -> None:
        """Queue the computation behind the upload, and the download behind the computation."""
        now = self.streams.current_stream()
        now.wait_event(slot.uploaded)
        slot.keep(*work(slot.given()))
        slot.computed.record(now)
        with self.streams.stream(self.download):
            self.download.wait_event(slot.computed)
            for twin in (slot.bright, slot.holds):
                twin.host.copy_(twin.there, non_blocking=self.beside)
            slot.done.record(self.download)

    @torch.inference_mode()
    def collected(self, slot: Slot, exact: Work) -> Codes:
        """Wait for a tile."""
        slot.done.synchronize()
        if not bool(slot.holds.host):
            self.compute(slot, exact)
            slot.done.synchronize()
        return slot.taken()


def viewed(buffer: Tensor, shape: tuple[int, ...], kind: torch.dtype) -> Tensor:
    """The first bytes of a buffer as a tensor."""
    count = int(np.prod(shape)) * kind.itemsize
    return buffer[:count].view(kind).view(shape)
