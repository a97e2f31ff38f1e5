"""What a command line says without a run: its help, version and completions; and what it leaves to `-v`."""

from __future__ import annotations

import logging
import subprocess
import sys
import warnings

import pytest
import torch
from jsonargparse import Namespace
from lightning.fabric.utilities.warnings import PossibleUserWarning
from processes import ENVIRONMENT
from toys import spiking_mlp

from brainleaks_pl import __version__
from brainleaks_pl.cli.course import ATTACK, SCORING, Course, CourseBar
from brainleaks_pl.cli.main import main
from brainleaks_pl.cli.messages import quiet
from brainleaks_pl.cli.overview import COMMANDS
from brainleaks_pl.cli.trainers import name_of_parts
from brainleaks_pl.system.suggestions import did_you_mean


def shown(arguments: list[str], capsys: pytest.CaptureFixture[str], *, exits: bool = True) -> str:
    capsys.readouterr()
    if exits:
        with pytest.raises(SystemExit) as stopped:
            main(arguments)
        assert not stopped.value.code
    else:
        main(arguments)
    output = capsys.readouterr()
    assert not output.err
    return output.out


def test_help_and_version_need_nothing_heavy() -> None:
    code = (
        "import sys; from brainleaks_pl.cli.main import main; main(['--help']); main(['-v', '--version']);"
        "print(sorted({'torch', 'numpy', 'lightning', 'jsonargparse'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    *text, version, heavy = done.stdout.splitlines()
    assert (version, heavy) == (f"brainleaks_pl {__version__}", "[]")
    words = " ".join(" ".join(text).split())
    assert all(f"{name} {sentence}" in words for name, sentence in COMMANDS.items())


def test_help_of_a_command_leaves_lightnings_keys_to_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(["invert", "--help"], capsys)
    for key in ("--judges", "--attack", "--scoring.draws", "--checkpoints", "--results", "--logs", "--skip_fitted"):
        assert key in text
    assert "--trainer.max_epochs are Lightning's" in " ".join(text.replace(", are", " are").split())
    assert "--trainer.accelerator" not in text
    assert "usage: brainleaks invert --config FILE [--KEY VALUE ...]" in text
    text = shown(["invert", "--help-trainer"], capsys)
    assert "--trainer.accelerator" in text
    assert "--scoring.draws" not in text
    assert ":paramref:" not in text
    assert "members drawn in each step" in shown(["invert", "--attack.help=BrainLeaksV2"], capsys)


def test_completions_know_every_command_and_the_keys_of_our_classes(capsys: pytest.CaptureFixture[str]) -> None:
    script = shown(["--print_completion", "bash"], capsys)
    (cases,) = [line for line in script.splitlines() if line.strip().startswith("invert)")]
    assert {"--attack.steps", "--scoring.draws", "--data.root", "--model.network", "--config"} <= set(cases.split())
    assert not {"--attack.self", "--attack.kwargs", "--attack.target"} & set(cases.split())
    assert all(f" {name})" in script for name in COMMANDS)
    assert subprocess.run(["bash", "-n"], input=script, text=True, check=False).returncode == 0
    with pytest.raises(SystemExit):
        main(["--print_completion", "fish"])
    assert "takes bash or zsh, got 'fish'" in capsys.readouterr().err


@pytest.mark.parametrize("verbose", [False, True])
def test_lightnings_course_is_held_back_but_not_its_warnings(verbose: bool) -> None:
    logger = logging.getLogger("lightning.pytorch")
    before = logger.level
    logger.setLevel(logging.INFO)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            with quiet(verbose):
                assert logging.getLogger("lightning.pytorch.utilities.rank_zero").isEnabledFor(logging.INFO) == verbose
                assert logger.isEnabledFor(logging.WARNING)
                words = warnings.formatwarning("it\nmatters", UserWarning, "there.py", 3)
                assert (words == "Warning: it matters\n") != verbose
                warnings.warn("few workers", PossibleUserWarning, stacklevel=1)
                warnings.warn("isinstance(treespec, LeafSpec) is deprecated", FutureWarning, stacklevel=1)
                warnings.warn("that matters", UserWarning, stacklevel=1)
        assert logger.level == logging.INFO
        assert len(caught) == (3 if verbose else 1)
    finally:
        logger.setLevel(before)


def test_a_run_without_a_config_is_called_after_its_data_and_network() -> None:
    network = Namespace(class_path="own.DeepSNN", init_args=Namespace())
    model = Namespace(class_path="brainleaks_pl.Classifier", init_args=Namespace(network=network))
    data = Namespace(class_path="brainleaks_pl.MNIST5k")
    assert name_of_parts(Namespace(data=data, model=model)) == "MNIST5k-DeepSNN"
    prior = Namespace(class_path="brainleaks_pl.VAE", init_args=Namespace())
    assert name_of_parts(Namespace(data=data, model=prior)) == "MNIST5k-VAE"


def test_the_time_left_is_that_of_all_parts() -> None:
    course = Course({"target": 10, "judge": 30, "scoring": 100})
    assert (course.left, course.fraction) == (None, 0.0)
    course.scale("target", 5)  # half as many batches as guessed, and so with the judge
    course.parts["scoring"].total = 100
    course.advance("scoring", 10, 1.0, rehearsed=True)  # 0.1 s each, all 100 to come
    course.advance("target", 1, 2.0)
    assert course.left == pytest.approx(4 * 2.0 + 15 * (3.0 / 11) + 100 * 0.1)
    course.advance("target", 4, 8.0)
    course.finish("judge")
    assert course.left == pytest.approx(10.0)
    assert course.fraction == pytest.approx(0.5)


def test_what_judges_score_is_counted_once_the_attack_is_over() -> None:
    judge = spiking_mlp()
    own, inputs = judge.confidences, torch.zeros(4, 3, 1, 6, 6)
    bar = CourseBar(Course({ATTACK: 1, SCORING: 6}), shown=False)
    with bar.running(), bar.counting({"judge": judge}):
        judge.confidences(inputs)
        assert bar.course.parts[SCORING].done == 0
        bar.advance(1, "attacking")
        for _ in range(2):
            assert torch.equal(judge.confidences(inputs), own(inputs))
    judge.confidences(inputs)
    assert bar.course.parts[SCORING].done == 6
    assert bar.course.left == 0


@pytest.mark.parametrize(
    ("word", "known", "said"),
    [
        ("step", ["steps", "eta"], "; did you mean `steps`?"),
        ("Atan", ["ATan"], "; did you mean `ATan`?"),
        ("zzz", ["steps", "eta"], "; known are steps, eta"),
        ("zzz", [f"key{number}" for number in range(20)], ""),
        ("zzz", [], ""),
    ],
)
def test_what_was_meant(word: str, known: list[str], said: str) -> None:
    assert did_you_mean(word, known) == said
