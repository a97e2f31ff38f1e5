"""What a dense first layer's gradient shows: images by hand, frames spike for spike, and when it shows nothing."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from brainleaks_pl import CNN, MLP, Classifier, ConstantCurrentEncoder, NonSpiking, RateEncoder, SpikingMLP
from brainleaks_pl.leakage import (
    BiasRatio,
    MeanFrame,
    NotApplicableError,
    Protection,
    SharedGradient,
    SpikeFrames,
    bias_ratio,
    find_frames,
    mean_frame,
    share_gradient,
    share_update,
)
from brainleaks_pl.leakage.grouping import mean_frames

SHAPE = (1, 12, 12)
STEPS = 8


def network(kind: type[nn.Module] = SpikingMLP, hidden: int = 40, seed: int = 0) -> Classifier:
    torch.manual_seed(seed)
    arguments = {"hidden": hidden} if kind is not CNN else {"kernel": 2}
    return Classifier(partial(kind, input_shape=SHAPE, num_classes=3, **arguments)).eval()


def images(count: int, seed: int = 0) -> Tensor:
    """Grey pictures, each with a black half of its own."""
    pictures = torch.rand(count, *SHAPE, generator=torch.Generator().manual_seed(seed))
    for place, picture in enumerate(pictures):
        picture[:, 6 * (place % 2) : 6 * (place % 2) + 6] = 0
    return pictures


def spikes(count: int, seed: int = 0) -> Tensor:
    return RateEncoder(STEPS).encode(images(count, seed), torch.Generator().manual_seed(seed + 5000))


def rows(frames: Tensor) -> set[bytes]:
    return {frame.bool().numpy().tobytes() for frame in frames.flatten(1)}


def test_the_ratio_of_one_input_by_hand_and_of_two_is_their_weighted_mean() -> None:
    inputs, signals = torch.tensor([[0.5, 0.0, 1.0], [0.0, 1.0, 1.0]]), torch.tensor([[2.0, -1.0], [1.0, 1.0]])
    one = bias_ratio(torch.outer(signals[0], inputs[0]), signals[0])
    assert one.tolist() == [0.5, 0.0, 1.0]
    both = bias_ratio(signals.T @ inputs, signals.sum(0))  # db = (3, 0): weights 2/3 and 1/3
    torch.testing.assert_close(both, torch.tensor([1 / 3, 1 / 3, 1.0]))
    with pytest.raises(NotApplicableError, match="gradient of the first layer's bias is zero"):
        bias_ratio(torch.ones(2, 3), torch.zeros(2))


def test_the_mean_frame_is_found_where_the_ratio_weighs_frames_by_chance() -> None:
    across = (-(torch.arange(16) - 7.5).square() / 20).exp()
    generator = torch.Generator().manual_seed(0)
    frames = (torch.rand(STEPS, 256, generator=generator) < torch.outer(across, across).flatten()).double()
    signals = torch.linalg.qr(torch.randn(30, STEPS, generator=generator).double())[0]
    signals[:, :2] *= 4  # two frames count for 16 of the others each
    for scale in (1.0, -3e-7):
        weight, bias = scale * signals @ frames, scale * signals.sum(1)
        errors = [
            float((own - frames.mean(0)).norm())
            for own in (bias_ratio(weight, bias), mean_frame(weight, bias, STEPS, (1, 16, 16), 0.7))
        ]
        assert errors[1] < errors[0] / 2
    found = mean_frame(weight, bias, STEPS, (1, 16, 16), 0.7)
    shares = torch.linalg.lstsq(frames.T, found.unsqueeze(1)).solution
    torch.testing.assert_close((frames.T @ shares)[:, 0], found)  # nothing but the frames
    assert shares.sum().item() == pytest.approx(1)
    ann, private, label = network(MLP), images(1), torch.tensor([2])
    torch.testing.assert_close(MeanFrame().recover(ann, share_gradient(ann, private, label)).images, private)
    with pytest.raises(NotApplicableError, match=r"8 frames .* are more than the 7 units"):
        MeanFrame().recover(network(hidden=7), share_gradient(network(hidden=7), spikes(1), label))
    with pytest.raises(NotApplicableError, match="noise was added"):
        mean_frame(weight + 1e-9 * torch.randn(weight.shape, generator=generator), bias, STEPS, (1, 16, 16), 0.7)
    with pytest.raises(ValueError, match="blur must be positive and finite, got 0"):
        MeanFrame(0.0)


def test_one_image_of_a_network_that_takes_images_or_a_current_is_recovered_itself() -> None:
    private, label = images(1), torch.tensor([2])
    ann, snn = network(MLP), network()
    torch.testing.assert_close(BiasRatio().recover(ann, share_gradient(ann, private, label)).images, private)
    current = ConstantCurrentEncoder(STEPS, gain=2.0)
    shared = share_gradient(snn, current.encode(private), label)
    torch.testing.assert_close(BiasRatio().recover(snn, shared, current).images, private, atol=1e-4, rtol=0)
    assert not any(parameter.grad is not None for parameter in snn.parameters())


def test_what_is_normalised_before_the_layer_is_recovered_as_it_was() -> None:
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Flatten(), nn.Linear(144, 20), nn.Tanh(), nn.Linear(20, 3))
    interface = NonSpiking(mean=(0.3,), std=(0.5,))
    wrapped = Classifier(plain, interface=interface, input_shape=SHAPE, num_classes=3).eval()
    private = images(1)
    found = BiasRatio().recover(wrapped, share_gradient(wrapped, private, torch.tensor([1])))
    torch.testing.assert_close(found.images, private, atol=1e-4, rtol=0)


@pytest.mark.parametrize("count", [1, 2])
def test_all_frames_of_a_batch_are_recovered_without_an_error(count: int) -> None:
    x, labels = spikes(count), torch.arange(count)
    snn = network()
    for own in (share_gradient(snn, x, labels), share_gradient(snn.requires_grad_(False), x, labels, Protection(0.01))):
        found = SpikeFrames(starts=100, steps=200).recover(snn, own, RateEncoder(STEPS))
        assert found.frames is not None
        assert rows(found.frames) == rows(x.flatten(0, 1))
        means = {tuple(image.flatten().tolist()) for image in found.images}
        assert means == {tuple(image.flatten().tolist()) for image in x.mean(0)}


@pytest.mark.parametrize(("count", "pixels", "searched"), [(6, 50, None), (8, 600, 160)])
def test_frames_in_a_planted_gradient_whatever_its_scale(count: int, pixels: int, searched: int | None) -> None:
    generator = torch.Generator().manual_seed(3)
    frames = (torch.rand(count, pixels, generator=generator) < 0.3).double()
    frames[:, :2] = 0  # as a picture's border
    signals = torch.randn(20, count, generator=generator).double()
    for scale in (1.0, -3e-7):
        found = find_frames(scale * signals @ frames, scale * signals.sum(1), count, starts=50)
        assert (rows(found.frames), found.rank) == (rows(frames), count)
        assert searched in (None, found.pixels)


def test_smoothing_takes_the_noise_of_the_code_away_and_leaves_flat_pictures() -> None:
    snn, flat = network(hidden=60), torch.full((1, *SHAPE), 0.5)
    shared = share_gradient(snn, RateEncoder(STEPS).encode(flat, torch.Generator().manual_seed(1)), torch.tensor([0]))
    errors = [(BiasRatio(s).recover(snn, shared, RateEncoder(STEPS)).images - flat).abs().max() for s in (0.0, 3.0)]
    assert errors[1] < errors[0] / 3
    ann = network(MLP)
    blurred = BiasRatio(2.0).recover(ann, share_gradient(ann, flat, torch.tensor([0]))).images
    torch.testing.assert_close(blurred, flat, atol=1e-4, rtol=0)
    with pytest.raises(ValueError, match="smoothing must be finite and not negative, got -1"):
        BiasRatio(-1.0)


@settings(max_examples=5, deadline=None)
@given(size=st.integers(1, 3), seed=st.integers(0, 1000))
def test_no_frame_is_invented(size: int, seed: int) -> None:
    x = spikes(size, seed)
    snn = network(seed=seed)
    shared = share_gradient(snn, x, torch.arange(size))
    frames = SpikeFrames(starts=50, steps=100, rounds=4).recover(snn, shared).frames
    assert frames is not None
    assert rows(frames) <= rows(x.flatten(0, 1))


def test_frames_that_a_gradient_does_not_determine_are_refused() -> None:
    snn = network(hidden=STEPS - 1)
    with pytest.raises(NotApplicableError, match=r"^8 frames .* are more than the 7 units of the first layer"):
        SpikeFrames().recover(snn, share_gradient(snn, spikes(1), torch.tensor([0])))
    signals = torch.randn(20, 6, generator=torch.Generator().manual_seed(0))
    few = torch.eye(6)  # any binary combination of these is binary
    with pytest.raises(NotApplicableError, match="only 7 groups of pixels with spikes of their own span 6 dimensions"):
        find_frames(signals @ few, signals.sum(1), 6)
    with pytest.raises(NotApplicableError, match="rank is above the number of frames, 5"):
        find_frames(signals @ few, signals.sum(1), 5)
    with pytest.raises(NotApplicableError, match="is zero: no unit was near its threshold"):
        find_frames(torch.zeros(8, 4), torch.zeros(8), 5)
    with pytest.raises(ValueError, match="starts, steps and rounds must be at least 1, got 0, 300 and 30"):
        SpikeFrames(starts=0)


def test_networks_that_are_not_read_in_closed_form_say_why() -> None:
    cnn, ann = network(CNN), network(MLP)
    with pytest.raises(NotApplicableError, match=r"of CNN cannot be read .* in closed form: no linear layer sees it"):
        BiasRatio().recover(cnn, share_gradient(cnn, images(1), torch.tensor([0])))
    with pytest.raises(NotApplicableError, match="MLP takes images, which are not binary frames"):
        SpikeFrames().recover(ann, share_gradient(ann, images(1), torch.tensor([0])))
    unbiased = nn.Sequential(nn.Flatten(), nn.Linear(144, 3, bias=False))
    wrapped = Classifier(unbiased, interface=NonSpiking(), input_shape=SHAPE, num_classes=3)
    with pytest.raises(NotApplicableError, match="its layer has no bias"):
        BiasRatio().recover(wrapped, share_gradient(wrapped, images(1), torch.tensor([0])))
    silent = SharedGradient({name: torch.zeros_like(own) for name, own in ann.network.named_parameters()}, 1)
    with pytest.raises(NotApplicableError, match="the shared gradient is zero everywhere"):
        BiasRatio().recover(ann, silent)
    broken = SharedGradient({name: own.detach() / 0 for name, own in ann.network.named_parameters()}, 1)
    with pytest.raises(NotApplicableError, match="entries that are not finite"):
        BiasRatio().recover(ann, broken)


def test_clipping_hides_nothing_and_noise_does() -> None:
    ann, private, label = network(MLP), images(1), torch.tensor([0])

    def error(protection: Protection) -> float:
        shared = share_gradient(ann, private, label, protection, torch.Generator().manual_seed(0))
        return float((BiasRatio().recover(ann, shared).images - private).abs().mean())

    assert error(Protection(1e-3)) < 1e-4
    assert error(Protection(1.0, 1e-5)) < 0.01
    assert error(Protection(1.0, 1.0)) > 0.2
    snn = network()
    noisy = share_gradient(snn, spikes(1), label, Protection(1.0, 1e-3), torch.Generator().manual_seed(0))
    with pytest.raises(NotApplicableError, match="noise was added"):
        SpikeFrames().recover(snn, noisy)


def test_several_local_steps_send_their_mean_gradient() -> None:
    ann, private, label = network(MLP), images(1), torch.tensor([0])
    before = ann.digest()
    batch = (private, label)
    one, several = share_update(ann, [batch], 0.5), share_update(ann, [batch] * 3, 0.5)
    assert (ann.digest(), several.frames, several.local_steps) == (before, 3, 3)
    for name, own in share_gradient(ann, private, label).gradient.items():
        torch.testing.assert_close(one.gradient[name], own, atol=1e-6, rtol=1e-4)
    torch.testing.assert_close(BiasRatio().recover(ann, several).images, private, atol=1e-4, rtol=0)
    slow = share_update(ann, [batch] * 4, 0.01).gradient["output.bias"]
    torch.testing.assert_close(slow, one.gradient["output.bias"], atol=0, rtol=0.2)
    with pytest.raises(ValueError, match="all of the same shape, got 2 shapes"):
        share_update(ann, [batch, (images(2), torch.tensor([0, 1]))], 0.5)
    with pytest.raises(ValueError, match="learning_rate must be positive and finite, got 0"):
        share_update(ann, [batch], 0)


def test_each_sample_is_clipped_by_itself_and_noise_is_of_the_size_said() -> None:
    steep, flat = {"w": torch.tensor([3.0, 4.0])}, {"w": torch.tensor([0.0, 0.1])}
    torch.testing.assert_close(Protection(0.5).apply([steep, flat])["w"], torch.tensor([0.15, 0.25]))
    many = [{"w": torch.zeros(20_000)}] * 4
    noise = Protection(0.5, 3.0).apply(many, torch.Generator().manual_seed(0))["w"]
    assert noise.std().item() == pytest.approx(0.5 * 3.0 / 4, rel=0.05)
    ann, x, labels = network(MLP), images(2), torch.tensor([0, 1])
    singles = [share_gradient(ann, x[k : k + 1], labels[k : k + 1]).gradient["output.bias"] for k in (0, 1)]
    both = [share_gradient(ann, x, labels, Protection(clip)).gradient["output.bias"] for clip in (1e-3, 1e3)]
    torch.testing.assert_close(both[1], (singles[0] + singles[1]) / 2)
    sizes = [torch.stack([own.norm() for own in share_gradient(ann, x[k : k + 1], labels[k : k + 1]).gradient.values()])
             for k in (0, 1)]  # fmt: skip
    torch.testing.assert_close(
        both[0], sum(1e-3 * own / size.norm() for own, size in zip(singles, sizes, strict=True)) / 2
    )
    with pytest.raises(ValueError, match="give clip, the largest norm"):
        Protection(noise_multiplier=1.0)
    with pytest.raises(ValueError, match="clip must be positive and finite, got 0"):
        Protection(0.0)
    with pytest.raises(ValueError, match="noise_multiplier must be finite and not negative, got -1"):
        Protection(1.0, -1.0)


def test_frames_are_put_together_by_what_they_show() -> None:
    first, second = torch.tensor([1.0, 1, 1, 0, 0, 0]), torch.tensor([0.0, 0, 0, 1, 1, 1])
    frames = torch.stack([first, second, first * torch.tensor([1, 0, 1, 0, 0, 0]), second, first])
    means = sorted(mean_frames(frames, 2).tolist())
    assert means == [[0, 0, 0, 1, 1, 1], [1, pytest.approx(2 / 3), 1, 0, 0, 0]]
    assert len(mean_frames(frames[:1], 4)) == 1
