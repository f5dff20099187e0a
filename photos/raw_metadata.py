"""The allow-listed metadata of a camera raw."""

import mmap

import rawpy

from photos.metadata import camera_facts, date_text, exif_facts

_TIFF_MAGIC = (b"II*\0", b"MM\0*")


def raw_metadata(raw: rawpy.RawPy, photo: mmap.mmap) -> dict[str, str]:
    """From the file's own EXIF where it is a TIFF; else what LibRaw found, which puts numbers where it found none."""
    if photo[:4] in _TIFF_MAGIC:
        return dict(exif_facts(photo).metadata)
    other = raw.other
    found = camera_facts(
        exposure_time=other.shutter_speed,
        f_number=other.aperture,
        iso=other.iso_speed,
        focal_length=other.focal_length,
    )
    date = date_text(other.timestamp.strftime("%Y:%m:%d %H:%M:%S")) if other.timestamp.year > 1970 else ""
    return {**found, "date": date} if date else found
