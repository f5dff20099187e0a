"""Training curves are plotted from what training wrote, the same each time."""

import sys

from bench import curves


def test_losses_become_a_plot_that_names_them(tmp_path, monkeypatch, capsys):
    for name in ("default", "fine"):
        (tmp_path / f"{name}.csv").write_text(
            "step,loss,learning_rate,seconds\n100,0.06,5e-4,20\n200,0.05,4e-4,40\n300,0.04,1e-5,60\n"
        )
    drawn = []
    for turn in ("a", "b"):
        path = tmp_path / f"{turn}.svg"
        paths = [str(tmp_path / f"{name}.csv") for name in ("default", "fine")]
        monkeypatch.setattr(sys, "argv", ["curves", "--out", str(path), *paths])
        curves.main()
        drawn.append(path.read_text())
    assert capsys.readouterr().out.splitlines()[0] == str(tmp_path / "a.svg")
    assert "<!-- default -->" in drawn[0]
    assert "<!-- fine -->" in drawn[0]
    assert drawn[0] == drawn[1]
