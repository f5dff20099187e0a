"""Synthetic tone pairs: a picture as it should be, and the thumbnail of what a camera makes of its scene in the dark.

    photo ─ look ─▶ picture ─ undo the camera's curve ─▶ scene ─ light, ÷ gain ─ noise, curve, black, codes ─▶ thumbnail
                       └── wanted, at the thumbnail's size

Not the network's pairs: those keep gain and white balance, these are what gain, contrast and colour are learnt from.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from model.impression import Impression, impression
from model.light import LUMA, decode, encode
from model.synthesis import Photo
from model.thumbnail import SAMPLES

LONGEST = 420
"""Pixels of a photo's longer side: enough for a crop's."""
USUAL = 0.5
"""Encoded mean towards which pictures are exposed."""
SIDES = ((32, 48), (48, 32), (36, 48))
"""Cells of a thumbnail."""

ENTRIES = 513
Random = np.random.Generator
Picture = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class TonePair:
    """Thumbnails [h, w, 3] of one scene.

    restored: linear light of the dark photo as the network leaves it, noise and steps removed, what was cut off is not
    back. wanted: encoded. impression: of the dark photo with its noise. gain: the true one.
    """

    restored: Picture
    wanted: Picture
    impression: Impression
    gain: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """A camera's tone: codes = curve(encode(light − lost)) − black, clipped and quantised.

    curve: [ENTRIES] over even steps of 0…top, encoded light. lost: linear light per channel that a black level which
    was taken too high swallows; red and blue, which the white balance amplifies, lose more, so shadows turn green.
    """

    curve: NDArray[np.float64]
    top: float
    lost: NDArray[np.float64]
    black: float
    steps: float
    linear: bool

    def develop(self, light: Picture) -> Picture:
        """Linear light → codes/white."""
        return np.asarray((self.exact(light) * self.steps).round() / self.steps)

    def exact(self, light: Picture) -> Picture:
        """The same, not quantised."""
        value = light - self.lost
        if self.linear:
            return value.clip(-1, 1)
        value = np.interp(encode(value), np.linspace(0, self.top, ENTRIES), self.curve)
        return np.asarray(((value - self.black) / (1 - self.black)).clip(0, 1))

    def undo(self, codes: Picture) -> Picture:
        """Codes 0…1 → the light that made them, but for what was lost."""
        value = codes * (1 - self.black) + self.black
        return decode(np.interp(value, self.curve, np.linspace(0, self.top, ENTRIES)))


def camera(random: Random) -> Camera:
    """A phone's, a camera's own JPEG, or a plain developer: a shoulder mostly, an S-curve often; some crush black."""
    top = 1.0 if random.random() < 0.25 else float(encode(np.exp(random.uniform(np.log(1.3), np.log(6)))))
    curve = np.linspace(0, top, ENTRIES)
    if top > 1:
        knee = random.uniform(0.35, 0.8)
        excess, limit = np.maximum(curve - knee, 0) / (1 - knee), (top - knee) / (1 - knee)
        curve = np.where(curve <= knee, curve, knee + (1 - knee) * excess * (1 + excess / limit**2) / (1 + excess))
    curve, kind = curve / curve[-1], random.random()
    if kind < 0.35:
        power = random.uniform(1.0, 1.3)
        curve = curve**power / (curve**power + (1 - curve) ** power)
    elif kind < 0.6:
        curve = curve - random.uniform(0.0, 0.5) * np.sin(2 * np.pi * curve) / (2 * np.pi)
    balance = np.array([random.uniform(1.4, 2.5), 1.0, random.uniform(1.3, 2.2)])
    kind, lost = random.random(), np.zeros(3)
    if kind < 0.75:
        lost = np.exp(random.normal(np.log(2.2e-4), 0.8)) * balance - np.exp(random.normal(np.log(1e-4), 0.7))
    elif kind < 0.83:
        lost = -np.exp(random.normal(np.log(1e-4), 0.9)) * balance
    black = np.exp(random.uniform(np.log(0.0008), np.log(0.008))) if random.random() < 0.25 else 0.0
    return Camera(curve=curve, top=top, lost=lost, black=float(black), steps=255.0, linear=False)


def plain() -> Camera:
    """Plain sRGB, clipped at white, as a raw developer without a tone curve writes it."""
    curve = np.linspace(0, 1, ENTRIES)
    return Camera(curve=curve, top=1.0, lost=np.zeros(3), black=0.0, steps=255.0, linear=False)


def sensor(random: Random) -> Camera:
    """A raw file, or a plain 16-bit development of one: linear, a black level that is nearly right."""
    steps = 2.0 ** int(random.integers(12, 15))
    return replace(plain(), lost=random.normal(0, 1e-5, 3), steps=steps, linear=True)


def crop(photo: Photo, random: Random) -> Picture:
    """A part of a photo, encoded, SAMPLES times as large as its thumbnail on each side."""
    height, width = (side * SAMPLES for side in SIDES[int(random.integers(len(SIDES)))])
    scale = random.uniform(0.4, 1.0) * min(photo.shape[0] / height, photo.shape[1] / width)
    rows, columns = int(height * scale), int(width * scale)
    top = int(random.integers(photo.shape[0] - rows + 1))
    left = int(random.integers(photo.shape[1] - columns + 1))
    part = Image.fromarray(photo[top : top + rows, left : left + columns])
    part = part.resize((width, height), Image.Resampling.BILINEAR)
    picture = np.asarray(part) / 255
    return picture[:, ::-1] if random.random() < 0.5 else picture


def small(photo: Photo) -> Photo:
    """A photo shrunk to what its crops need."""
    image = Image.fromarray(photo)
    image.thumbnail((LONGEST, LONGEST), Image.Resampling.BOX)
    return np.array(image)


def restyled(picture: Picture, random: Random) -> Picture:
    """Wallpapers are loud: most become flatter and greyer, as an ordinary room is."""
    luma = (picture @ LUMA)[..., None]
    colour = 0.0 if random.random() < 0.02 else random.uniform(0.25, 1.05)
    picture = luma + colour * (picture - luma)
    low, high = random.uniform(0.0, 0.1), random.uniform(0.72, 1.0)
    picture = picture.clip(0, 1) ** np.exp(random.normal(0, 0.15))
    picture = low * (random.random() < 0.5) + (high - low) * picture
    mean = float((picture @ LUMA).mean())
    wanted = mean + 0.7 * (USUAL + random.normal(0, 0.05) - mean)
    picture = picture.clip(1e-4, 1) ** (np.log(wanted) / np.log(max(mean, 0.05)))
    return np.asarray((picture * np.exp(random.normal(0, 0.02, 3))).clip(0, 1))


def lamps(shape: tuple[int, ...], random: Random) -> tuple[Picture, Picture]:
    """(Lamps as linear light, the glow around them that lights the scene), each [H, W, 3]."""
    height, width = shape[:2]
    rows, columns = np.mgrid[0:height, 0:width]
    light, glow = np.zeros(shape), np.zeros(shape)
    colour = np.array([1.0, 0.75, 0.5]) ** random.uniform(0, 2)
    for _ in range(int(np.exp(random.uniform(1, np.log(60))))):
        own = colour * np.exp(random.normal(0, 0.15, 3)) if random.random() < 0.8 else random.uniform(0.05, 1, 3)
        away = (rows - random.integers(height)) ** 2 + (columns - random.integers(width)) ** 2
        power = np.exp(random.normal(1.3, 0.8))
        radius = np.exp(random.uniform(0, np.log(6)))
        light += power * (away < radius**2)[..., None] * own
        glow += 0.2 * power / (1 + away / (4 * radius) ** 2)[..., None] * own
    return light, glow


def night(picture: Picture, random: Random) -> Picture:
    """A scene at night, linear light: the picture's things under the glow of lamps, which are far brighter.

    It is exposed as people expose nights, to an encoded mean of 0.17…0.33.
    """
    light, glow = lamps(picture.shape, random)
    ambient = 2 ** -random.uniform(2, 6)
    sky = np.where(np.arange(picture.shape[0]) < random.uniform(-0.3, 0.6) * picture.shape[0], 0.15, 1.0)
    things = decode(picture) * (ambient + glow * random.uniform(0.1, 1)) * sky[:, None, None]
    middle = float((things ** (1 / 2.4)).mean()) ** 2.4
    return np.asarray(things * random.uniform(0.17, 0.33) ** 2.4 / middle + light)


def illuminant(random: Random) -> NDArray[np.float64]:
    """How the dark photo's white balance is off, linear R, G, B: mostly hardly, sometimes as tungsten or worse."""
    kind = random.random()
    if kind < 0.12:
        warmth = random.uniform(0.2, 1.0)
        off = np.array([0.55, 0.0, -0.9]) * warmth + random.normal(0, 0.08, 3)
    elif kind < 0.18:
        off = random.normal(0, 0.3, 3)
    else:
        off = random.normal(0, 0.05, 3)
    return np.asarray(np.exp(off - off[1]))


