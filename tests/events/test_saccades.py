"""The scene: the path, its speed, and interpolation against scipy's."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import scipy.ndimage
import torch
from tonic.datasets.nmnist import stabilize
from tonic.io import events_struct, make_structured_array

from brainleaks_pl.events.measured_path import MEASURED_PATH
from brainleaks_pl.events.saccades import Saccades


def triangle(duration: int = 100_000, amplitude: float = 7.0, steps: int = 40) -> Saccades:
    """The idealised path of a sharp bright image."""
    return Saccades(duration, amplitude, steps, "triangle", offset_x=0.0, offset_y=0.0, blur=0.0, screen="black")


def digits(number: int = 2, seed: int = 0) -> torch.Tensor:
    return torch.rand(number, 28, 28, generator=torch.Generator().manual_seed(seed))


def test_three_saccades_of_100_ms() -> None:
    times = triangle().times()
    assert times.dtype == torch.int64
    assert times[[0, 40, 80, 120]].tolist() == [0, 100_000, 200_000, 300_000]
    assert set(times.diff().tolist()) == {2500}
    uneven = triangle(duration=100, steps=7).times()
    assert (uneven.diff() > 0).all()
    assert uneven[[0, 7, 14, 21]].tolist() == [0, 100, 200, 300]


def test_the_path_is_a_triangle_through_the_middle() -> None:
    saccades = triangle(steps=10)
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
    x = triangle(steps=steps).offsets()[2 * steps :, 0].numpy()
    u = np.linspace(0, 1, steps + 1)
    speed = -np.gradient(x, u, edge_order=2) / 7
    np.testing.assert_allclose(speed, 30 * u**2 * (1 - u) ** 2, atol=1e-4)
    assert speed.max() == pytest.approx(15 / 8, abs=1e-4)


def test_the_path_is_what_tonic_takes_out_of_the_real_recordings() -> None:
    saccades = triangle(duration=105_000, steps=35)
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
    saccades = triangle(amplitude=amplitude, steps=4)
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
    movie = triangle(amplitude=6.0, steps=2).watch(images)
    for frame, (x, y) in ((0, (0, 0)), (2, (3, 6)), (4, (6, 0))):
        assert torch.equal(movie[frame, :, y : y + 28, x : x + 28], images)
        assert movie[frame].sum() == pytest.approx(images.sum().item(), rel=1e-5)


def test_intensities_stay_in_range_and_white_stays_white() -> None:
    movie = triangle().watch(torch.ones(1, 28, 28))
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
    saccades = triangle(steps=3)
    saccades.watch(images).sum().backward()
    assert images.grad is not None
    # a pixel that never leaves the sensor gives its whole intensity to every frame
    assert torch.allclose(images.grad[:, 1:27, 1:27], torch.tensor(10.0))


def test_the_measured_path_lasts_315_ms_and_follows_its_table() -> None:
    assert len(MEASURED_PATH) == 64
    knots = torch.tensor(MEASURED_PATH, dtype=torch.float64)
    extent = knots.amax(0) - knots.amin(0)
    assert extent.mean() == pytest.approx(1, abs=2e-3)  # to its last digit
    assert (knots.amax(0) + knots.amin(0)).tolist() == pytest.approx([0, 0], abs=2e-3)
    saccades = Saccades(amplitude=4.0, steps=42, offset_x=0.5, offset_y=-1.0)
    assert saccades.times()[-1] == 315_000
    offsets = saccades.offsets()
    expected = torch.tensor([3.5, 2.0], dtype=torch.float64) + 4 * knots
    assert torch.allclose(offsets[::2], expected)
    assert torch.allclose(offsets[1::2], (expected[1:] + expected[:-1]) / 2)
    assert torch.allclose(Saccades(amplitude=4.0, steps=21, offset_x=0.5, offset_y=-1.0).offsets(), expected)


def test_the_lens_blurs_as_scipy_does() -> None:
    images = digits()
    sharp, blurred = (
        Saccades(amplitude=4.0, steps=2, path="triangle", blur=blur, screen="black").watch(images)
        for blur in (0.0, 1.2)
    )
    for index in range(2):
        for frame in range(len(sharp)):
            wide = np.pad(sharp[frame, index].double().numpy(), 12)
            expected = scipy.ndimage.gaussian_filter(wide, 1.2, radius=4)[12:-12, 12:-12]
            np.testing.assert_allclose(blurred[frame, index].numpy(), expected, atol=2e-6)


def test_a_white_screen_shows_the_negative_and_stays_in_range() -> None:
    for images in (digits(), torch.ones(1, 28, 28), torch.zeros(1, 28, 28)):
        white, black = (Saccades(steps=5, blur=0.9, screen=screen).watch(images) for screen in ("white", "black"))
        assert torch.equal(white, 1 - black)
        assert 0 <= black.min() <= black.max() <= 1
    assert black.max() == 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"duration": 39}, r"at least one microsecond per step \(42\), got 39"),
        ({"amplitude": 0.0}, "amplitude must be positive and finite, got 0.0"),
        ({"amplitude": math.nan}, "amplitude must be positive and finite, got nan"),
        ({"blur": -0.1}, r"blur must lie in \[0, 10\] pixels, got -0.1"),
        ({"blur": math.nan}, r"blur must lie in \[0, 10\] pixels, got nan"),
        ({"offset_y": math.inf}, "offset_y must be finite, got inf"),
        ({"path": "circle"}, "path must be one of measured, triangle, got 'circle'"),
        ({"screen": "grey"}, "screen must be one of white, black, got 'grey'"),
    ],
)
def test_constants_out_of_range(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Saccades(**settings)


def test_images_of_another_shape() -> None:
    with pytest.raises(ValueError, match=r"images must be \(B, 28, 28\), got \(2, 1, 28, 28\)"):
        Saccades().watch(digits().unsqueeze(1))
