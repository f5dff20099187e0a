"""The fact, inside the sandbox, that a photo is refused."""


class Refused(Exception):
    """The photo is refused for `reason`, a key of REFUSALS."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
