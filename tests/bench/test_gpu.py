"""The GPU's bench, tried on a CPU: it runs whole, and says what it cannot measure."""

import threading

import pytest

from bench.gpu import main, rate, table


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")


def test_photos_go_all_the_way_and_the_table_says_how_quickly(capsys):
    assert main(["--device", "cpu", "--megapixels", "0.1", "--count", "2", "--runs", "1"]) == 0
    told = capsys.readouterr().out
    assert "0.1 MP raws to JPEG on CPU" in told
    for way in ("codecs alone", "network alone", "through all"):
        assert float(told.split(way)[1].split()[0]) > 0
    assert "of the slower part" in told
    for step in ("import", "context", "weights", "first kernels", "the same again"):
        assert float(told.split(step)[1].split()[0]) >= 0


def test_where_there_is_no_cuda_it_says_so_and_fails_only_if_asked(capsys):
    assert main([]) == 0
    assert capsys.readouterr().out.startswith("There is no CUDA here to measure on: ")
    assert main(["--require"]) == 1


def test_stages_run_at_once_and_photos_keep_their_order():
    numbers, begun, seen = iter(range(4)), [threading.Event() for _ in range(4)], []

    def first(_):
        number = next(numbers)
        begun[number].set()
        return number

    def second(number):
        assert number == 3 or begun[number + 1].wait(20)  # only if the next photo is in the first stage meanwhile
        seen.append(number)

    assert rate([first, second], 4) > 0
    assert seen == [0, 1, 2, 3]


def test_a_stage_that_fails_is_told():
    with pytest.raises(ZeroDivisionError):
        rate([lambda _: 1, lambda value: value / 0], 3)


def test_the_whole_is_held_against_its_slower_part():
    assert "0.90 of the slower part" in table({"codecs alone": [5], "network alone": [10, 12], "through all": [4.5]})
