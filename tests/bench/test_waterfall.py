"""Cold starts drawn as waterfalls."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from bench import waterfall

OURS = {"asked": 1000, "supervisor": 1400, "codec_ready": 1700, "first_receive": 1500, "engine_ready": 2400}


def test_a_bar_begins_at_what_its_milestone_waited_for():
    [panel] = waterfall.panels([{"name": "ours", "milestones": OURS | {"first_decode": 2000, "first_result": 3400}}])
    spans = {bar.name: (bar.after, bar.begins, bar.ends) for bar in panel.bars}
    assert spans == {
        "supervisor": ("asked", 0.0, 0.4),
        "first_receive": ("supervisor", 0.4, 0.5),
        "codec_ready": ("supervisor", 0.4, 0.7),
        "first_decode": ("codec_ready", 0.7, 1.0),
        "engine_ready": ("supervisor", 0.4, 1.4),
        "first_result": ("engine_ready", 1.4, 2.4),
    }


def test_a_milestone_of_another_name_follows_the_latest_before_it():
    [panel] = waterfall.panels([{"name": "old", "milestones": {"power_on": 0, "docker": 9000, "first_result": 12000}}])
    assert [(bar.name, bar.after) for bar in panel.bars] == [("docker", "power_on"), ("first_result", "docker")]


def test_runs_of_one_name_become_medians_with_their_spread():
    runs = [{"name": "ours", "milestones": {"asked": 0, "supervisor": ms}} for ms in (400, 900, 500)]
    [panel] = waterfall.panels([*runs, {"name": "ours", "milestones": {"asked": 7}}])
    [bar] = panel.bars
    assert (panel.runs, bar.ends, bar.least, bar.most) == (4, 0.5, 0.4, 0.9)
    assert "0.40" in waterfall.table([panel])


def test_a_start_without_a_milestone_is_refused():
    with pytest.raises(ValueError, match="tells nothing"):
        waterfall.panels([{"name": "none", "milestones": {}}])


def test_the_command_draws_a_file(tmp_path: Path):
    file = tmp_path / "starts.json"
    file.write_text(json.dumps([{"name": "ours", "milestones": OURS}, {"name": "old", "milestones": {"asked": 0}}]))
    root = Path(waterfall.__file__).parents[1]
    for name in ("fall.png", "fall.svg"):
        command = [sys.executable, "-m", "bench.waterfall", str(file), "--out", str(tmp_path / name)]
        said = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
        assert "engine_ready" in said
    with Image.open(tmp_path / "fall.png") as picture:
        assert picture.width > 500
    assert "engine ready" in (tmp_path / "fall.svg").read_text()
