"""How large a photo may be, and what its decoder may use."""

from dataclasses import dataclass

from photos.facts import LARGEST_SIDE


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of one photo: file bytes, pixels, sides in pixels (inclusive), and the memory of the process reading it.

    `spare_memory` is the address space in bytes that a decoder may use besides the file and the pixels.
    """

    file_bytes: int = 100_000_000
    pixels: int = 64_000_000
    shortest_side: int = 16
    longest_side: int = LARGEST_SIDE
    spare_memory: int = 384 << 20

    def address_space(self, *, file_bytes: int, pixel_bytes: int) -> int:
        """Bytes of address space that a child may add to the zygote's own.

        The file once for LibRaw's copy; the pixels once for the decoder's own picture, once for a swapped or
        turned copy, and twice for the 16-bit coefficients a progressive JPEG keeps until its last scan.
        """
        return self.spare_memory + file_bytes + 4 * pixel_bytes
