"""The scene: the path, its speed, and interpolation against scipy's."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.ndimage
import torch
from tonic.datasets.nmnist import stabilize
from tonic.io import events_struct, make_structured_array

from brainleaks_pl.events.saccades import Saccades


def digits(number: int = 2, seed: int = 0) -> torch.Tensor:
    return torch.rand(number, 28, 28, generator=torch.Generator().manual_seed(seed))


def test_three_saccades_of_100_ms() -> None:
    times = Saccades().times()
    assert times.dtype == torch.int64
    assert times[[0, 40, 80, 120]].tolist() == [0, 100_000, 200_000, 300_000]
    assert set(times.diff().tolist()) == {2500}
    uneven = Saccades(duration=100, steps=7).times()
    assert (uneven.diff() > 0).all()
    assert uneven[[0, 7, 14, 21]].tolist() == [0, 100, 200, 300]


def test_the_path_is_a_triangle_through_the_middle() -> None:
    saccades = Saccades(amplitude=7.0, steps=10)
    offsets = saccades.offsets()
    assert offsets.shape == (31, 2)
    assert offsets[[0, 10, 20, 30]].tolist() == [[-0.5, -0.5], [3.0, 6.5], [6.5, -0.5], [-0.5, -0.5]]
    assert (offsets.amin(0) + offsets.amax(0)).tolist() == [6.0, 6.0]
    for leg in range(3):
        along = offsets[10 * leg : 10 * leg + 11]
        slope = along[-1] - along[0]
        assert torch.allclose((along - along[0])[:, 0] * slope[1], (along - along[0])[:, 1] * slope[0])


def test_speed_is_that_of_minimum_jerk() -> None:
    steps = 1000
    x = Saccades(amplitude=7.0, steps=steps).offsets()[2 * steps :, 0].numpy()
    u = np.linspace(0, 1, steps + 1)
    speed = -np.gradient(x, u, edge_order=2) / 7
    np.testing.assert_allclose(speed, 30 * u**2 * (1 - u) ** 2, atol=1e-4)
    assert speed.max() == pytest.approx(15 / 8, abs=1e-4)


def test_the_path_is_what_tonic_takes_out_of_the_real_recordings() -> None:
    saccades = Saccades(duration=105_000, steps=35)
    corners = saccades.offsets()[[35, 70, 105]]
    x, y = (14 + corners + 1e-6).round().long().numpy().T
    events = make_structured_array(x, y, saccades.times()[[35, 70, 105]].numpy(), True, dtype=events_struct)
    stable = stabilize(events)
    assert len(stable) == 3
    assert np.ptp(stable["x"]) <= 1
    assert np.ptp(stable["y"]) <= 1
    assert np.ptp(x) == 7
    assert np.ptp(y) == 7


@pytest.mark.parametrize("amplitude", [2.0, 7.0, 10.3, 40.0])
def test_the_sensor_sees_the_image_shifted_between_pixels(amplitude: float) -> None:
    saccades = Saccades(amplitude=amplitude, steps=4)
    images = digits()
    movie = saccades.watch(images)
    assert movie.shape == (13, 2, 34, 34)
    assert movie.is_contiguous()
    for frame, (x, y) in enumerate(saccades.offsets().tolist()):
        for index, image in enumerate(images.double().numpy()):
            wide = np.pad(image, 30)  # so that scipy's border, where it does not interpolate, is black
            expected = scipy.ndimage.shift(wide, (y, x), order=1, prefilter=False)[30:64, 30:64]
            np.testing.assert_allclose(movie[frame, index].numpy(), expected, atol=1e-6)


def test_whole_pixels_are_exact_and_right_and_down_are_up_in_index() -> None:
    images = digits()
    movie = Saccades(amplitude=6.0, steps=2).watch(images)
    for frame, (x, y) in ((0, (0, 0)), (2, (3, 6)), (4, (6, 0))):
        assert torch.equal(movie[frame, :, y : y + 28, x : x + 28], images)
        assert movie[frame].sum() == pytest.approx(images.sum().item(), rel=1e-5)


def test_intensities_stay_in_range_and_white_stays_white() -> None:
    movie = Saccades().watch(torch.ones(1, 28, 28))
    assert movie.min() == 0
    assert movie.max() == 1
    assert (movie[:, 0, 7:27, 7:27] == 1).all()


def test_a_movie_does_not_depend_on_the_others() -> None:
    images = digits(5)
    together = Saccades().watch(images)
    for index in range(5):
        assert torch.equal(Saccades().watch(images[index : index + 1])[:, 0], together[:, index])


def test_the_movie_is_differentiable() -> None:
    images = digits().requires_grad_()
    saccades = Saccades(steps=3)
    saccades.watch(images).sum().backward()
    assert images.grad is not None
    # a pixel that never leaves the sensor gives its whole intensity to every frame
    assert torch.allclose(images.grad[:, 1:27, 1:27], torch.tensor(10.0))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"duration": 39}, r"at least one microsecond a step \(40\), got 39"),
        ({"amplitude": 0.0}, "amplitude must be positive and finite, got 0.0"),
        ({"amplitude": math.nan}, "amplitude must be positive and finite, got nan"),
    ],
)
def test_constants_out_of_range(settings: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Saccades(**settings)


def test_images_of_another_shape() -> None:
    with pytest.raises(ValueError, match=r"images must be \(B, 28, 28\), got \(2, 1, 28, 28\)"):
        Saccades().watch(digits().unsqueeze(1))
