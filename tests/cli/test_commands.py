"""Each command explains itself, quickly, and a wrong setting is told with its cure."""

import socket
import subprocess
import sys

import pytest
from click.testing import CliRunner

from cli.main import COMMANDS, main


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_help_text(name):
    result = CliRunner().invoke(main, [name, "--help"])
    assert result.exit_code == 0
    assert len(result.output.splitlines()) > 4


def test_help_loads_neither_a_network_nor_a_decoder():
    code = "import sys; from cli.main import main; main(['--help'], standalone_mode=False); print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules = done.stdout.splitlines()[-1]
    assert not [name for name in ("torch", "numpy", "PIL", "flask", "openvino") if f"'{name}'" in modules]


def test_a_wrong_setting_is_told_with_its_cure(monkeypatch):
    monkeypatch.setenv("ENGINE", "cuda")
    result = CliRunner().invoke(main, ["tick", "--once"])
    assert result.exit_code == 1
    assert "use auto, torch, openvino or classical" in result.output


def test_a_taken_port_is_told_with_its_cure(monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setenv("PORT", str(taken.getsockname()[1]))
        result = CliRunner().invoke(main, ["up"])
    assert result.exit_code == 1
    assert "PORT=" in result.output


def test_a_damaged_store_is_told_with_its_cure(monkeypatch, tmp_path):
    damaged = tmp_path / "jobs.db"
    damaged.write_bytes(b"no database" * 1000)
    for name in ("TABLE", "QUEUE"):
        monkeypatch.setenv(name, f"sqlite:{damaged}")
    monkeypatch.setenv("SPOOL", str(tmp_path / "spool"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("PORT", str(free.getsockname()[1]))
    result = CliRunner().invoke(main, ["up"])
    assert result.exit_code == 1
    assert str(damaged) in result.output
    assert "move a damaged file away" in result.output
    assert damaged.read_bytes() == b"no database" * 1000


@pytest.mark.parametrize(
    ("words", "cure"),
    [
        (["tick", "--once"], "firstlight doctor"),
        (["bench", "cold-start", "--table", "dynamodb"], "use dynamodb://NAME"),
        (["bench", "cold-start", "--table", "sqlite:none.db"], "there is no such file"),
    ],
)
def test_a_place_where_nothing_is_or_can_be_kept_is_told(words, cure, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "var").write_text("a file where the folder should be")
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 1
    assert cure in result.output
    assert [each.name for each in tmp_path.iterdir()] == ["var"]


@pytest.mark.parametrize(
    "words",
    [
        ["jobs", "watch", "--every-s", "-1"],
        ["jobs", "list", "--limit", "0"],
        ["machines", "watch", "--every-s", "0"],
        ["bench", "--runs", "0"],
        ["bench", "cold-start", "--runs", "0"],
        ["rehearse", "--boot-s", "-1"],
    ],
)
def test_a_number_that_cannot_be_meant_is_a_usage_error(words):
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2
    assert "is not in the range" in result.output
