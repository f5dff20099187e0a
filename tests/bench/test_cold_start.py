"""Cold starts of real workers, and those that a table remembers."""

import json

import pytest
from click.testing import CliRunner

from bench import bridge, cold_start, waterfall
from cli.main import main
from jobs.clock import now_ms
from jobs.milestones import ColdStart, write_start
from jobs.table import SqliteTable


@pytest.fixture
def table(tmp_path):
    table = SqliteTable(f"{tmp_path}/jobs.db")
    up = now_ms() - 60_000
    for number, ready in enumerate((20_000, 24_000), start=1):
        at_ms = {"asked": up - 9000, "supervisor": up, "engine_ready": up + ready}
        start = ColdStart(worker=f"slot0-{number}", slot=0, epoch=number, flavour="torch default", at_ms=at_ms)
        write_start(table, start)
    table.close()
    return f"sqlite:{tmp_path}/jobs.db"


def test_the_starts_of_a_table_are_told_and_drawn(table, tmp_path):
    out, plot = tmp_path / "starts.json", tmp_path / "starts.svg"
    arguments = ["bench", "cold-start", "--table", table, "--out", str(out), "--plot", str(plot)]
    said = CliRunner().invoke(main, arguments)
    assert said.exit_code == 0, said.output
    assert f"torch default, {table}, 2 runs" in said.output
    assert "31.00    29.00    33.00" in said.output  # engine_ready
    assert "engine ready" in plot.read_text()
    assert waterfall.panels(json.loads(out.read_text()))[0].runs == 2


def test_a_table_without_starts_says_so(tmp_path):
    (tmp_path / "jobs.db").touch()
    said = CliRunner().invoke(main, ["bench", "cold-start", "--table", f"sqlite:{tmp_path}/jobs.db"])
    assert (said.exit_code, "holds no cold start" in said.output) == (1, True)


@pytest.mark.slow
def test_a_real_cold_start_reaches_each_milestone_of_a_laptop():
    [start] = cold_start.measured(runs=1, engine="openvino", megapixels=0.3)
    assert set(start.at_ms) == {
        *("asked", "launched", "supervisor", "codec_ready", "first_receive"),
        *("engine_ready", "first_decode", "first_result"),
    }
    assert start.at_ms["asked"] <= start.at_ms["launched"] <= start.at_ms["first_result"]


@pytest.mark.slow
def test_the_bridge_is_measured_without_any_machine(monkeypatch):
    monkeypatch.setattr(bridge, "BESIDE", 2)
    monkeypatch.setattr(bridge, "PICKED_S", 0.5)
    jpeg = bridge._jpeg
    monkeypatch.setattr(bridge, "_jpeg", lambda megapixels: jpeg(min(megapixels, 4.0)))
    found = bridge.measured(runs=1)
    assert [len(each.figures) for each in found] == [1, 1, 1, 2, 2, 1]
    assert all(figure > 0 for each in found for figure in each.figures)
