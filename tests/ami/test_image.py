"""An image's configuration as a systemd unit."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import pytest

CONFIG = {
    "User": "10001:10001",
    "WorkingDir": "/app",
    "Entrypoint": ["/usr/bin/tini", "--", "firstlight"],
    "Cmd": ["worker"],
    "Env": ["PATH=/app/docker:/usr/local/bin:/usr/bin", "SANDBOX=auto", "WORDS=a b=c", "PULSE_FILE=/elsewhere"],
}


def lines(image: ModuleType, **changes: object) -> list[str]:
    return str(image.unit(image.image_of({**CONFIG, **changes}))).splitlines()


def test_the_unit_runs_what_the_image_would_run_with_the_machine_s_slot(image: ModuleType) -> None:
    unit = lines(image)
    assert unit[0] == "[Service]"
    assert {"User=10001", "Group=10001", "WorkingDirectory=/app"} <= set(unit)
    assert unit[-1] == 'ExecStart="firstlight" "worker" --slot ${SLOT} --epoch ${EPOCH}'
    assert "ExecSearchPath=/app/docker:/usr/local/bin:/usr/bin" in unit
    assert 'Environment="WORDS=a b=c"' in unit


def test_no_environment_of_the_image_opens_the_sandbox(image: ModuleType) -> None:
    unit = lines(image)
    held = unit.index("Environment=SANDBOX=strict PULSE_FILE=/run/firstlight/pulse HOME=/tmp")
    assert held > unit.index('Environment="SANDBOX=auto"')
    assert not [line for line in unit[held + 1 :] if line.startswith("Environment")]


def test_words_keep_their_meaning_in_systemd_s_syntax(image: ModuleType) -> None:
    unit = lines(image, Entrypoint=["sh", "-c", 'echo "%h" $HOME \\n'], Cmd=None)
    assert unit[-1].startswith('ExecStart="sh" "-c" "echo \\"%%h\\" $$HOME \\\\n"')


@pytest.mark.parametrize("user", ["", "0", "root", "0:0", "firstlight", "00"])
def test_an_image_that_may_run_as_root_is_refused(image: ModuleType, user: str) -> None:
    with pytest.raises(image.UnusableImage, match="give USER as a number"):
        image.image_of({**CONFIG, "User": user})


def test_an_image_without_a_command_is_refused(image: ModuleType) -> None:
    with pytest.raises(image.UnusableImage, match="bake firstlight-worker"):
        image.image_of({**CONFIG, "Entrypoint": None, "Cmd": []})


def test_a_line_break_in_the_environment_is_refused(image: ModuleType) -> None:
    with pytest.raises(image.UnusableImage, match="control character"):
        lines(image, Env=["X=a\nExecStart=/bin/sh"])


def test_user_data_may_set_every_setting_but_the_image_s_own(image: ModuleType) -> None:
    names = set(image.names())
    assert {"BLOBS", "QUEUE", "TABLE", "IDLE_S", "HARD_AGE_S", "ENGINE", "AWS_DEFAULT_REGION"} <= names
    assert not names & {
        "SANDBOX",
        "PULSE_FILE",
        "GRAPH_CACHE",
        "PATH",
        "LD_PRELOAD",
        "PYTHONPATH",
        "AWS_SECRET_ACCESS_KEY",
    }


def test_the_program_writes_both_files(image: ModuleType, tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps(CONFIG))
    assert image.main([str(config), str(tmp_path)]) == 0
    assert (tmp_path / "image.conf").read_text().startswith("[Service]\n")
    assert "BLOBS" in (tmp_path / "names").read_text().split()
