"""HEIC files made by hand, lossless: one HEVC picture (ITU-T H.265) whose 16×16 blocks are all plain codes (PCM).

No library here writes HEVC. Each block is a slice of its own, so that the arithmetic coder always stands at its start
and says the same few bits.
"""

import struct

import numpy as np

SIDE = 16
VPS, SPS, PPS, IDR = 32, 33, 34, 19
ALPHA = b"urn:mpeg:hevc:2015:auxid:1\0"


class Bits:
    def __init__(self):
        self.bits = []

    def u(self, *fields):
        """Fixed-length fields: value, count, value, count, …"""
        for value, count in zip(fields[::2], fields[1::2], strict=True):
            self.bits += [value >> bit & 1 for bit in range(count - 1, -1, -1)]
        return self

    def ue(self, *values):
        """Exponential Golomb codes (§9.2)."""
        for value in values:
            count = (value + 1).bit_length()
            self.u(0, count - 1, value + 1, count)
        return self

    def flags(self, text):
        self.bits += [int(flag) for flag in text if flag in "01"]
        return self

    def aligned(self):
        self.bits += [0] * (-len(self.bits) % 8)
        return self

    def ended(self):
        return np.packbits(self.flags("1").aligned().bits).tobytes()


def terminated(bits, low):
    """What the arithmetic coder writes for a terminating bin at `low`, flushed and aligned (§9.3.4.3.5)."""
    low <<= 7
    bits.u(low >> 10 & 63, 6, low >> 9 & 1, 1, low >> 7 & 3 | 1, 2).aligned()


def unit(kind, payload):
    out = bytearray((kind << 1, 1))
    zeros = 0
    for byte in payload:
        if zeros >= 2 and byte <= 3:
            out.append(3)
            zeros = 0
        out.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    return bytes(out)


