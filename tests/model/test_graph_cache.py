"""Compiled graphs are kept and read back, and nothing that lies in their folder can break an engine."""

import numpy as np
import pytest

from model import baking, graph_cache
from model.graph_cache import DIGEST, MOST, GraphCache
from model.openvino_engine import TRIAL, OpenVinoEngine
from model.weights import load_weights
from tests.model.conftest import noisy_rgb, rgb_raster


@pytest.fixture
def weights(untrained):
    return load_weights(untrained)


@pytest.fixture
def loaded(weights, tmp_path, monkeypatch):
    """An engine with its graphs in tmp_path, and the kinds that it had to compile."""

    def loaded(**changed):
        compiled = []
        build = OpenVinoEngine.model.__globals__["build"]
        monkeypatch.setattr("model.openvino_engine.build", lambda *a, **k: compiled.append(k) or build(*a, **k))
        engine = OpenVinoEngine(changed.get("weights", weights), reason="a test", threads=2, graphs=tmp_path)
        return engine, compiled

    return loaded


def enhanced(engine):
    dark = noisy_rgb(200, 300)
    out = np.zeros_like(dark)
    engine.enhance(dark, rgb_raster(200, 300), 8.0, out, lambda _: None)
    return out


def test_a_second_start_compiles_nothing_and_makes_the_same_picture(loaded, tmp_path):
    first, compiled = loaded()
    picture = enhanced(first)
    assert len(compiled) == len(list(tmp_path.iterdir())) == 2
    second, compiled = loaded()
    assert (enhanced(second) == picture).all()
    assert compiled == []


def test_what_could_be_compiled_at_one_start_is_not_tried_at_the_next(loaded):
    assert [*loaded()[0].compiled] == [TRIAL]
    engine, compiled = loaded()
    assert (engine.compiled, compiled) == ({}, [])
    engine.cache.file(TRIAL).write_bytes(b"damaged")
    assert [*loaded()[0].compiled] == [TRIAL]


def test_an_expected_photo_finds_its_graph(loaded):
    engine, compiled = loaded()
    engine.expect("rgb", 300, 200, depth_in=8, depth_out=8)
    assert len(compiled) == 2
    enhanced(engine)
    assert len(compiled) == 2


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:1000],
        lambda content: content[: len(content) // 2] + b"\xff" * 100 + content[len(content) // 2 + 100 :],
    ],
)
def test_a_damaged_graph_is_compiled_anew_and_told(loaded, tmp_path, caplog, damage):
    picture = enhanced(loaded()[0])
    for file in tmp_path.iterdir():
        file.write_bytes(damage(file.read_bytes()))
    engine, compiled = loaded()
    assert (enhanced(engine) == picture).all()
    assert len(compiled) == 2
    assert "is damaged; it is compiled anew" in caplog.text
    assert loaded()[1] == []


def test_what_is_no_graph_though_its_sum_is_right_is_compiled_anew(loaded, tmp_path, caplog):
    first, _ = loaded()
    picture = enhanced(first)
    first.cache.keep([*first.compiled][-1], b"no graph at all")
    engine, compiled = loaded()
    assert (enhanced(engine) == picture).all()
    assert len(compiled) == 1
    assert "does not suit this OpenVINO" in caplog.text


def test_a_graph_made_for_other_instructions_is_refused_and_compiled_anew(loaded, tmp_path, caplog):
    engine, _ = loaded()
    (kept,) = tmp_path.glob("*.graph")
    content = kept.read_bytes()[DIGEST:]
    begin = content.index(b";isa=") + len(b";isa=")  # OpenVINO's own note of what it compiled for
    other = content[:begin] + b"?" + content[begin + 1 :]
    engine.cache.keep(TRIAL, other)
    engine, compiled = loaded()
    engine.model(TRIAL)
    assert len(compiled) == 1
    assert "does not suit this OpenVINO" in caplog.text


def test_other_weights_another_machine_or_other_code_find_no_graph_of_ours(loaded, weights, monkeypatch):
    first = loaded()[0].cache.file(TRIAL)
    monkeypatch.setattr("model.openvino_engine.cpu", lambda: "another processor")
    assert loaded()[0].cache.file(TRIAL) != first
    monkeypatch.undo()
    monkeypatch.setattr("model.openvino_engine.sources", lambda: "other code")
    assert loaded()[0].cache.file(TRIAL) != first


def test_a_folder_that_cannot_be_had_costs_a_compilation_and_a_warning(weights, tmp_path, caplog):
    (tmp_path / "file").touch()
    engine = OpenVinoEngine(weights, reason="a test", threads=2, graphs=tmp_path / "file" / "graphs")
    assert enhanced(engine).mean() > 0
    assert "cannot be kept in GRAPH_CACHE" in caplog.text


def test_the_graphs_that_were_not_used_for_longest_go_first(tmp_path):
    cache = GraphCache(tmp_path, ("a test",))
    for number in range(MOST + 3):
        cache.keep((number,), bytes([number]))
        cache.read((0,), lambda content: content)
    assert len(list(tmp_path.iterdir())) == MOST
    assert cache.read((0,), lambda content: content.read()) == bytes([0])
    assert cache.read((1,), lambda content: content.read()) is None


def test_the_processor_and_the_code_are_named_the_same_each_time():
    assert graph_cache.cpu() == graph_cache.cpu() != ""
    assert graph_cache.sources() == graph_cache.sources()


def test_graphs_are_baked_for_both_ways_round(tmp_path, capsys):
    assert baking.main([str(tmp_path / "graphs"), "320x240", "--threads", "2"]) == 0
    assert "3 graphs" in capsys.readouterr().out
