"""The measurements of speed, on photos too small to say much."""

import os

import pytest

from bench import passage


def test_a_photo_of_each_kind_passes_and_its_time_is_told():
    found = passage.passages("openvino", runs=2, megapixels=0.1)
    assert [(each.unit, len(each.figures)) for each in found] == [("s", 2), ("core-s", 2)] * 2
    assert all(figure > 0 for each in found if each.unit == "s" for figure in each.figures)
    assert "JPEG" in found[0].line


def test_a_process_belongs_to_its_own_tree_and_has_used_time_and_memory():
    assert passage.tree(os.getpid())[0] == os.getpid()
    assert passage.cpu_seconds([os.getpid()]) > 0
    assert passage.proportional_set_size([os.getpid()]) > 1e6
    assert passage.proportional_set_size([2**22 + 1]) == 0


@pytest.mark.slow
def test_the_command_line_and_the_worker_are_measured_too():
    assert passage.cold_enhance("openvino", runs=1, megapixels=0.1).figures[0] > 0
    assert passage.worker_memory("openvino", megapixels=0.1).figures[0] > 50
