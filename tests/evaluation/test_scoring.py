from __future__ import annotations

import itertools
import json
import math
from collections.abc import Sequence
from typing import Any, ClassVar

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from brainleaks_pl import Classifier
from brainleaks_pl.data.image_base import ImageDataModule, ImageDataset
from brainleaks_pl.encoders import RateEncoder
from brainleaks_pl.evaluation import scoring
from brainleaks_pl.evaluation.metrics import metrics
from brainleaks_pl.evaluation.scoring import Stat, min_max_rescale, nulls, score

METRICS = ("attack_accuracy", "top3_accuracy", "confidence", "daa")


class LinearJudge(nn.Module):
    """Logits are a matrix product with the pixels, at every step on its own; writes down what it was shown."""

    takes_spikes = False

    def __init__(self, weight: Tensor, input_shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.input_shape, self.num_classes = input_shape, weight.shape[0]
        self.register_buffer("weight", weight)
        self.dropout = nn.Dropout(0.5)
        self.seen: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(x.clone())
        return self.dropout(x.flatten(-3) @ self.weight.T)


class SpikingLinearJudge(LinearJudge):
    takes_spikes = True


def one_pixel_per_class(num_classes: int, gain: float = 4.0, kind: type[LinearJudge] = LinearJudge) -> Classifier:
    """The logit of class k is ``gain`` times pixel k of an image of 1 x 1 x K pixels."""
    return Classifier(kind(gain * torch.eye(num_classes), (1, 1, num_classes)))


def pixels(*values: Sequence[float]) -> Tensor:
    return torch.tensor(values).view(len(values), 1, 1, -1)


def softmax(logits: Sequence[float]) -> list[float]:
    powers = [math.exp(value) for value in logits]
    return [power / sum(powers) for power in powers]


def place_shares(values: Sequence[float], index: int, places: int) -> float:
    """The chance that ``index`` is among the first places when ties are broken by lot: over all orders of the lot."""
    orders = list(itertools.permutations(range(len(values))))
    hits = [index in sorted(order, key=lambda i: -values[i])[:places] for order in orders]
    return sum(hits) / len(hits)


def plain_metrics(rows: list[list[float]], classes: list[int]) -> dict[str, float]:
    count = len(rows)
    pairs = list(enumerate(classes))
    return {
        "attack_accuracy": sum(place_shares(rows[i], k, 1) for i, k in pairs) / count,
        "top3_accuracy": sum(place_shares(rows[i], k, 3) for i, k in pairs) / count,
        "confidence": sum(rows[i][k] for i, k in pairs) / count,
        "daa": sum(place_shares([row[k] for row in rows], i, 1) for i, k in pairs) / count,
    }


@st.composite
def matrices(draw: st.DrawFn) -> tuple[list[list[float]], list[int]]:
    num_classes = draw(st.integers(2, 5))
    classes = draw(st.permutations(range(num_classes)))[: draw(st.integers(1, num_classes))]
    # coarse values, so that ties are common
    entry = st.sampled_from([0.0, 0.125, 0.25, 0.5, 1.0]) | st.floats(0, 1, width=32)
    rows = draw(
        st.lists(
            st.lists(entry, min_size=num_classes, max_size=num_classes), min_size=len(classes), max_size=len(classes)
        )
    )
    return rows, list(classes)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(matrices())
def test_metrics_equal_a_plain_reference(case: tuple[list[list[float]], list[int]]) -> None:
    rows, classes = case
    assert metrics(torch.tensor(rows), classes) == pytest.approx(plain_metrics(rows, classes))


def test_a_perfect_matrix_scores_one() -> None:
    assert metrics(torch.eye(5), range(5)) == dict.fromkeys(METRICS, 1.0)


def test_a_matrix_without_information_scores_at_chance() -> None:
    expected = {"attack_accuracy": 0.1, "top3_accuracy": 0.3, "confidence": 0.1, "daa": 0.25}
    assert metrics(torch.full((4, 10), 0.1), [9, 0, 3, 5]) == pytest.approx(expected)


def test_daa_can_be_perfect_where_the_accuracy_is_not() -> None:
    matrix = torch.tensor([[0.8, 0.1, 0.1], [0.6, 0.3, 0.1], [0.7, 0.1, 0.2]])
    scores = metrics(matrix, [0, 1, 2])
    assert scores["daa"] == 1.0
    assert scores["attack_accuracy"] == pytest.approx(1 / 3)


def test_metrics_follow_the_attacked_classes() -> None:
    matrix = torch.tensor([[0.1, 0.0, 0.2, 0.7], [0.6, 0.1, 0.3, 0.0]])
    assert metrics(matrix, [3, 0]) == pytest.approx(
        {"attack_accuracy": 1.0, "top3_accuracy": 1.0, "confidence": 0.65, "daa": 1.0}
    )
    assert metrics(matrix, [1, 3]) == pytest.approx(
        {"attack_accuracy": 0.0, "top3_accuracy": 0.0, "confidence": 0.0, "daa": 0.0}
    )


@pytest.mark.parametrize(
    ("shape", "classes", "message"),
    [
        ((2, 3), [0], "got 2 reconstructions and 1 classes"),
        ((0, 3), [], "got 0 reconstructions"),
        ((2, 3), [1, 1], "distinct"),
        ((2, 3), [0, 3], "0 to 2"),
        ((2, 3), [-1, 0], "0 to 2"),
        ((1, 2, 3), [0, 1], r"shape \(M, K\)"),
    ],
)
def test_metrics_refuse_classes_that_do_not_fit(shape: tuple[int, ...], classes: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        metrics(torch.zeros(shape), classes)


def test_images_before_an_ordinary_judge() -> None:
    images = pixels((0.5, 0.0, 1.0), (0.0, 0.25, 0.0))
    scores = score(images, one_pixel_per_class(3), classes=[2, 1], draws=50)
    expected = torch.tensor([softmax([2.0, 0.0, 4.0]), softmax([0.0, 1.0, 0.0])], dtype=torch.float64)
    torch.testing.assert_close(scores.matrix, expected)
    assert scores.classes == (2, 1)
    assert scores.attack_accuracy == scores.daa == Stat(1.0, 0.0)
    assert scores.confidence.mean == pytest.approx((expected[0, 2] + expected[1, 1]).item() / 2)
    assert scores.confidence.std == 0.0


def test_spikes_are_judged_once_whatever_the_draws() -> None:
    judge = one_pixel_per_class(2, kind=SpikingLinearJudge)
    spikes = torch.stack([pixels((1, 0), (0, 1)), pixels((1, 1), (0, 0)), pixels((1, 0), (0, 0))])
    scores = score(spikes.to(torch.uint8), judge, draws=9)
    high = softmax([4.0, 0.0])[0]
    expected = torch.tensor(
        [[(2 * high + 0.5) / 3, (2 * (1 - high) + 0.5) / 3], [(2 * 0.5 + 1 - high) / 3, (2 * 0.5 + high) / 3]],
        dtype=torch.float64,
    )
    torch.testing.assert_close(scores.matrix, expected)
    assert scores.confidence.std == 0.0
    assert len(judge.network.seen) == 1
    assert judge.network.seen[0].shape == spikes.shape


def test_an_ordinary_judge_sees_the_rate_image_of_spikes() -> None:
    spikes = torch.stack([pixels((1, 0), (0, 1)), pixels((0, 0), (0, 1))])
    scores = score(spikes, one_pixel_per_class(2))
    expected = torch.tensor([softmax([2.0, 0.0]), softmax([0.0, 4.0])], dtype=torch.float64)
    torch.testing.assert_close(scores.matrix, expected)


def test_draws_of_spike_probabilities_have_the_mean_and_the_spread_of_bernoulli_variables() -> None:
    # one reconstruction of class 1, whose pixel spikes with probability p: each step gives the confidence c or 1/2
    p, time_steps = 0.3, 8
    judge = one_pixel_per_class(2, kind=SpikingLinearJudge)
    probabilities = torch.zeros(time_steps, 1, 1, 1, 2)
    probabilities[..., 1] = p
    scores = score(probabilities, judge, classes=[1], draws=4000)
    c = softmax([0.0, 4.0])[1]
    assert scores.confidence.mean == pytest.approx(0.5 + p * (c - 0.5), abs=0.005)
    assert scores.confidence.std == pytest.approx((c - 0.5) * math.sqrt(p * (1 - p) / time_steps), rel=0.05)
    assert all(set(x.unique().tolist()) <= {0.0, 1.0} for x in judge.network.seen)
    # class 1 wins unless no step spiked, when both classes tie
    silent = (1 - p) ** time_steps
    assert scores.attack_accuracy.mean == pytest.approx(1 - silent / 2, abs=0.01)
    assert scores.attack_accuracy.std == pytest.approx(0.5 * math.sqrt(silent * (1 - silent)), rel=0.15)
    assert scores.matrix[0, 1].item() == pytest.approx(scores.confidence.mean)


def test_images_are_encoded_anew_each_draw_before_a_spiking_judge() -> None:
    judge = one_pixel_per_class(2, kind=SpikingLinearJudge)
    scores = score(pixels((0.0, 0.6)), judge, classes=[1], encoder=RateEncoder(time_steps=5), draws=2000)
    c = softmax([0.0, 4.0])[1]
    assert scores.confidence.mean == pytest.approx(0.5 + 0.6 * (c - 0.5), abs=0.01)
    assert scores.confidence.std == pytest.approx((c - 0.5) * math.sqrt(0.6 * 0.4 / 5), rel=0.07)


class Halves(RateEncoder):
    """Takes one pixel and spikes where the network's two lie: with its rate at the right, never at the left."""

    def image_shape(self, input_shape: tuple[int, int, int]) -> tuple[int, int, int]:
        return (1, 1, input_shape[2] // 2)

    def encode(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return torch.cat([torch.zeros(self.time_steps, *images.shape), super().encode(images, generator)], -1)


@pytest.mark.parametrize("kind", [LinearJudge, SpikingLinearJudge])
def test_scenes_are_recorded_anew_each_draw_before_any_judge(kind: type[LinearJudge]) -> None:
    judge = one_pixel_per_class(2, kind=kind)
    scores = score(pixels((0.6,)), judge, classes=[1], encoder=Halves(time_steps=5), draws=2000)
    assert scores.confidence.std > 0
    high = softmax([0.0, 4.0])[1]
    if judge.spiking:
        assert scores.confidence.mean == pytest.approx(0.5 + 0.6 * (high - 0.5), abs=0.01)
    else:  # sees the rate image of each recording
        chances = [math.comb(5, n) * 0.6**n * 0.4 ** (5 - n) for n in range(6)]
        expected = sum(p * softmax([0.0, 4.0 * n / 5])[1] for n, p in enumerate(chances))
        assert scores.confidence.mean == pytest.approx(expected, abs=0.01)


def test_images_of_another_shape_need_the_encoder_that_takes_them() -> None:
    for encoder, shapes in ((None, r"\(1, 1, 2\)"), (Halves(), r"\(1, 1, 1\) or \(1, 1, 2\)")):
        with pytest.raises(ValueError, match=rf"with \(C, H, W\) = {shapes}, got \(1, 1, 1, 3\)"):
            score(pixels((0.0, 0.6, 0.1)), one_pixel_per_class(2), classes=[1], encoder=encoder)


def test_spiking_judge_needs_an_encoder_for_images() -> None:
    with pytest.raises(ValueError, match="images need an encoder"):
        score(pixels((0.0, 0.6)), one_pixel_per_class(2, kind=SpikingLinearJudge), classes=[1])


@pytest.mark.parametrize("batch_size", [1, 2, 3, 7, 1000])
def test_batches_bound_the_memory_and_change_nothing_else(batch_size: int) -> None:
    probabilities = torch.rand((4, 3, 1, 1, 3), generator=torch.Generator().manual_seed(1))
    reference = score(probabilities, one_pixel_per_class(3, kind=SpikingLinearJudge), draws=5, seed=2)
    judge = one_pixel_per_class(3, kind=SpikingLinearJudge)
    scores = score(probabilities, judge, draws=5, seed=2, batch_size=batch_size)
    torch.testing.assert_close(scores.matrix, reference.matrix)
    for name in METRICS:
        assert getattr(scores, name).mean == pytest.approx(getattr(reference, name).mean)
        assert getattr(scores, name).std == pytest.approx(getattr(reference, name).std)
    assert max(x.shape[1] for x in judge.network.seen) <= batch_size
    assert sum(x.shape[1] for x in judge.network.seen) == 15


def test_large_samples_come_in_smaller_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    probabilities = torch.rand((4, 3, 1, 1, 3), generator=torch.Generator().manual_seed(1))
    reference = score(probabilities, one_pixel_per_class(3, kind=SpikingLinearJudge), draws=5, seed=2)
    for samples in (2, 1, 0):
        monkeypatch.setattr(scoring, "ENTRIES_AT_ONCE", samples * 12 + 1)
        judge = one_pixel_per_class(3, kind=SpikingLinearJudge)
        scores = score(probabilities, judge, draws=5, seed=2)
        torch.testing.assert_close(scores.matrix, reference.matrix)
        assert max(x.shape[1] for x in judge.network.seen) == max(1, samples)


def test_the_seed_decides_the_draws() -> None:
    judge = one_pixel_per_class(3, kind=SpikingLinearJudge)
    probabilities = torch.full((4, 3, 1, 1, 3), 0.5)
    torch.manual_seed(0)
    first = score(probabilities, judge, draws=4, seed=1)
    torch.manual_seed(1)
    again, other = score(probabilities, judge, draws=4, seed=1), score(probabilities, judge, draws=4, seed=2)
    assert torch.equal(first.matrix, again.matrix)
    assert first.as_dict() == again.as_dict()
    assert not torch.equal(first.matrix, other.matrix)


def test_the_order_of_the_reconstructions_does_not_matter() -> None:
    generator = torch.Generator().manual_seed(3)
    judge = Classifier(LinearJudge(torch.randn((6, 12), generator=generator), (1, 3, 4)))
    images, classes = torch.rand((4, 1, 3, 4), generator=generator), [5, 0, 3, 2]
    order = [2, 0, 3, 1]
    scores = score(images, judge, classes)
    shuffled = score(images[order], judge, [classes[i] for i in order])
    torch.testing.assert_close(shuffled.matrix, scores.matrix[order])
    assert {name: getattr(shuffled, name).mean for name in METRICS} == pytest.approx(
        {name: getattr(scores, name).mean for name in METRICS}
    )
    assert [row["rank"] for row in shuffled.per_class] == [scores.per_class[i]["rank"] for i in order]


def test_rescale_stretches_each_reconstruction_on_its_own() -> None:
    judge = one_pixel_per_class(3)
    dark = pixels((0.2, 0.3, 0.4), (-3.0, 1.0, -1.0), (0.4, 0.4, 0.4))
    stretched = pixels((0.0, 0.5, 1.0), (0.0, 1.0, 0.5), (0.4, 0.4, 0.4))
    torch.testing.assert_close(min_max_rescale(dark), stretched)
    torch.testing.assert_close(score(dark, judge, rescale=True).matrix, score(stretched, judge).matrix)
    assert not torch.allclose(score(dark, judge).matrix, score(stretched, judge).matrix)


def test_rescale_takes_the_extremes_of_spike_probabilities_over_time() -> None:
    probabilities = torch.stack([pixels((0.0, 0.1), (0.3, 0.3)), pixels((0.2, 0.4), (0.3, 0.3))])
    expected = torch.stack([pixels((0.0, 0.25), (0.3, 0.3)), pixels((0.5, 1.0), (0.3, 0.3))])
    torch.testing.assert_close(min_max_rescale(probabilities), expected)
    judge = one_pixel_per_class(2, kind=SpikingLinearJudge)
    assert torch.equal(
        score(probabilities, judge, draws=3, rescale=True).matrix,
        score(min_max_rescale(probabilities), judge, draws=3).matrix,
    )


def test_ranks_count_ties_against_the_class_and_all_is_plain_for_json() -> None:
    scores = score(pixels((0.5, 0.5, 0.0), (0.0, 1.0, 0.0)), one_pixel_per_class(3), classes=[0, 1])
    rows = scores.per_class
    assert [(row["class"], row["rank"]) for row in rows] == [(0, 2), (1, 1)]
    assert rows[1]["confidence"] == pytest.approx(softmax([0.0, 4.0, 0.0])[1])
    assert [row["attack_accuracy"] for row in rows] == [0.5, 1.0]  # shared by the two that tie, and won alone
    for name in METRICS:
        assert getattr(scores, name).mean == pytest.approx(sum(row[name] for row in rows) / len(rows))
    plain = scores.as_dict()
    assert json.loads(json.dumps(plain)) == plain
    assert list(plain) == [*METRICS, "per_class"]
    assert plain["attack_accuracy"] == {"mean": 0.75, "std": 0.0}


def test_the_judge_is_evaluated_without_dropout_and_left_as_it_was() -> None:
    judge = one_pixel_per_class(3)
    images = pixels((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    expected = score(images, judge.eval()).matrix
    judge.train()
    judge.val_accuracy.eval()
    images.requires_grad_()
    scores = score(images, judge)
    assert torch.equal(scores.matrix, expected)
    assert not scores.matrix.requires_grad
    assert judge.training
    assert judge.network.dropout.training
    assert not judge.val_accuracy.training


@pytest.mark.parametrize(
    ("reconstructions", "arguments", "message"),
    [
        (torch.zeros(2, 1, 1, 4), {}, r"\(1, 1, 3\), got \(2, 1, 1, 4\)"),
        (torch.zeros(2, 1, 3), {}, r"got \(2, 1, 3\)"),
        (torch.zeros(2, 1, 1, 3), {"classes": [0]}, "2 reconstructions and 1 classes"),
        (torch.zeros(2, 1, 1, 3), {"classes": [0, 3]}, "0 to 2"),
        (torch.zeros(2, 1, 1, 3), {"classes": [1, 1]}, "distinct"),
        (torch.zeros(4, 1, 1, 3), {}, "0 to 2"),
        (torch.full((1, 1, 1, 3), math.nan), {}, "not finite"),
        (torch.full((2, 1, 1, 1, 3), 1.5), {}, r"in \[0, 1\], got values from 1.5 to 1.5"),
        (torch.full((2, 1, 1, 1, 3), -0.5), {"rescale": True}, r"in \[0, 1\]"),
        (torch.zeros(1, 1, 1, 3), {"draws": 0}, "draws must be at least 1, got 0"),
        (torch.zeros(1, 1, 1, 3), {"batch_size": 0}, "batch_size must be at least 1, got 0"),
    ],
)
def test_score_refuses(reconstructions: Tensor, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        score(reconstructions, one_pixel_per_class(3), **arguments)


def test_a_judge_without_finite_confidences_is_refused() -> None:
    with pytest.raises(ValueError, match="LinearJudge returned confidences that are not finite"):
        score(pixels((1.0, 0.0)), Classifier(LinearJudge(torch.full((2, 2), math.nan), (1, 1, 2))), classes=[0])


class Bars(ImageDataModule):
    """Class k is a bright column k of 4 x 4 pixels, of one of three brightnesses."""

    input_shape: ClassVar[tuple[int, int, int]] = (1, 4, 4)
    num_classes: ClassVar[int] = 4

    def load(self) -> dict[str, ImageDataset]:
        images = torch.zeros(12, 1, 4, 4, dtype=torch.uint8)
        labels = torch.arange(12) % 4
        for i, k in enumerate(labels.tolist()):
            images[i, :, :, k] = (255, 204, 153)[i // 4]
        return {name: ImageDataset(images, labels) for name in ("train", "val", "test")}


def bar_judge(kind: type[LinearJudge]) -> Classifier:
    return Classifier(kind(torch.eye(4).repeat(1, 4), (1, 4, 4)))


def test_nulls_before_an_ordinary_judge() -> None:
    judge, classes = bar_judge(LinearJudge), [3, 1]
    scores = nulls(Bars(), judge, classes, draws=200)
    assert list(scores) == ["noise", "black", "class_mean", "real"]
    black = scores["black"]
    assert (black.attack_accuracy.mean, black.top3_accuracy.mean, black.daa.mean) == (0.25, 0.75, 0.5)
    assert black.confidence == Stat(0.25, 0.0)
    # mean brightness 0.8 on four pixels
    assert scores["class_mean"].confidence.mean == pytest.approx(softmax([3.2, 0.0, 0.0, 0.0])[0])
    assert scores["class_mean"].confidence.std == 0.0
    assert scores["class_mean"].attack_accuracy == scores["real"].attack_accuracy == Stat(1.0, 0.0)
    # one of the brightnesses 1, 0.8 and 0.6 for each of two classes, picked anew each draw
    levels = [softmax([4 * value, 0.0, 0.0, 0.0])[0] for value in (1.0, 0.8, 0.6)]
    centre = sum(levels) / 3
    spread = math.sqrt(sum((level - centre) ** 2 for level in levels) / 3 / 2)
    assert scores["real"].confidence.mean == pytest.approx(centre, abs=0.01)
    assert scores["real"].confidence.std == pytest.approx(spread, rel=0.15)
    assert scores["noise"].attack_accuracy.mean == pytest.approx(0.25, abs=0.06)
    assert scores["noise"].confidence.mean == pytest.approx(0.25, abs=0.02)
    assert scores["noise"].daa.mean == pytest.approx(0.5, abs=0.08)
    assert all(one.classes == (3, 1) for one in scores.values())


def test_nulls_before_a_spiking_judge_are_encoded_anew_each_draw() -> None:
    judge = bar_judge(SpikingLinearJudge)
    scores = nulls(Bars(encoder=RateEncoder(time_steps=6)), judge, draws=50)
    assert all(x.shape[0] == 6 and set(x.unique().tolist()) <= {0.0, 1.0} for x in judge.network.seen)
    assert scores["black"].classes == (0, 1, 2, 3)
    assert scores["black"].attack_accuracy == scores["black"].daa == Stat(0.25, 0.0)
    assert scores["class_mean"].attack_accuracy.mean == 1.0
    assert scores["class_mean"].confidence.std > 0.0
    assert scores["real"].confidence.mean > 2 * scores["noise"].confidence.mean


def test_nulls_are_rescaled_like_the_reconstructions() -> None:
    scores = nulls(Bars(), bar_judge(LinearJudge), rescale=True)
    bright = pytest.approx(softmax([4.0, 0.0, 0.0, 0.0])[0])
    assert scores["class_mean"].confidence.mean == bright
    assert scores["real"].confidence.mean == bright
    assert scores["black"].confidence.mean == 0.25


def test_nulls_repeat_with_their_seed_whatever_the_batches() -> None:
    one, two = (nulls(Bars(), bar_judge(LinearJudge), draws=5, seed=1, batch_size=size) for size in (3, 250))
    other = nulls(Bars(), bar_judge(LinearJudge), draws=5, seed=2)
    for name in ("noise", "real"):
        torch.testing.assert_close(one[name].matrix, two[name].matrix)
        assert not torch.allclose(one[name].matrix, other[name].matrix)


@pytest.mark.parametrize(
    ("kind", "arguments", "message"),
    [
        (SpikingLinearJudge, {}, "give Bars an encoder"),
        (LinearJudge, {"classes": [4]}, "0 to 3"),
        (LinearJudge, {"draws": 0}, "draws must be at least 1, got 0"),
    ],
)
def test_nulls_refuse(kind: type[LinearJudge], arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        nulls(Bars(), bar_judge(kind), **arguments)