def gains(random: Random) -> float:
    """Exposure ratio 1…300: most between 8 and 130, a fifth hardly dark."""
    if random.random() < 0.2:
        return float(np.exp(random.uniform(0, np.log(2.0))) if random.random() < 0.5 else 1.0)
    ratio = random.uniform(0, np.log(300)) if random.random() < 0.5 else random.normal(np.log(40), 0.9)
    return float(np.exp(np.clip(ratio, 0, np.log(300))))


def grain(light: Picture, gain: float, random: Random) -> Picture:
    """Noise of a dark photo's light: mostly shot noise, drawn by what it is after gain at a middle grey of 0.2."""
    spread = min(0.15, float(np.exp(random.normal(-3.5, 0.9)))) if gain > 1.5 else 0.01 * random.random()
    shot = 1 - random.random() ** 2
    size = spread * np.sqrt(shot * np.maximum(light, 0) * gain / 0.2 + 1 - shot) / gain
    return np.asarray(size * random.normal(0, 1, light.shape))


def cells(picture: Picture) -> Picture:
    """Means of SAMPLES × SAMPLES pixels."""
    height, width = picture.shape[0] // SAMPLES, picture.shape[1] // SAMPLES
    return np.asarray(picture.reshape(height, SAMPLES, width, SAMPLES, 3).mean((1, 3)))