def hevc(planes, depth, width, height):
    """(hvcC, data) of [H, W] codes: grey, or luma and two planes of chroma, whole (4:4:4) or half as wide and high."""
    padded = [np.pad(plane, [(0, -side % SIDE) for side in plane.shape], "edge") for plane in planes[:1]]
    across, down = padded[0].shape[1] // SIDE, padded[0].shape[0] // SIDE
    chroma = 0 if len(planes) == 1 else 3 if planes[1].shape == planes[0].shape else 1
    half = 2 if chroma == 1 else 1
    for plane in planes[1:]:
        fill = (down * SIDE // half - plane.shape[0], across * SIDE // half - plane.shape[1])
        padded.append(np.pad(plane, ((0, fill[0]), (0, fill[1])), "edge"))
    profile = 4 if chroma != 1 or depth > 10 else 1 if depth == 8 else 2
    tier = lambda bits: bits.u(0, 3, profile, 5, 1 << 31 - profile, 32).flags("1001").u(0, 44, 93, 8)  # noqa: E731

    vps = tier(Bits().u(0, 4, 3, 2, 0, 6, 0, 3, 1, 1, 0xFFFF, 16)).flags("1").ue(0, 0, 0).u(0, 6).ue(0).flags("00")
    sps = tier(Bits().u(0, 4, 0, 3, 1, 1)).ue(0, chroma).flags("0" if chroma == 3 else "")
    sps.ue(across * SIDE, down * SIDE).flags("1")
    sps.ue(0, (across * SIDE - width) // half, 0, (down * SIDE - height) // half)  # the window that is shown
    sps.ue(depth - 8, depth - 8, 0).flags("1").ue(0, 0, 0)
    sps.ue(1, 0, 0, 2, 0, 0).flags("000")  # blocks of 16, transforms of 4…16; no lists, no filters
    sps.flags("1").u(depth - 1, 4, depth - 1, 4).ue(1, 0).flags("1")  # plain codes in blocks of 16
    sps.ue(0).flags("00000")
    pps = Bits().ue(0, 0).flags("00 000 00").ue(0, 0, 0).flags("000").ue(0, 0).flags("0000000 101 00").ue(0).flags("00")
    slices = []
    for index in range(across * down):
        y, x = divmod(index, across)
        bits = Bits().flags("10" if index == 0 else "00").ue(0)
        if index:
            bits.u(index, (across * down - 1).bit_length())
        bits.ue(2, 0).flags("1").aligned()
        terminated(bits, 268)  # one whole block (range 510 − 240), and its codes are plain
        for plane in padded:
            side = SIDE * plane.shape[1] // padded[0].shape[1]
            codes = plane[y * side : (y + 1) * side, x * side : (x + 1) * side].reshape(-1, 1).astype(np.uint32)
            bits.bits += (codes >> np.arange(depth - 1, -1, -1, dtype=np.uint32) & 1).ravel().tolist()
        terminated(bits.aligned(), 508)  # the slice ends
        slices.append(unit(IDR, np.packbits(bits.bits).tobytes()))
    head = struct.pack(">BBI6sBH", 1, profile, 1 << 31 - profile, b"\x90", 93, 0xF000)
    head += bytes((0xFC, 0xFC | chroma, 0xF8 | depth - 8, 0xF8 | depth - 8, 0, 0, 0x0F, 3))
    for kind, bits in ((VPS, vps), (SPS, sps), (PPS, pps)):
        parameters = unit(kind, bits.ended())
        head += struct.pack(">BHH", 0x80 | kind, 1, len(parameters)) + parameters
    return head, b"".join(struct.pack(">I", len(each)) + each for each in slices)


def box(kind, *parts, version=None):
    body = (b"" if version is None else struct.pack(">I", version)) + b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def colours(primaries, transfer):
    return box(b"colr", b"nclx", struct.pack(">HHHB", primaries, transfer, 6, 0x80))


def icc(profile):
    return box(b"colr", b"prof", profile)


def turned(quarters):
    return box(b"irot", bytes((quarters,)))


def mirrored(axis):
    return box(b"imir", bytes((axis,)))


def heic(planes, depth=8, *, properties=(), alpha=None, exif=None, brand=b"heic", tiles=None, before=None):
    """A file of one picture, or of a grid that repeats it `tiles` = (across, down) times; alpha is [H, W].

    `before` are the planes of another picture that comes first and is not the primary one.
    """
    height, width = planes[0].shape
    head, data = hevc(planes, depth, width, height)
    pool, items, references = [], [], []

    def item(kind, content, *of, hidden=False):
        for each in of:
            if each not in pool:
                pool.append(each)
        items.append((kind, content, [pool.index(each) + 1 for each in of], hidden))
        return len(items)

    size = lambda across, down: box(b"ispe", struct.pack(">II", across, down), version=0)  # noqa: E731
    pixels = box(b"pixi", bytes([len(planes), *[depth] * len(planes)]), version=0)
    coded = (box(b"hvcC", head), size(width, height), pixels)
    if before is not None:
        other, other_data = hevc(before, depth, *before[0].shape[::-1])
        item(b"hvc1", other_data, box(b"hvcC", other), size(*before[0].shape[::-1]))
    if tiles:
        across, down = tiles
        grid = struct.pack(">BBBBII", 0, 1, down - 1, across - 1, across * width, down * height)
        primary = item(b"grid", grid, size(across * width, down * height), pixels, *properties)
        parts = [item(b"hvc1", data, *coded, hidden=True) for _ in range(across * down)]
        references.append((b"dimg", primary, parts))
    else:
        primary = item(b"hvc1", data, *coded, *properties)
    if alpha is not None:
        alpha_head, alpha_data = hevc([alpha], depth, width, height)
        kind = (box(b"hvcC", alpha_head), size(width, height), box(b"auxC", ALPHA, version=0))
        references.append((b"auxl", item(b"hvc1", alpha_data, *kind, hidden=True), [primary]))
    if exif:
        references.append((b"cdsc", item(b"Exif", bytes(4) + exif), [primary]))
    contents = list(dict.fromkeys(content for _, content, _, _ in items))
    described = [
        box(b"infe", struct.pack(">HH4sx", index, 0, kind), version=2 << 24 | hidden)
        for index, (kind, _, _, hidden) in enumerate(items, 1)
    ]
    owned = b"".join(
        struct.pack(">HB", index, len(of)) + bytes(0x80 | each for each in of)
        for index, (_, _, of, _) in enumerate(items, 1)
    )
    refers = [box(k, struct.pack(f">HH{len(to)}H", of, len(to), *to)) for k, of, to in references]

    def meta(start):
        places = dict(zip(contents, np.cumsum([start, *map(len, contents)]).tolist(), strict=False))
        located = b"".join(
            struct.pack(">HHHII", index, 0, 1, places[content], len(content))
            for index, (_, content, _, _) in enumerate(items, 1)
        )
        return box(
            b"meta",
            box(b"hdlr", struct.pack(">4x4s13x", b"pict"), version=0),
            box(b"pitm", struct.pack(">H", primary), version=0),
            box(b"iloc", struct.pack(">HH", 0x4400, len(items)), located, version=0),
            box(b"iinf", struct.pack(">H", len(items)), *described, version=0),
            box(b"iref", *refers, version=0) if refers else b"",
            box(b"iprp", box(b"ipco", *pool), box(b"ipma", struct.pack(">I", len(items)), owned, version=0)),
            version=0,
        )

    start = box(b"ftyp", brand, bytes(4), b"mif1heic")
    return start + meta(len(start) + len(meta(0)) + 8) + box(b"mdat", *contents)
