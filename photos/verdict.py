"""What the end of a child means: an answer, the photo's fault, or nobody's that we know."""

import signal
from dataclasses import dataclass

from photos.errors import CodecDied, PhotoError
from photos.record import MalformedRecord, Record
from photos.refusals import REFUSALS, unreadable

# A child stopped at its deadline that had less than this share of it to compute was starved, not slow.
_BUSY_SHARE = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a child ended: exit status, or signal number; whether at its deadline; seconds of CPU it used."""

    exit: int
    signal: int
    overran: bool
    cpu_s: float

    @classmethod
    def from_json(cls, fields: object) -> "Ending":
        """From the zygote's report; MalformedRecord if it is none."""
        record = Record(fields)
        return cls(
            exit=record.integer("exit", 0, 255),
            signal=record.integer("signal", 0, 128),
            overran=record.flag("overran"),
            cpu_s=record.number("cpu_s", 0, 1e9),
        )


def fault(ending: Ending, answer: object, deadline_s: float, *, hostile: bool) -> PhotoError | None:
    """The error of a call whose child ended so, having said `answer` (None: nothing); None if it succeeded.

    The photo is to blame for a crash, for a forbidden system call, for using up its CPU seconds. It is not for a child
    that the system killed (SIGKILL that was not ours is the machine running out of memory), nor for one that hardly
    got to run before its deadline; nor for what our own code broke.
    """
    if ending.overran:
        if ending.cpu_s < deadline_s * _BUSY_SHARE:
            return CodecDied(f"the machine was too busy: {ending.cpu_s:.1f} s of CPU in {deadline_s:.0f} s")
        return unreadable("too_slow")
    if ending.signal == signal.SIGXCPU or (ending.signal == signal.SIGKILL and ending.cpu_s >= deadline_s):
        return unreadable("too_slow")
    if ending.signal == signal.SIGKILL:
        return CodecDied("the system killed the decoder")
    if ending.signal:
        return unreadable("kills_decoder")
    return (
        _said(answer, hostile=hostile)
        if ending.exit == 0
        else CodecDied(f"the decoder could not start: status {ending.exit}")
    )


def _said(answer: object, *, hostile: bool) -> PhotoError | None:
    """The error that an answer reports; a malformed one comes from a decoder that the photo has taken over."""
    try:
        record = Record(answer)
        if not record.absent("failed"):
            said = record.text("failed", 500)
            return unreadable("kills_decoder") if hostile else CodecDied(f"the encoder failed: {said}")
        if record.absent("refused"):
            return None
        return unreadable(record.choice("refused", list(REFUSALS)))
    except MalformedRecord:
        return unreadable("kills_decoder")
