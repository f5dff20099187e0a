"""Who is to blame for the end of a child, decided without starting one."""

import signal

import pytest

from photos.errors import CodecDied, UnreadablePhoto
from photos.record import MalformedRecord
from photos.verdict import Ending, fault

ANSWER = {"facts": {}}


def blamed(answer=ANSWER, *, hostile=True, deadline_s=10.0, **ending):
    fields = {"exit": 0, "signal": 0, "overran": False, "cpu_s": 0.1, **ending}
    fields["signal"] = int(fields["signal"])
    error = fault(Ending.from_json(fields), answer, deadline_s, hostile=hostile)
    return error.code if isinstance(error, UnreadablePhoto) else type(error)


def test_an_answer_and_a_clean_end_blame_nobody():
    assert blamed() is type(None)


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGSYS, signal.SIGBUS, signal.SIGFPE])
def test_a_crash_is_the_photos_fault_whatever_was_answered_before(number):
    assert blamed(signal=number) == "photo_kills_decoder"


def test_cpu_seconds_used_up_are_the_photos_fault():
    assert blamed(signal=signal.SIGXCPU, cpu_s=10) == "photo_too_slow"
    assert blamed(signal=signal.SIGKILL, cpu_s=11) == "photo_too_slow"
    assert blamed(signal=signal.SIGKILL, overran=True, cpu_s=9) == "photo_too_slow"


def test_a_starved_or_killed_child_is_not():
    assert blamed(signal=signal.SIGKILL, overran=True, cpu_s=1) is CodecDied
    assert blamed(signal=signal.SIGKILL, cpu_s=1) is CodecDied
    assert blamed(exit=3) is CodecDied


@pytest.mark.parametrize("answer", [None, [], "x", {"refused": "no such reason"}, {"refused": 5}, {"failed": "ours"}])
def test_nonsense_from_a_decoder_is_the_photos_fault(answer):
    assert blamed(answer) == "photo_kills_decoder"


def test_an_encoder_may_say_that_it_failed():
    assert blamed({"failed": "disk on fire"}, hostile=False) is CodecDied


def test_a_refusal_becomes_its_code():
    assert blamed({"refused": "cmyk"}) == "cmyk_photo"


@pytest.mark.parametrize("lie", [{"exit": 256}, {"signal": -1}, {"overran": 1}, {"cpu_s": float("nan")}])
def test_an_ending_out_of_range_is_malformed(lie):
    with pytest.raises(MalformedRecord):
        Ending.from_json({"exit": 0, "signal": 0, "overran": False, "cpu_s": 0.1, **lie})
