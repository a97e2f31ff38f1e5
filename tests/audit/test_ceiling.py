"""What remains of images after encoding and decoding."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from toys import ToyDigits

from brainleaks_pl import ConstantCurrentEncoder, Encoder, EventCameraEncoder, LatencyEncoder, RateEncoder
from brainleaks_pl.audit.measures.ceiling import MOST_DECIBELS, EncodingCeiling, encoding_ceiling
from brainleaks_pl.audit.report.looks import Looks
from brainleaks_pl.evaluation.similarity import ssim


def test_the_rate_codes_ceiling_is_that_of_a_mean_of_coin_flips(toy_spikes: ToyDigits) -> None:
    steps = [1, 4, 16, 64]
    found = encoding_ceiling(toy_spikes, steps, images=30)
    assert found is not None
    images = torch.cat([toy_spikes.class_images(k, "test") for k in range(3)])
    # the error's variance of T flips of a coin p is p (1 - p) / T
    error = (images * (1 - images)).mean((1, 2, 3))
    expected = [(-10 * (error / t).log10()).mean().item() for t in steps]
    assert found["psnr"] == pytest.approx(expected, abs=0.5)
    assert found["ssim"] == sorted(found["ssim"])
    assert (found["at"], found["time_steps"]) == (5, steps)
    assert found["psnr"][1] < found["psnr_at"] < found["psnr"][2]
    assert found["ssim"][1] < found["ssim_at"] < found["ssim"][2]
    decoded = (torch.rand((16, *images.shape), generator=torch.Generator().manual_seed(0)) < images).float().mean(0)
    assert found["ssim"][2] == pytest.approx(ssim(decoded, images).mean().item())


def test_a_constant_current_loses_nothing() -> None:
    found = encoding_ceiling(ToyDigits(encoder=ConstantCurrentEncoder(3, gain=0.5)), [1, 3])
    assert found is not None
    assert found["psnr"] == [MOST_DECIBELS] * 2
    assert found["ssim"] == pytest.approx([1.0, 1.0])


def test_there_is_none_where_nothing_can_be_decoded(toy_digits: ToyDigits) -> None:
    assert encoding_ceiling(toy_digits, [1]) is None
    assert encoding_ceiling(ToyDigits(encoder=Undecodable(3)), [1]) is None
    assert EventCameraEncoder(4).decode(torch.zeros(4, 1, 1, 3, 3)) is None


class Undecodable(RateEncoder):
    def decode(self, inputs: torch.Tensor) -> None:  # type: ignore[override]
        return None


@pytest.mark.parametrize("linear", [False, True])
@pytest.mark.parametrize("clip", [False, True])
def test_latencies_are_decoded_to_the_grey_levels_they_stand_for(linear: bool, clip: bool) -> None:
    encoder = LatencyEncoder(20, linear=linear, clip=clip, threshold=0.1)
    levels = torch.linspace(0, 1, 256)
    times = [
        int(spikes.argmax()) if spikes.any() else 20
        for spikes in encoder.encode(levels.view(1, 1, 1, -1))[:, 0, 0, 0].T
    ]
    images = torch.rand(2, 1, 5, 5, generator=torch.Generator().manual_seed(0)).mul(255).round().div(255)
    decoded = encoder.decode(encoder.encode(images))
    for pixel, value in zip(images.flatten().tolist(), decoded.flatten().tolist(), strict=True):
        alike = [level for level, time in zip(levels.tolist(), times, strict=True) if time == times[round(pixel * 255)]]
        assert value == pytest.approx(math.fsum(alike) / len(alike), abs=1e-5)


@pytest.mark.parametrize("encoder", [RateEncoder(500, gain=0.5), ConstantCurrentEncoder(3, gain=2.0)])
def test_the_gain_is_taken_back(encoder: Encoder) -> None:
    images = torch.rand(1, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    decoded = encoder.decode(encoder.encode(images, torch.Generator().manual_seed(1)))
    assert decoded is not None
    torch.testing.assert_close(decoded, images, atol=0.12, rtol=0)


@pytest.mark.parametrize(
    ("nearest", "words"),
    [
        (0.94, "with an SSIM of 0.940, so the encoding is not what limits the attacks."),
        (0.96, "with an SSIM of 0.960, so the encoding may be what limits the attacks."),
        (None, "a PSNR of 30.0 dB."),
    ],
)
def test_the_section_says_whether_the_encoding_limits_the_attacks(nearest: float | None, words: str) -> None:
    row = {"target": "snn", "attack": "v3", "ssim_class_mean": 0.5, "ssim_nearest": nearest}
    ceiling: dict[str, Any] = {"time_steps": [1, 5], "ssim": [0.9, 0.995], "psnr": [20.0, 30.0]}
    ceiling |= {"at": 5, "ssim_at": 0.995, "psnr_at": 30.0, "attacks": [row]}
    looks = Looks({"attacks": ["v3"], "targets": ["snn"], "judges": []})
    assert EncodingCeiling().section(ceiling, {}, looks, None).finding.endswith(words)  # type: ignore[arg-type]
