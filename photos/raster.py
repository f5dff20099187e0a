"""What the numbers in a pixel buffer mean: source codes, and how to make them linear light."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal, cast

from photos.facts import DEPTHS, LARGEST_SIDE, LAYOUTS, Depth, Layout, decoded_bytes
from photos.record import MalformedRecord, Record

Curve = Literal["srgb", "linear"]

CURVES: tuple[Curve, ...] = ("srgb", "linear")
CFA_ORDERS = ("RGGB", "BGGR", "GRBG", "GBRG")
IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
# How the codes of an rgb raster are to be read, where the photo says it; colour_space.py holds the numbers.
COLOUR_SPACES = ("srgb", "display-p3", "bt2020", "adobe-rgb", "gamma-2.2")
# Characters a value may have. Nothing else about a photo leaves in a result.
METADATA_KEYS = {
    "make": 64,
    "model": 64,
    "exposure_time": 32,
    "f_number": 32,
    "iso": 16,
    "focal_length": 32,
    "date": 32,
    "colour_space": 16,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Raster:
    """Meaning of a buffer of codes.

    layout: "rgb" is [H, W, 3], "mosaic" is [H, W]; C order, native endian, uint8 (depth 8) or uint16 (depth 16).
    width, height: as stored in the buffer, before orientation. A mosaic's are those of its visible area and may be odd:
        nothing is cropped, the engine completes the last 2×2 by mirroring.
    curve: transfer function of the codes. A mosaic is linear; rgb is sRGB-like (`metadata["colour_space"]`, one of
        COLOUR_SPACES, says precisely; a result carries our own profile of it).
    cfa: for a mosaic the colours of the 2×2 at the buffer's origin, row-major; None for rgb.
    black: counts that mean no light, per position of that 2×2, row-major; zeros for rgb.
    white: counts that mean full scale: 255, 65535, or the sensor's saturation.
    white_balance: R, G, B multipliers, green 1; ones for rgb.
    colour_matrix: white-balanced camera RGB → linear sRGB, row-major, rows sum to 1; identity for rgb.
    grey: the three channels are equal and the result is written grey.
    alpha: an [H, W] plane of the same dtype follows the colour pixels in the buffer.
    orientation: EXIF 1…8, applied by the encoder, not by decode nor the engine.
    metadata: allow-listed text, keys of METADATA_KEYS; exposure_time and focal_length in seconds and millimetres.

    Linear light of a mosaic code: (code − black) / (white − black), times its colour's white balance, then the matrix.
    """

    layout: Layout
    width: int
    height: int
    depth: Depth
    curve: Curve
    cfa: str | None = None
    black: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    white: float
    white_balance: tuple[float, float, float] = (1.0, 1.0, 1.0)
    colour_matrix: tuple[float, float, float, float, float, float, float, float, float] = IDENTITY
    grey: bool = False
    alpha: bool = False
    orientation: int = 1
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def colour_bytes(self) -> int:
        """Bytes of the colour pixels: the offset of the alpha plane."""
        return decoded_bytes(self.layout, self.width, self.height, self.depth, alpha=False)

    @property
    def pixel_bytes(self) -> int:
        """Bytes of the whole buffer: colour pixels, then the alpha plane if there is one."""
        return decoded_bytes(self.layout, self.width, self.height, self.depth, alpha=self.alpha)

    def to_json(self) -> dict[str, object]:
        """Plain JSON values, accepted by from_json."""
        return {**asdict(self), "metadata": dict(self.metadata)}

    @classmethod
    def from_json(cls, fields: object) -> "Raster":
        """A raster from JSON of an untrusted sender; MalformedRecord (a ValueError) if anything is out of range."""
        record = Record(fields)
        raster = cls(
            layout=cast("Layout", record.choice("layout", LAYOUTS)),
            width=record.integer("width", 1, LARGEST_SIDE),
            height=record.integer("height", 1, LARGEST_SIDE),
            depth=cast("Depth", record.choice("depth", DEPTHS)),
            curve=cast("Curve", record.choice("curve", CURVES)),
            cfa=None if record.absent("cfa") else record.choice("cfa", CFA_ORDERS),
            black=cast("tuple[float, float, float, float]", record.numbers("black", 4, 0, 65535)),
            white=record.number("white", 1, 65535),
            white_balance=cast("tuple[float, float, float]", record.numbers("white_balance", 3, 1e-3, 1e3)),
            colour_matrix=cast(
                "tuple[float, float, float, float, float, float, float, float, float]",
                record.numbers("colour_matrix", 9, -100, 100),
            ),
            grey=record.flag("grey"),
            alpha=record.flag("alpha"),
            orientation=record.integer("orientation", 1, 8),
            metadata=record.texts("metadata", METADATA_KEYS),
        )
        raster.check()
        return raster

    def check(self) -> None:
        """Raise MalformedRecord if fields contradict each other."""
        if self.layout == "mosaic":
            fits = (
                self.cfa in CFA_ORDERS
                and self.depth == 16
                and self.curve == "linear"
                and max(self.black) < self.white
                and self.white_balance[1] == 1.0
                and not self.grey
                and not self.alpha
            )
        else:
            fits = (
                self.cfa is None
                and self.metadata.get("colour_space", COLOUR_SPACES[0]) in COLOUR_SPACES
                and not any(self.black)
                and self.white == (1 << self.depth) - 1
                and self.white_balance == (1.0, 1.0, 1.0)
                and self.colour_matrix == IDENTITY
            )
        if not fits:
            raise MalformedRecord(f"fields contradict each other for layout {self.layout}")
