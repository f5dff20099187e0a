"""ICC profiles of every kind, made here by the letter of ICC.1, as cameras, editors and attackers embed them."""

import itertools
import struct

import numpy as np

# Linear RGB → XYZ (D50), as their makers publish them: columns are red, green, blue.
SRGB = np.array([[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]])
ADOBE = np.array([[0.60974, 0.20528, 0.14919], [0.31111, 0.62567, 0.06322], [0.01947, 0.06087, 0.74457]])
P3 = np.array([[0.51512, 0.29198, 0.15710], [0.24120, 0.69225, 0.06657], [-0.00105, 0.04189, 0.78407]])
PROPHOTO = np.array([[0.79767, 0.13519, 0.03134], [0.28804, 0.71188, 0.00009], [0.0, 0.0, 0.82491]])
APPLE = np.array([[0.47563, 0.33968, 0.14889], [0.25512, 0.67270, 0.07218], [0.01843, 0.11327, 0.69327]])
D50 = np.array((0.9642, 1.0, 0.8249))


def icc(space, tags, *, connection=b"XYZ ", kind=b"mntr", version=0x02400000):
    start, table, body = 132 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for tag, data in tags.items():
        table += tag + struct.pack(">II", start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    head = struct.pack(">I4xI4s4s4s12x4s", start + len(body), version, kind, space, connection, b"acsp")
    return head.ljust(68, b"\0") + fixed(*D50) + bytes(48) + table + body


def fixed(*values):
    return b"".join(struct.pack(">i", round(float(value) * 65536)) for value in values)


def text(said):
    return b"text" + bytes(4) + said.encode() + b"\0"


def xyz(values):
    return b"XYZ " + bytes(4) + fixed(*values)


def power(gamma):
    return b"curv" + struct.pack(">4xIH", 1, round(gamma * 256))


LINEAR = b"curv" + bytes(8)


def sampled(light, count=1024):
    values = np.rint(light(np.linspace(0, 1, count)) * 65535).astype(">u2")
    return b"curv" + struct.pack(">4xI", count) + values.tobytes()


def parametric(kind, *numbers):
    return b"para" + struct.pack(">4xHH", kind, 0) + fixed(*numbers)


SRGB_PARAMETRIC = parametric(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


def srgb_light(codes):
    return np.where(codes <= 0.04045, codes / 12.92, ((codes + 0.055) / 1.055) ** 2.4)


def srgb_codes(light):
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * np.maximum(light, 0) ** (1 / 2.4) - 0.055)


def rgb(matrix, curve, extra=None):
    tags = {b"desc": text("SECRET owner"), b"cprt": text("SECRET serial"), b"wtpt": xyz(D50)}
    tags |= {name: xyz(matrix[:, at]) for at, name in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))}
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    return icc(b"RGB ", tags | (extra or {}))


def grey(curve, connection=b"XYZ "):
    return icc(b"GRAY", {b"wtpt": xyz(D50), b"kTRC": curve}, connection=connection)


def lab(light_xyz):
    """XYZ (D50) [..., 3] → L*a*b*, CIE 15 §8.2.1."""
    share = light_xyz / D50
    root = np.where(share > 216 / 24389, np.cbrt(share), (24389 / 27 * share + 16) / 116)
    x, y, z = np.moveaxis(root, -1, 0)
    return np.stack((116 * y - 16, 500 * (x - y), 200 * (y - z)), -1)


def tabled(space, channels, to_lab, nodes):
    """A profile of one look-up table (lut16Type): codes 0…1 [n, channels] → L*a*b* [n, 3]."""
    grid = np.array(list(itertools.product(np.linspace(0, 1, nodes), repeat=channels)))
    values = to_lab(grid)
    stored = np.rint(np.stack((values[:, 0] * 652.8, *((values[:, at] + 128) * 256 for at in (1, 2))), -1))
    ramp = struct.pack(">2H", 0, 65535)
    table = b"mft2" + struct.pack(">4xBBBx", channels, 3, nodes) + fixed(1, 0, 0, 0, 1, 0, 0, 0, 1)
    table += struct.pack(">HH", 2, 2) + ramp * channels
    table += np.clip(stored, 0, 65535).astype(">u2").tobytes() + ramp * 3
    tags = {b"desc": text("SECRET press"), b"wtpt": xyz(D50), b"A2B0": table}
    return icc(space, tags, connection=b"Lab ", kind=b"prtr" if channels == 4 else b"scnr")


def ink_rgb(inks):
    """What our press prints: sRGB codes 0…1 of inks 0…1 [..., 4]."""
    return (1 - inks[..., :3]) * (1 - inks[..., 3:])


def press():
    return tabled(b"CMYK", 4, lambda inks: lab(srgb_light(ink_rgb(inks)) @ SRGB.T), 9)


def scanner(gamma=1.8):
    return tabled(b"RGB ", 3, lambda codes: lab(codes**gamma @ SRGB.T), 33)
