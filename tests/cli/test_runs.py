"""What a run leaves behind: nothing in a trial, a folder of its own beside another run, no stale results."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from datafiles import names, write_mnist_files
from processes import tiny_config

from brainleaks_pl.cli.logs import RunLogger
from brainleaks_pl.cli.main import main

pytestmark = pytest.mark.usefixtures("sketched")

FEW = "scoring: {draws: 2, null_draws: 2}\nchecks: {samples: 2, refuse: false}\n"


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a config, its data and its networks; tests take a copy."""
    folder = tmp_path_factory.mktemp("fitted")
    write_mnist_files(folder / "data", train=30)
    (folder / "c.yaml").write_text(tiny_config(judge_epochs=1, steps=2) + FEW)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        main(["fit", "--config", "c.yaml", "--trainer.logger", "false", "--trainer.enable_checkpointing", "false"])
    return folder


@pytest.fixture
def here(fitted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(fitted, tmp_path / "own")
    monkeypatch.chdir(tmp_path / "own")
    return tmp_path / "own"


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def invert(*arguments: str) -> None:
    main(["invert", "--config", "c.yaml", "--trainer.logger", "false", *arguments])


@pytest.mark.parametrize("subcommand", ["fit", "invert"])
def test_a_trial_writes_nothing(subcommand: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    invert()
    before = files(here)
    main([subcommand, "--config", "c.yaml", "--trainer.fast_dev_run", "true", "--attack.steps", "3"])
    assert files(here) == before
    assert ("fast_dev_run: nothing is written." in capsys.readouterr().out) == (subcommand == "invert")


def test_networks_that_are_there_are_passed_over_in_a_folder_that_cannot_be_written(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(folder: Path, option: str) -> None:
        raise OSError(f"{folder} is read-only")

    monkeypatch.setattr("brainleaks_pl.cli.command.check_writable", refused)
    before = files(here / "checkpoints")
    main(["fit", "--config", "c.yaml", "--skip_fitted", "true"])
    assert files(here / "checkpoints") == before
    (here / "checkpoints" / "c" / "judge.pt").unlink()
    with pytest.raises(SystemExit):
        main(["fit", "--config", "c.yaml", "--skip_fitted", "true"])
    assert "is read-only" in capsys.readouterr().err


def test_a_training_without_logs_leaves_networks_alone(here: Path) -> None:
    before = {path for path in files(here) if "logs" not in path}
    main(["fit", "--config", "c.yaml", "--trainer.logger", "false"])
    assert {path for path in files(here) if "logs" not in path} == before
    assert names(here / "checkpoints") == ["c"]
    assert names(here / "checkpoints" / "c") == ["judge.pt", "target.pt"]


def scored_at(here: Path) -> int:
    return (here / "results" / "c" / "scores.json").stat().st_mtime_ns


@pytest.mark.parametrize("what", ["nothing", "target", "judge", "data", "picture", "tensors"])
def test_results_are_done_before_only_where_nothing_has_changed(
    what: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    invert("--resume", "true")
    before = scored_at(here)
    if what in ("target", "judge"):
        part = {"target": ["--model.training.lr", "0.3"], "judge": ["--judges.judge.init_args.training.lr", "0.3"]}
        (here / "checkpoints" / "c" / f"{what}.pt").unlink()
        silent = ["--trainer.logger", "false", "--trainer.enable_checkpointing", "false"]
        main(["fit", "--config", "c.yaml", "--skip_fitted", "true", *part[what], *silent])
    elif what == "data":
        write_mnist_files(here / "data", train=31)
    elif what == "picture":
        (here / "results" / "c" / "reconstructions.png").unlink()
    elif what == "tensors":
        torch.save({}, here / "results" / "c" / "reconstructions.pt")
    capsys.readouterr()
    invert("--resume", "true")
    assert (scored_at(here) == before) == (what == "nothing")
    warned = "was trained on other samples of MNIST than those at hand" in capsys.readouterr().err
    assert warned == (what == "data")


@pytest.mark.parametrize("name", ["../../evil", "/evil", "a b", "", "..", "x" * 300])
def test_a_judge_is_no_path(name: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = files(here.parent)
    (here / "evil.yaml").write_text((here / "c.yaml").read_text().replace("\n  judge:\n", f'\n  "{name}":\n'))
    with pytest.raises(SystemExit):
        main(["fit", "--config", "evil.yaml"])
    assert f"judges has a name that no file can have, {name!r}" in capsys.readouterr().err
    assert {path for path in files(here.parent) if "logs" not in path} - {"own/evil.yaml"} == set(before)


def test_runs_that_start_at_once_have_folders_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RunLogger, "_get_next_version", lambda self: 0)  # what each sees before the others begin
    loggers = [RunLogger(tmp_path, name="c/target") for _ in range(3)]
    assert not list(tmp_path.iterdir())  # until they log
    assert [logger.version for logger in loggers] == [0, 1, 2]
    assert [logger.version for logger in loggers] == [0, 1, 2]
    assert names(tmp_path / "c" / "target") == ["version_0", "version_1", "version_2"]


def test_a_network_of_other_samples_is_trained_anew_and_missing_data_are_no_reason(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    skip = ["fit", "--config", "c.yaml", "--skip_fitted", "true", "--trainer.logger", "false"]
    before = files(here / "checkpoints")
    (here / "data").rename(here / "elsewhere")
    main([*skip, "--data.download", "false"])
    assert files(here / "checkpoints") == before
    write_mnist_files(here / "data", train=31)
    main([*skip, "--trainer.enable_checkpointing", "false"])
    assert all(files(here / "checkpoints")[name] != content for name, content in before.items())


@pytest.mark.parametrize("name", ["target", "Target"])
def test_a_judge_is_not_called_as_the_target_is(name: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "evil.yaml").write_text((here / "c.yaml").read_text().replace("\n  judge:\n", f"\n  {name}:\n"))
    with pytest.raises(SystemExit):
        main(["fit", "--config", "evil.yaml"])
    assert "a judge cannot be called 'target'" in capsys.readouterr().err
