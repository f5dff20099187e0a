"""Why a photo is refused: the only words a sandboxed child may use, and what they mean to a person."""

from photos.errors import UnreadablePhoto

# reason → (code of the error registry, sentence). The child sends the reason alone: a hijacked decoder cannot
# put its own words before a person.
REFUSALS = {
    "unknown_format": (
        "unsupported_format",
        "This is no photo we can read; send a JPEG, PNG, WebP, TIFF, HEIC, AVIF or camera raw.",
    ),
    "hdr": ("unsupported_format", "The photo has the curve of an HDR screen (PQ or HLG); export it as SDR or JPEG."),
    "premultiplied": (
        "unsupported_format",
        "The photo's colours are mixed with its transparency; export it as PNG or without transparency.",
    ),
    "gif": ("unsupported_format", "GIF pictures cannot be read; send a JPEG, PNG, WebP or TIFF."),
    "bmp": ("unsupported_format", "BMP pictures cannot be read; send a JPEG, PNG, WebP or TIFF."),
    "psd": ("unsupported_format", "Photoshop files cannot be read; export the photo as TIFF or PNG."),
    "jxl": ("unsupported_format", "JPEG XL photos cannot be read; export the photo as JPEG or PNG."),
    "jp2": ("unsupported_format", "JPEG 2000 photos cannot be read; export the photo as JPEG or PNG."),
    "cmyk": ("cmyk_photo", "The photo is in print colours (CMYK) and no profile says which; convert it to RGB."),
    "not_plain_colours": ("unsupported_format", "The photo's colours are neither RGB nor grey; convert it to RGB."),
    "odd_tiff": ("unsupported_format", "The TIFF is stored in a way we cannot read; save it anew without compression."),
    "odd_jpeg": (
        "unsupported_format",
        "The JPEG is of a kind that few programs read (lossless or hierarchical); save it anew as a plain JPEG.",
    ),
    "bigtiff": ("unsupported_format", "BigTIFF files cannot be read; save the photo as a plain TIFF."),
    "not_8_or_16_bit": (
        "unsupported_format",
        "The photo has neither 8 nor 16 bits a channel; convert it to one of them.",
    ),
    "not_bayer": (
        "unsupported_format",
        "This raw comes from a sensor of a kind we cannot read; develop it to a TIFF or JPEG first.",
    ),
    "unknown_camera": (
        "unsupported_format",
        "This raw is cut off, or its camera or compression is unknown to us; send it again or convert it to DNG.",
    ),
    "too_many_bytes": ("photo_too_large", "The file is larger than the limit; send a smaller one."),
    "empty": ("unreadable_photo", "The file is empty; send the photo again."),
    "broken": ("unreadable_photo", "The photo is damaged or cut off; send it again from the original."),
    "changed": (
        "unreadable_photo",
        "The photo's contents differ from its own header; send it again from the original.",
    ),
    "too_many_pixels": ("too_many_pixels", "The photo has more pixels than the limit; send a smaller one."),
    "side_too_long": ("photo_too_wide", "A side of the photo is longer than the limit; send a smaller one."),
    "too_small": ("photo_too_small", "The photo is too small; send one of at least 16 pixels a side."),
    "animated": ("animated_photo", "The photo has more than one frame or page; send a single picture."),
    "too_much_memory": (
        "photo_needs_too_much_memory",
        "Reading the photo takes more memory than allowed; save it anew and resend.",
    ),
    "kills_decoder": ("photo_kills_decoder", "The photo makes its decoder fail; save it anew with an image editor."),
    "too_slow": ("photo_too_slow", "Reading the photo takes too long; save it anew without progressive scans."),
    "too_rich_for_webp": ("bad_format", "The photo is too large for WebP; ask for JPEG, PNG or TIFF."),
    "side_too_long_for_webp": ("bad_format", "WebP holds at most 16,383 pixels a side; ask for JPEG, PNG or TIFF."),
}


def unreadable(reason: str) -> UnreadablePhoto:
    """The error for a known reason; KeyError if the reason is none of REFUSALS."""
    code, sentence = REFUSALS[reason]
    return UnreadablePhoto(code, sentence)
