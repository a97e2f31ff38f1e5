"""What an attack leaves behind."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from matplotlib.figure import Figure
from toys import ToyDigits, classifier, run

from brainleaks_pl import (
    CNN,
    MLP,
    BlackBox,
    BrainLeaksV1,
    Classifier,
    ConstantCurrentEncoder,
    Encoder,
    InversionModule,
    MIFace,
    RateEncoder,
    Scoring,
    SpikingCNN,
    SpikingMLP,
    nulls,
    run_attack,
    score,
)
from brainleaks_pl.data.image_base import ImageDataset
from brainleaks_pl.engine.errors import plain_message
from brainleaks_pl.evaluation.report import Report, make_report
from brainleaks_pl.evaluation.similarity import means, similarity_nulls
from brainleaks_pl.reporting.illustrations import illustrate, illustrate_further
from brainleaks_pl.reporting.publishing import write_report
from brainleaks_pl.reporting.tables import score_tables

FACTS: dict[str, Any] = {
    "target": {"test_accuracy": 0.9},
    "judges": {"cnn": {"test_accuracy": 0.8}},
    "attack": {"class_path": "brainleaks_pl.MIFace", "init_args": {"steps": 1}},
    "seconds": 1.0,
}


@pytest.fixture
def judge() -> Classifier:
    torch.manual_seed(1)
    return classifier(CNN, (1, 12, 12), 3, kernel=3)


def report_of(attack: InversionModule, judge: Classifier, data: ToyDigits, **scoring: Any) -> Report:
    options = Scoring(draws=3, null_draws=2, **scoring)
    return make_report(attack, {"cnn": judge}, data, options, title="toy", seed=5, facts=FACTS)


@pytest.fixture
def images(judge: Classifier) -> MIFace:
    """An attack with three restarts, of which the target likes the second best for each class."""
    torch.manual_seed(2)
    attack = MIFace(classifier(CNN, (1, 12, 12), 3, kernel=3), restarts=3, classes=[2, 0])
    attack.best = torch.rand(6, 1, 12, 12)
    attack.best_cost = torch.tensor([3.0, 1.0, 2.0, 9.0, 7.0, 8.0])
    return attack


def test_the_restart_that_the_target_likes_best_is_scored(
    images: MIFace, judge: Classifier, toy_digits: ToyDigits
) -> None:
    report = report_of(images, judge, toy_digits)
    expected = score(images.best[[1, 4]], judge, [2, 0])
    assert report.tensors["best"].tolist() == [1, 4]
    assert report.scores["judges"]["cnn"]["confidence"]["mean"] == pytest.approx(expected.confidence.mean)
    assert [row["class"] for row in report.scores["judges"]["cnn"]["per_class"]] == [2, 0]


def test_each_judge_is_scored_under_its_own_name(images: MIFace, judge: Classifier, toy_digits: ToyDigits) -> None:
    torch.manual_seed(9)
    judges = {"cnn": judge, "mlp": mlp_of(toy_digits)}
    facts = {**FACTS, "judges": {"cnn": {"test_accuracy": 0.8}, "mlp": {"test_accuracy": 0.42}}}
    report = make_report(images, judges, toy_digits, Scoring(null_draws=2), title="toy", seed=5, facts=facts)
    for name, own in judges.items():
        written, expected = report.scores["judges"][name], score(images.best[[1, 4]], own, [2, 0])
        assert written["confidence"]["mean"] == pytest.approx(expected.confidence.mean)
        assert written["per_class"] == expected.per_class
        assert torch.equal(report.matrices[name], expected.matrix)
        assert written["digest"] == own.digest()
        black = nulls(toy_digits, own, [2, 0], seed=5)["black"]
        assert written["nulls"]["black"]["confidence"]["mean"] == pytest.approx(black.confidence.mean)
        assert written["test_accuracy"] == facts["judges"][name]["test_accuracy"]


def test_a_judge_that_recognises_too_little_does_not_count(
    images: MIFace, judge: Classifier, toy_digits: ToyDigits
) -> None:
    def judged(least: float, **facts: float) -> Report:
        options, known = Scoring(draws=1, null_draws=1, least_accuracy=least), {**FACTS, "judges": {"cnn": facts}}
        return make_report(images, {"cnn": judge}, toy_digits, options, title="toy", seed=5, facts=known)

    unknown = {"counts": None, "why_not": "its accuracy on real test data is not known"}
    for enough, said in ((judged(0.5, test_accuracy=0.5), {"counts": True}), (judged(1.0), unknown)):
        own = enough.scores["judges"]["cnn"]
        assert {key: own[key] for key in ("counts", "why_not") if key in own} == said
        assert "count" not in str(score_tables(enough.scores)[0].title) + heading_of(enough)
    poor = judged(0.5, test_accuracy=0.42)
    why_not = "recognises 0.42 of the real test data, below scoring.least_accuracy 0.50"
    assert poor.scores["judges"]["cnn"]["counts"] is False
    assert poor.scores["judges"]["cnn"]["why_not"] == why_not
    assert str(score_tables(poor.scores)[0].title).endswith(f"\ndoes not count: {why_not}")
    assert heading_of(poor).endswith("in brackets the confidence of judges that do not count")
    captions = [axis.get_xlabel() + axis.get_title() for axis in illustrate(poor)["reconstructions"].axes]
    assert any(text.endswith("])") and "([0." in text for text in captions)
    assert illustrate_further(poor)["confidence/cnn"].get_suptitle().endswith("which does not count")


def heading_of(report: Report) -> str:
    return illustrate(report)["reconstructions"].get_suptitle()


def test_nulls_of_similarity_stand_beside_it(images: MIFace, judge: Classifier, toy_digits: ToyDigits) -> None:
    scores = report_of(images, judge, toy_digits).scores
    found = scores["similarity_nulls"]
    assert set(found) == {"noise", "black", "class_mean", "real"}
    assert set(found["real"]) == {*scores["similarity"][0], "identified"} - {"class"}
    assert found["real"]["identified"] == 1.0
    assert found["class_mean"]["ssim_class_mean"] == pytest.approx(1.0)
    assert found == means(similarity_nulls(toy_digits, [2, 0], seed=5))
    assert scores["verification"]["pairs"] == 60
    assert scores["verification"]["recognised"] > 0.9


def test_every_restart_is_kept(images: MIFace, judge: Classifier, toy_digits: ToyDigits) -> None:
    tensors = report_of(images, judge, toy_digits).tensors
    assert torch.equal(tensors["reconstructions"], images.best)
    assert tensors["classes"].tolist() == [2, 2, 2, 0, 0, 0]
    assert tensors["restarts"].tolist() == [0, 1, 2, 0, 1, 2]
    assert "spikes" not in tensors


def test_rescaling_reaches_scores_nulls_and_similarity(
    images: MIFace, judge: Classifier, toy_digits: ToyDigits
) -> None:
    images.best = images.best * 0.1
    plain, rescaled = (report_of(images, judge, toy_digits, rescale=rescale).scores for rescale in (False, True))
    assert rescaled["scoring"]["rescale"] is True
    assert plain["similarity"] != rescaled["similarity"]
    for key in ("confidence", "per_class", "nulls"):
        assert plain["judges"]["cnn"][key] != rescaled["judges"]["cnn"][key]


def test_spikes_are_drawn_from_the_probabilities(judge: Classifier) -> None:
    data = ToyDigits(encoder=RateEncoder(time_steps=4))
    attack = BrainLeaksV1(classifier(SpikingMLP, (1, 12, 12), 3, hidden=4), time_steps=4)
    attack.best = torch.tensor([0.0, 1.0, 0.5]).view(1, 3, 1, 1, 1).expand(4, 3, 1, 12, 12)
    report = report_of(attack, judge, data)
    spikes = report.tensors["spikes"].float()
    assert spikes[:, 0].max() == 0
    assert spikes[:, 1].min() == 1
    assert 0.4 < spikes[:, 2].mean() < 0.6
    assert set(illustrate_further(report)) == {"spike_raster", "confidence/cnn"}


@pytest.mark.parametrize(
    ("encoder", "drawn"), [(RateEncoder(4), True), (ConstantCurrentEncoder(4), False), (None, False)]
)
def test_an_image_is_kept_beside_a_draw_of_its_spikes(
    judge: Classifier, images: MIFace, encoder: Encoder | None, drawn: bool
) -> None:
    data = ToyDigits(encoder=encoder)
    spiking = classifier(SpikingCNN, (1, 12, 12), 3, kernel=3)
    options = Scoring(draws=2, null_draws=1)
    judges = {"cnn": spiking if encoder else judge}
    report = make_report(images, judges, data, options, title="toy", seed=5, facts=FACTS)
    assert report.tensors["reconstructions"].shape == (6, 1, 12, 12)
    assert ("spikes" in report.tensors) == ("spike_raster" in illustrate_further(report)) == drawn
    if drawn:
        spikes = report.tensors["spikes"].float()
        assert spikes.shape == (4, 6, 1, 12, 12)
        assert abs(float((spikes.mean(0) - images.best).mean())) < 0.05


def test_an_attack_by_queries_leaves_its_curve(judge: Classifier, toy_spikes: ToyDigits, tmp_path: Path) -> None:
    target = classifier(SpikingMLP, (1, 12, 12), 3, hidden=4)
    attack = BlackBox(target, encoder=RateEncoder(5), queries=41, pairs=2, grid=(4, 4), restarts=2, classes=[2, 0])
    run(attack)
    attack.snapshots[1] = attack.snapshots[1]._replace(costs=torch.tensor([1.0, 2.0, 2.0, 1.0]))
    report = report_of(attack, judge, toy_spikes)
    curves = report.scores["queries"]
    assert set(curves) == {"target", "cnn"}
    spent = [point["queries"] for point in curves["cnn"]]
    assert spent == [snapshot.queries for snapshot in attack.snapshots] == [8, 16, 24, 32, 40, 56, 64, 82]
    images = attack.reconstruction(attack.snapshots[1].candidates[[0, 3]])
    then = score(images, judge, [2, 0])
    assert curves["cnn"][1]["attack_accuracy"] == then.attack_accuracy.mean
    assert curves["cnn"][1]["confidence"] == pytest.approx(then.confidence.mean)
    assert curves["cnn"][-1]["confidence"] == pytest.approx(report.scores["judges"]["cnn"]["confidence"]["mean"])
    write_report(report, tmp_path)
    assert (tmp_path / "queries.png").read_bytes().startswith(b"\x89PNG")


def test_a_failed_write_leaves_older_files(
    images: MIFace, judge: Classifier, toy_digits: ToyDigits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = report_of(images, judge, toy_digits)
    write_report(report, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    names = ["reconstructions.png", "reconstructions.pt"]
    files = {name: hashlib.sha256(before[name]).hexdigest() for name in names}
    assert json.loads(before["scores.json"]) == {**report.scores, "files": files}
    assert sorted(before) == [*names, "scores.json"]

    def full(*args: object, **kwargs: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(Figure, "savefig", full)
    report.scores["seconds"] = 2.0
    with pytest.raises(OSError, match="No space left"):
        write_report(report, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_equal_reports_are_equal_files(
    images: MIFace, judge: Classifier, toy_digits: ToyDigits, tmp_path: Path
) -> None:
    for name in ("one", "other"):
        write_report(report_of(images, judge, toy_digits), tmp_path / name)
    one, other = ({path.name: path.read_bytes() for path in (tmp_path / n).iterdir()} for n in ("one", "other"))
    assert one == other


def test_an_earlier_report_leaves_no_picture_behind(
    images: MIFace, judge: Classifier, toy_digits: ToyDigits, tmp_path: Path
) -> None:
    report = report_of(images, judge, toy_digits)
    outside = tmp_path / "outside.png"
    folder = tmp_path / "results"
    folder.mkdir()
    for name in ("queries.png", "mine.png", "notes.txt", "old.png"):
        (folder / name).write_text(name)
    outside.write_text("outside")
    write_report(report, folder)  # no report was there: nothing is the package's own
    assert {"queries.png", "mine.png", "notes.txt", "old.png"} < {path.name for path in folder.iterdir()}
    listed = ["old.png", "notes.txt", "../outside.png", str(outside), "scores.json", "."]
    (folder / "scores.json").write_text(json.dumps({"files": listed}))
    write_report(report, folder)
    new = {"reconstructions.png", "reconstructions.pt", "scores.json"}
    assert {path.name for path in folder.iterdir()} == {"queries.png", "mine.png", "notes.txt", *new}
    assert outside.exists()
    for older in ("{}", "{", '{"files": [1]}', '{"files": null}'):
        (folder / "queries.png").touch()
        (folder / "scores.json").write_text(older)
        write_report(report, folder)
        assert {path.name for path in folder.iterdir()} == {"mine.png", "notes.txt", *new}


def test_scores_are_written_when_all_else_is_on_disk(
    images: MIFace, judge: Classifier, toy_digits: ToyDigits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = report_of(images, judge, toy_digits)
    order: list[str] = []
    for name in ("write_bytes", "write_tensors", "write_text"):
        monkeypatch.setattr(f"brainleaks_pl.reporting.publishing.{name}", lambda path, _: order.append(path.name))
    monkeypatch.setattr("brainleaks_pl.reporting.publishing.file_digest", lambda path: order.append(path.name))
    write_report(report, tmp_path)
    written = ["reconstructions.pt", "reconstructions.png"]
    assert order == [*written, *sorted(written), "scores.json"]  # their digests are of what lies on the disk


@pytest.mark.parametrize("least", [-0.1, 1.1, float("nan")])
def test_scoring_refuses_an_accuracy_that_is_none(least: float) -> None:
    with pytest.raises(ValueError, match=rf"scoring.least_accuracy must lie in \[0, 1\], got {least}"):
        Scoring(least_accuracy=least)


@pytest.mark.parametrize("name", ["draws", "null_draws", "batch_size"])
def test_scoring_refuses_numbers_below_one(name: str) -> None:
    with pytest.raises(ValueError, match=f"scoring.{name} must be at least 1, got 0"):
        Scoring(**{name: 0})


def test_plain_message_finds_the_reason_behind_the_parsers_layers() -> None:
    wrapped = "Does not validate against any of the Union subtypes\nErrors:\n  - {}\n  - Expected a <class 'NoneType'>"
    inner = ValueError(wrapped.format("beta must lie in [0, 1], got 3.0."))
    outer = ValueError(wrapped.format("Does not validate against any of the Union subtypes"))
    outer.__cause__ = inner
    assert plain_message(outer) == "beta must lie in [0, 1], got 3.0."
    assert plain_message(ValueError("x")) == "x"


def test_what_does_not_fit_is_found_before_the_attack(toy_digits: ToyDigits) -> None:
    steps: list[int] = []
    attack = MIFace(mlp_of(toy_digits), steps=2)
    attack.training_step = lambda step, batch_idx: steps.append(step)  # type: ignore[method-assign]
    broken = mlp_of(toy_digits)
    with torch.no_grad():
        broken.network.output.bias[0] = float("nan")
    for judges, data, error in (
        ({"spiking": classifier(SpikingMLP, (1, 12, 12), 3, 4)}, toy_digits, "takes spikes"),
        ({"other": classifier(MLP, (1, 6, 6), 3, 4)}, toy_digits, r"with \(C, H, W\) = \(1, 6, 6\)"),
        ({"broken": broken}, toy_digits, "confidences that are not finite"),
        ({"ordinary": mlp_of(toy_digits)}, WithoutRings(batch_size=30), "no sample of class 2 in the split 'test'"),
    ):
        with pytest.raises(ValueError, match=error):
            run_attack(attack, judges, data)
    assert not steps


class WithoutRings(ToyDigits):
    """Lacks test images of a class."""

    def load(self) -> dict[str, ImageDataset]:
        splits = super().load()
        test = splits["test"]
        return {**splits, "test": ImageDataset(test.images[test.labels != 2], test.labels[test.labels != 2])}


def mlp_of(data: ToyDigits) -> Classifier:
    return classifier(MLP, data.input_shape, data.num_classes, 4)