def tone_pair(photo: Photo, random: Random) -> TonePair:
    """One pair of a photo [H, W, 3]."""
    picture = restyled(crop(photo, random), random)
    raw = random.random() < 0.2
    bright = camera(random)
    if raw and random.random() < 0.7:
        bright = plain()
    gain, off = gains(random), illuminant(random)
    if random.random() < 0.12:
        scene = night(picture, random)
        picture = replace(bright, lost=np.zeros(3)).develop(scene)
    else:
        scene = bright.undo(picture)
    if gain < 2:
        off = np.ones(3)
    dark = sensor(random) if raw else bright if gain < 2 or random.random() < 0.7 else camera(random)
    light = scene * off / gain
    codes, clean = dark.develop(light + grain(light, gain, random)), dark.exact(cells(light))
    seen, step = (cells(codes), 1 / dark.steps) if raw else (cells(decode(codes)), float(decode(1 / dark.steps)))
    return TonePair(
        restored=clean if raw else decode(clean),
        wanted=cells(picture),
        impression=impression(seen, step, linear=raw),
        gain=gain,
    )


def tone_pairs(photos: list[Photo], count: int, seed: int) -> Iterator[TonePair]:
    """`count` pairs, photos in turn; pair i is the same whatever `count`."""
    for index in range(count):
        random = np.random.default_rng((seed, index))
        yield tone_pair(photos[int(random.integers(len(photos)))], random)
