"""The attacks' arithmetic against plain loops over units."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from torch import Tensor

from brainleaks_pl.attacks.functional import (
    flip_probability,
    gaussian_blur,
    normalise_probabilities,
    population_weights,
    roll_units,
    smooth_noise,
    total_variation,
    turned,
    unit_deviation,
    unit_uniform,
    unit_view,
)

SHAPES = st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(1, 2), st.integers(1, 3), st.integers(1, 3))


def random(shape: tuple[int, ...], seed: int, kind: str = "normal") -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator) if kind == "normal" else torch.rand(shape, generator=generator)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(shape=SHAPES, seed=st.integers(0, 2**31), scale=st.sampled_from([1e-20, 1.0, 1e6]))
def test_flip_probability_scales_every_unit_by_its_own_extremes(
    shape: tuple[int, ...], seed: int, scale: float
) -> None:
    gradient = random(shape, seed) * scale
    actual = flip_probability(gradient)
    for unit in range(shape[1]):
        sizes = [abs(float(g)) for g in gradient[:, unit].flatten()]
        least, most = min(sizes), max(sizes)
        expected = [1.0 if most == least else (size - least) / (most - least) for size in sizes]
        assert actual[:, unit].flatten().tolist() == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_flip_probability_of_constant_and_zero_gradients() -> None:
    gradient = torch.zeros(3, 3, 1, 2, 2)
    gradient[:, 1] = -0.5  # one size everywhere: as likely as can be
    gradient[0, 2, 0, 0, 0] = 1e-30  # tiny, but a gradient
    p = flip_probability(gradient)
    assert (p[:, 0] == 0).all()
    assert (p[:, 1] == 1).all()
    assert p[0, 2, 0, 0, 0] == 1
    assert p[:, 2].sum() == 1


def test_flip_probability_takes_images_too() -> None:
    gradient = random((3, 1, 4, 4), 0)
    assert torch.equal(flip_probability(gradient), flip_probability(gradient.unsqueeze(0)).squeeze(0))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(rows=st.lists(st.lists(st.floats(0, 10, width=32), min_size=3, max_size=3), min_size=1, max_size=4))
def test_population_weights(rows: list[list[float]]) -> None:
    costs = torch.tensor(rows)
    for name in ("cost", "fitness", "uniform"):
        weights = population_weights(costs, name)
        for row, actual in zip(rows, weights.tolist(), strict=True):
            scores = {"cost": row, "fitness": torch.tensor(row).double().neg().exp().tolist(), "uniform": [1.0] * 3}
            total = sum(scores[name])
            expected = [s / total for s in scores[name]] if total > 0 else [1 / 3] * 3
            assert actual == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_published_weighting_prefers_the_worst_and_the_corrected_one_the_best() -> None:
    costs = torch.tensor([[0.9, 0.1, 0.5]])
    assert population_weights(costs, "cost").argsort().tolist() == [[1, 2, 0]]
    assert population_weights(costs, "fitness").argsort().tolist() == [[0, 2, 1]]


def test_smooth_noise() -> None:
    coarse = torch.rand(20, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    noise = smooth_noise(coarse, (32, 24))
    assert noise.shape == (20, 1, 32, 24)
    assert -1 <= noise.min() < -0.9
    assert 0.9 < noise.max() <= 1
    assert noise.mean() == pytest.approx(0, abs=0.1)
    assert noise.diff(dim=-1).abs().max() < 0.5


def test_population_weights_refuses_negative_costs_and_unknown_names() -> None:
    negative = torch.tensor([[1.0, -0.5]])
    with pytest.raises(ValueError, match=r"'cost' divides by the sum of the costs .* never negative"):
        population_weights(negative, "cost")
    assert population_weights(negative, "fitness").sum() == pytest.approx(1)
    with pytest.raises(ValueError, match="must be 'cost', 'fitness' or 'uniform', got 'costs'"):
        population_weights(negative, "costs")


@settings(max_examples=40, deadline=None, derandomize=True)
@given(shape=SHAPES, seed=st.integers(0, 2**31), scale=st.sampled_from([0.3, 5.0]))
def test_normalise_probabilities(shape: tuple[int, ...], seed: int, scale: float) -> None:
    values = random(shape, seed) * scale
    actual = normalise_probabilities(values)
    for unit in range(shape[1]):
        positive = [max(0.0, float(v)) for v in values[:, unit].flatten()]
        divisor = max(1.0, *positive)
        assert actual[:, unit].flatten().tolist() == pytest.approx([v / divisor for v in positive], rel=1e-6)
    assert actual.min() >= 0
    assert actual.max() <= 1


def test_total_variation_by_hand() -> None:
    step = torch.tensor([[[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]]])  # 2 rows, 3 columns
    board = torch.tensor([[[0.0, 1.0, 0.0], [1.0, 0.0, 1.0]]])
    assert total_variation(torch.stack([step, board, torch.full_like(step, 0.7)])).tolist() == [0.5, 2.0, 0.0]


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(-4, 4), st.integers(-4, 4)), min_size=1, max_size=4), st.integers(0, 999))
def test_roll_units_moves_each_image_by_its_own_shift(shifts: list[tuple[int, int]], seed: int) -> None:
    images = random((len(shifts), 2, 3, 4), seed)
    rows, columns = torch.tensor(shifts).T
    moved = roll_units(images, rows, columns)
    for unit, (down, right) in enumerate(shifts):
        for y in range(3):
            for x in range(4):
                there = moved[unit, :, (y + down) % 3, (x + right) % 4]
                assert torch.equal(there, images[unit, :, y, x])
    assert torch.equal(roll_units(moved, -rows, -columns), images)


@pytest.mark.parametrize("shape", [(2, 3, 4), (5, 2, 3, 4), (6, 5, 2, 3, 4)])
def test_unit_view_and_unit_uniform_put_the_units_fourth_from_the_right(shape: tuple[int, ...]) -> None:
    units = [(0, 0), (1, 0), (1, 1)]
    numbers = unit_uniform(shape, units, (1, 2, 3))
    assert numbers.shape == (*shape[:-3], 3, *shape[-3:])
    assert numbers.min() >= 0
    assert numbers.max() < 1
    mask = unit_view(torch.tensor([False, True, False]), numbers)
    assert torch.equal((numbers * mask).select(-4, 1), numbers.select(-4, 1))
    assert (numbers * mask).select(-4, 0).sum() == (numbers * mask).select(-4, 2).sum() == 0


def of_unit(label: int, restart: int, others: list[tuple[int, int]], key: tuple[int, ...] = (7, 0, 2)) -> Tensor:
    units = [*others, (label, restart)]
    return unit_uniform((3, 1, 4, 4), units, key)[:, -1]


def test_a_units_numbers_depend_on_it_alone() -> None:
    alone = of_unit(2, 1, [])
    torch.rand(100)
    assert torch.equal(of_unit(2, 1, [(0, 0), (2, 0), (5, 1)]), alone)
    assert torch.equal(unit_uniform((3, 1, 4, 4), [(2, 1), (0, 0)], (7, 0, 2))[:, 0], alone)


def test_drawing_leaves_the_global_generators_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    of_unit(0, 0, [])
    assert torch.equal(torch.rand(4), expected)


def test_units_seeds_streams_and_steps_have_different_numbers() -> None:
    draws = [
        of_unit(2, 1, []),
        of_unit(1, 2, []),
        of_unit(2, 0, []),
        of_unit(2, 1, [], key=(8, 0, 2)),
        of_unit(2, 1, [], key=(7, 1, 2)),
        of_unit(2, 1, [], key=(7, 2, 0)),
        of_unit(2, 1, [], key=(7, 0, 3)),
        of_unit(2, 1, [], key=(2**64 - 1, 0, 2)),
    ]
    for index, first in enumerate(draws):
        for second in draws[index + 1 :]:
            assert (first == second).float().mean() < 0.1


def test_the_numbers_are_uniform() -> None:
    numbers = unit_uniform((50, 1, 10, 10), [(k, 0) for k in range(10)], (0, 0, 0)).flatten()
    shares = numbers.histc(10, 0, 1) / numbers.numel()
    assert (shares - 0.1).abs().max() < 4 * (0.09 / numbers.numel()) ** 0.5


@pytest.mark.parametrize("sigma", [0.4, 1.0, 2.3])
def test_gaussian_blur_equals_scipys(sigma: float) -> None:
    images = random((2, 3, 2, 9, 7), seed=0)
    expected = gaussian_filter(images.numpy(), sigma, mode="constant", truncate=3.0, axes=(-2, -1))
    torch.testing.assert_close(gaussian_blur(images, sigma), torch.from_numpy(expected))


@pytest.mark.parametrize("shape", [(3, 1, 4, 5), (2, 3, 1, 4, 5)])
def test_unit_deviation_scales_each_unit_by_its_own(shape: tuple[int, ...]) -> None:
    gradient = random(shape, seed=1)
    gradient.select(-4, 1).zero_()
    scaled = unit_deviation(gradient)
    for unit in (0, 2):
        one = gradient.select(-4, unit)
        torch.testing.assert_close(scaled.select(-4, unit), one / one.std(correction=0))
    assert not scaled.select(-4, 1).any()


def test_turned_images_are_those_of_a_quarter_turn_and_of_twice_the_size() -> None:
    images = torch.rand(3, 2, 6, 6, generator=torch.Generator().manual_seed(0))
    angles, same = torch.tensor([0.0, 90.0, 180.0]), torch.ones(3)
    expected = torch.stack([image.rot90(k, (1, 2)) for k, image in enumerate(images)])
    found = turned(images, angles, same)
    if not torch.allclose(found[1], expected[1], atol=1e-5):  # the other way round is as good
        expected[1] = images[1].rot90(-1, (1, 2))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    dot = torch.zeros(1, 1, 6, 6)
    dot[..., 2:4, 2:4] = 1.0
    twice = turned(dot, torch.zeros(1), torch.tensor([2.0]))
    assert twice[..., 2:4, 2:4].min() == 1
    assert twice.sum() == pytest.approx(16, abs=1)
    assert turned(dot, torch.zeros(1), torch.tensor([0.5])).sum() == pytest.approx(1, abs=0.3)
