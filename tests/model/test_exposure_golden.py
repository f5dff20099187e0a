"""What the page's preview is held against is what the model says today.

`python -m tests.model.scenes` writes it anew.
"""

import json

import numpy as np
import pytest

from tests.model.scenes import GOLDEN, SCENES, judged

CASES = json.loads(GOLDEN.read_text())


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"scene {case['scene']['seed']}")
def test_the_model_says_what_its_twin_in_the_page_is_held_to(case):
    found = judged(case["scene"])
    assert found["sum"] == case["sum"]
    assert np.allclose(found["numbers"], case["numbers"], rtol=1e-6, atol=1e-8)
    assert found["ratio"] == pytest.approx(case["ratio"], rel=1e-6)
    for look, wanted in zip(found["looks"], case["looks"], strict=True):
        assert look["contrast"] == pytest.approx(wanted["contrast"], rel=1e-6)
        assert np.allclose(look["lift"], wanted["lift"], rtol=1e-6, atol=1e-12)
        assert (look["blend"] is None) == (wanted["blend"] is None)
        assert look["blend"] is None or np.allclose(look["blend"], wanted["blend"], atol=1e-6)


def test_the_scenes_ask_for_all_kinds_of_exposure():
    ratios = [case["ratio"] for case in CASES]
    assert [case["scene"] for case in CASES] == SCENES
    assert min(ratios) == 1
    assert sum(2 < ratio < 30 for ratio in ratios) >= 2
    assert max(ratios) > 30
