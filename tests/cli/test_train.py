"""`firstlight train` trains on what it is told to, and says where its weights come from."""

from hashlib import sha256

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from cli.train import command
from model.photo_list import FIELDS
from model.weights import load_weights


@pytest.fixture
def listed(tmp_path):
    (tmp_path / "photos").mkdir()
    photo = tmp_path / "photos" / "one.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (256, 256, 3), np.uint8)).save(photo)
    digest = sha256(photo.read_bytes()).hexdigest()
    (tmp_path / "list.csv").write_text(f"{','.join(FIELDS)}\none.png,,,,MIT,,{digest}\n")
    return tmp_path


def trained(folder, *more):
    arguments = ["--photos", folder / "photos", "--list", folder / "list.csv", "--steps", 1, *more]
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def test_weights_know_their_seed_their_list_and_what_they_began_with(listed):
    first = trained(listed, "--width", 4, "--out", listed / "a", "--seed", 5)
    assert first.exit_code == 0, first.output
    begun = listed / "a" / "firstlight.safetensors"
    second = trained(listed, "--width", 6, "--out", listed / "b", "--from", begun)
    assert second.exit_code == 0, second.output
    facts = load_weights(begun).facts
    assert facts["seed"] == "5"
    assert facts["photos"] == sha256((listed / "list.csv").read_bytes()).hexdigest()
    wide = load_weights(listed / "b" / "firstlight.safetensors")
    assert wide.facts["begun_from"] == load_weights(begun).digest
    assert wide.dims["width"] == 6


def test_a_photo_that_changed_stops_it_with_a_sentence(listed):
    (listed / "photos" / "one.png").write_bytes(b"another")
    result = trained(listed, "--width", 4, "--out", listed / "a")
    assert result.exit_code == 1
    assert "sha256 differ" in result.output
    assert "Traceback" not in result.output
