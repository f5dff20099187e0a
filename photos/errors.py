"""What can go wrong with a photo, told as facts.

PhotoError
├── UnreadablePhoto   the photo's fault: its code says which; trying again gives the same
└── CodecDied         not the photo's fault: the decoding process was lost; trying again may help
"""


class PhotoError(Exception):
    """Anything the codec can report about a photo."""


class UnreadablePhoto(PhotoError):
    """The photo cannot be enhanced, and it is the photo's fault.

    `code` is one of the stable codes of the error registry (`unsupported_format`, `unreadable_photo`,
    `photo_too_large`, `too_many_pixels`, `photo_too_small`, `photo_too_wide`, `animated_photo`, `cmyk_photo`,
    `photo_kills_decoder`, `photo_too_slow`, `photo_needs_too_much_memory`, `bad_format`); `detail` is a sentence for
    a person, free of paths and of anything read from the photo.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class CodecDied(PhotoError):
    """The decoding process was lost under a call that may be innocent; the next call starts a new one."""


class SandboxUnavailable(Exception):
    """SANDBOX=strict was asked for, and this machine cannot have it: no photo is read before that is cured."""
