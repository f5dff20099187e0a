from jobs.errors import FAULTS
from photos.refusals import REFUSALS, unreadable


def test_every_refusal_has_a_code_of_the_registry():
    assert {code for code, _ in REFUSALS.values()} <= FAULTS.keys()


def test_every_refusal_is_a_sentence_with_its_code():
    for reason, (code, sentence) in REFUSALS.items():
        error = unreadable(reason)
        assert (error.code, error.detail) == (code, sentence)
        assert sentence[0].isupper()
        assert sentence.endswith(".")
