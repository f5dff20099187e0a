"""What the sandboxed probe says of a photo before anything is decoded."""

from dataclasses import asdict, dataclass
from typing import Literal, cast

from photos.record import MalformedRecord, Record

Format = Literal["jpeg", "png", "webp", "tiff", "heic", "avif", "raw"]
Layout = Literal["rgb", "mosaic"]
Depth = Literal[8, 16]

FORMATS: tuple[Format, ...] = ("jpeg", "png", "webp", "tiff", "heic", "avif", "raw")
LAYOUTS: tuple[Layout, ...] = ("rgb", "mosaic")
DEPTHS: tuple[Depth, ...] = (8, 16)
LARGEST_SIDE = 20_000
WEBP_LONGEST_SIDE = 16_383


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoFacts:
    """Format, geometry and kind of one photo; lives in the job's row as JSON.

    width, height: pixels as stored in the buffer, before orientation, 1…20,000; the same as the Raster's.
    orientation: EXIF 1…8. depth: bits of a code in the buffer. layout "mosaic" is always 16 bit without alpha.
    """

    format: Format
    width: int
    height: int
    orientation: int
    layout: Layout
    depth: Depth
    grey: bool
    alpha: bool

    @property
    def megapixels(self) -> float:
        """Millions of pixels of the stored picture."""
        return self.width * self.height / 1e6

    @property
    def pixel_bytes(self) -> int:
        """Bytes of the decoded buffer: colour pixels, then the alpha plane if there is one."""
        return decoded_bytes(self.layout, self.width, self.height, self.depth, alpha=self.alpha)

    @property
    def oriented_size(self) -> tuple[int, int]:
        """(width, height) as a viewer sees the photo: orientations 5…8 swap the sides."""
        return (self.height, self.width) if self.orientation >= 5 else (self.width, self.height)

    def fits(self, format_: str) -> bool:
        """Whether a result in `format_` can hold the picture: WebP ends at 16,383 pixels a side."""
        return format_ != "webp" or max(self.width, self.height) <= WEBP_LONGEST_SIDE

    def to_json(self) -> dict[str, object]:
        """Plain JSON values, accepted by from_json."""
        return asdict(self)

    @classmethod
    def from_json(cls, fields: object) -> "PhotoFacts":
        """Facts from JSON, each field checked for type and range; MalformedRecord (a ValueError) if one is wrong."""
        record = Record(fields)
        facts = cls(
            format=cast("Format", record.choice("format", FORMATS)),
            width=record.integer("width", 1, LARGEST_SIDE),
            height=record.integer("height", 1, LARGEST_SIDE),
            orientation=record.integer("orientation", 1, 8),
            layout=cast("Layout", record.choice("layout", LAYOUTS)),
            depth=cast("Depth", record.choice("depth", DEPTHS)),
            grey=record.flag("grey"),
            alpha=record.flag("alpha"),
        )
        if facts.layout == "mosaic" and (facts.depth != 16 or facts.grey or facts.alpha):
            raise MalformedRecord("a mosaic is 16 bit, without alpha and not grey")
        return facts


def decoded_bytes(layout: Layout, width: int, height: int, depth: Depth, *, alpha: bool) -> int:
    """Bytes of a buffer: [H,W,3] or [H,W] codes of `depth` bits, then [H,W] of alpha."""
    planes = (3 if layout == "rgb" else 1) + alpha
    return width * height * planes * (depth // 8)
