"""The measurement of starts, on a photo too small to say much."""

import pytest

from bench.starts import Start, main, spread, table


def begun(ready_s, cpu_s):
    return Start(ready_s=ready_s, ready_cpu_s=cpu_s, result_s=8.0, cpu_s=8.0)


def test_ratios_are_taken_turn_by_turn():
    old = [begun(2.0, 4.0), begun(4.0, 4.0)]
    ours = [begun(1.0, 1.0), begun(1.0, 2.0)]
    told = table({"old": old, "ours": ours}).splitlines()[-1]
    assert "0.38 (0.25–0.50)" in told
    assert told.count("0.38 (0.25–0.50)") == 2


def test_a_spread_names_the_median_first():
    assert spread([3.0, 1.0, 2.0]) == "2.00 (1.00–3.00)"


@pytest.mark.slow
def test_the_old_worker_and_ours_start_over_the_same_stores(capsys):
    assert main(["--runs", "1", "--engines", "openvino", "--size", "640x480"]) == 0
    told = capsys.readouterr().out
    assert "2021: torch, photo shrunk to 512" in told
    assert "ours: openvino" in told
