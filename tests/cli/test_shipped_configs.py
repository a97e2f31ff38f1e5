"""The shipped configs travel with the package, and are found where no file of that name is."""

from __future__ import annotations

from pathlib import Path

import pytest

import brainleaks_pl
from brainleaks_pl.cli.configs import check_configs, configs_first, with_shipped
from brainleaks_pl.cli.main import main

PACKAGE = Path(brainleaks_pl.__file__).parent
SHIPPED = sorted((Path(__file__).parents[2] / "configs").rglob("*.yaml"))


def test_every_config_is_part_of_a_wheel() -> None:
    tomllib = pytest.importorskip("tomllib")  # Python 3.11
    settings = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text())["tool"]["setuptools"]
    found = {path.resolve() for pattern in settings["package-data"]["brainleaks_pl"] for path in PACKAGE.glob(pattern)}
    assert {*SHIPPED} <= found


@pytest.mark.parametrize("form", [["--config", "{}"], ["-c", "{}"], ["--config={}"]])
def test_a_shipped_config_is_found_unless_there_is_a_file_of_its_name(
    form: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def line(name: str) -> list[str]:
        return ["fit", *(part.format(name) for part in form)]

    monkeypatch.chdir(tmp_path)
    assert with_shipped(line("configs/quickstart.yaml")) == line(str(PACKAGE / "configs" / "quickstart.yaml"))
    for other in ("quickstart.yaml", "configs/own.yaml", "../configs/quickstart.yaml", "x" * 20_000):
        assert with_shipped(line(other)) == line(other)
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "quickstart.yaml").write_text("seed_everything: 1")
    assert with_shipped(line("configs/quickstart.yaml")) == line("configs/quickstart.yaml")


def test_a_typo_in_the_name_of_a_shipped_config_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"configs/quickstrat.yaml; did you mean configs/quickstart.yaml\?"):
        check_configs(["fit", "-c", "configs/quickstrat.yaml"])


def test_the_command_takes_a_shipped_config_and_its_base_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        main(["fit", "--config", "configs/v1_mnist.yaml", "--print_config"])
    printed = capsys.readouterr().out
    assert "class_path: brainleaks_pl.BrainLeaksV1" in printed
    assert "class_path: brainleaks_pl.MNIST" in printed  # which its base names


def test_an_option_before_its_config_is_an_option_still(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--attack.steps", "7", "--results=r"]
    configs = ["--config", "a.yaml", "--config=b.yaml", "-c", "c.yaml"]
    for line in (options + configs, configs + options, [*configs[:2], *options, *configs[2:]]):
        assert configs_first(["invert", *line]) == ["invert", *configs, *options]
    for odd in ([], ["fit"], ["invert", "--config"], ["--version"]):
        assert configs_first(odd) == odd
    with pytest.raises(SystemExit):
        main(["invert", "--attack.steps", "7", "--config", "configs/v1_mnist.yaml", "--print_config"])
    assert "steps: 7" in capsys.readouterr().out
