"""The checks of a network before an attack: every way in which networks have failed in silence is found, and named."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from toys import Blind, ToyDigits, classifier

from brainleaks_pl import LIF, Classifier, NonSpiking, RateEncoder, SpikingMLP, StraightThrough, TimeFirst, wrap
from brainleaks_pl.networks.surrogates import FastSigmoid, Surrogate
from brainleaks_pl.targets.checks import Checks, FailedCheckError, Measurement, measure, run_checks
from brainleaks_pl.targets.interfaces import Answer

SHAPE = (1, 12, 12)
STEPS = 5


@pytest.fixture(scope="module")
def images() -> ToyDigits:
    return ToyDigits(batch_size=30)


@pytest.fixture(scope="module")
def spikes() -> ToyDigits:
    return ToyDigits(encoder=RateEncoder(time_steps=STEPS), batch_size=30)


def templates(data: ToyDigits, gain: float = 20.0) -> nn.Linear:
    """A layer that knows the toy digits: each class's mean image, less the mean of all."""
    means = data.class_means().flatten(1)
    layer = nn.Linear(144, 3)
    with torch.no_grad():
        layer.weight.copy_(gain * (means - means.mean(0)) / means.std())
        layer.bias.copy_(-(layer.weight * means.mean(0)).sum(1))
    return layer


class Knowing(nn.Module):
    """A spiking network that knows the toy digits; returns its output's (spikes, membranes)."""

    def __init__(self, layer: nn.Linear, surrogate: Surrogate | None = None) -> None:
        super().__init__()
        self.layer, self.neurons = layer, LIF(0.8, surrogate=surrogate)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        spikes, membranes = self.neurons(self.layer(x.flatten(2)) / 20)
        return spikes, membranes


def wrapped(network: nn.Module, interface: Any = None, **settings: Any) -> Classifier:
    made = wrap(network, interface=interface, input_shape=SHAPE, num_classes=3, **settings)
    made.time_steps = STEPS
    return made


def knowing(data: ToyDigits, answer: Answer = "membranes", output: int | None = 1, **settings: Any) -> Classifier:
    return wrapped(Knowing(templates(data)), TimeFirst(answer=answer, output=output), **settings)


def statuses(network: Classifier, data: ToyDigits, **settings: Any) -> dict[str, str]:
    return {finding.check: finding.status for finding in run_checks(network, data, **settings).findings}


def found(network: Classifier, data: ToyDigits, check: str, status: str = "failed", **settings: Any) -> str:
    """The text of one check, which must have the status."""
    report = run_checks(network, data, **settings)
    (finding,) = [finding for finding in report.findings if finding.check == check]
    assert finding.status == status, report.findings
    return str(finding)


def test_a_sound_network_passes(spikes: ToyDigits, images: ToyDigits) -> None:
    for network, data in (
        (knowing(spikes, "spike_count", 0), spikes),
        (wrapped(nn.Sequential(nn.Flatten(), templates(images)), NonSpiking()), images),
    ):
        report = run_checks(network, data)
        assert not report.failed, report.failed
        assert report.test_accuracy == 1.0
        assert report.test_samples == 30
        assert report.masking_untestable is None
        report.raise_if_failed()


def test_a_network_is_left_as_it_was(spikes: ToyDigits) -> None:
    network = knowing(spikes).train()
    network.network.layer.eval()
    before, random = {name: value.clone() for name, value in network.state_dict().items()}, torch.get_rng_state()
    run_checks(network, spikes)
    assert network.training
    assert not network.network.layer.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random)
    assert network.network.neurons.surrogate == FastSigmoid(40.0)


class Remembering(Knowing):
    """Keeps the last membranes, and starts from them."""

    last: Tensor | float = 0.0

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        spikes, membranes = super().forward(x)
        membranes = membranes + (self.last if isinstance(self.last, float) or self.last.shape == membranes.shape else 0)
        self.last = membranes.detach()
        return spikes, membranes


def test_state_kept_between_calls(spikes: ToyDigits) -> None:
    network = wrapped(Remembering(templates(spikes)), TimeFirst(output=1))
    message = found(network, spikes, "two calls agree")
    assert "its neurons keep their state between calls" in message
    assert "interface" in message


class BatchFirst(Knowing):
    """Takes (B, T, ...) where the interface says (T, B, ...)."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        spikes, membranes = super().forward(x.transpose(0, 1))
        return spikes.transpose(0, 1), membranes.transpose(0, 1)


def test_batch_and_time_exchanged(spikes: ToyDigits) -> None:
    exchanged = wrapped(BatchFirst(templates(spikes)), TimeFirst(output=1))
    assert "Set interface.layout" in found(exchanged, spikes, "a sample by itself")
    right = wrapped(BatchFirst(templates(spikes)), TimeFirst(output=1, layout="batch_first"))
    assert statuses(right, spikes)["a sample by itself"] == "ok"

    class Reduced(BatchFirst):
        def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
            return super().forward(x)[1].sum(1)

    report = run_checks(wrapped(Reduced(templates(spikes)), TimeFirst()), spikes)
    assert "batch and time may be exchanged" in str(report.failed[0])
    assert statuses(wrapped(Reduced(templates(spikes)), TimeFirst(layout="batch_first")), spikes)["accuracy"] == "ok"


@pytest.mark.parametrize("samples", [STEPS, STEPS + 1])
def test_batch_and_time_are_never_of_one_length(spikes: ToyDigits, samples: int) -> None:
    class Reduced(BatchFirst):
        def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
            return super().forward(x)[1].sum(1)

    assert run_checks(wrapped(Reduced(templates(spikes)), TimeFirst()), spikes, Checks(samples=samples)).failed


def test_membranes_in_place_of_spikes_and_the_other_way_round(spikes: ToyDigits) -> None:
    message = found(knowing(spikes, "spike_count", 1), spikes, "answer")
    assert "spike_count is asked for, but the outputs are no spikes" in message
    assert "interface.output" in message
    message = found(knowing(spikes, "membrane_sum", 0), spikes, "answer")
    assert "membrane_sum is asked for, but the outputs are spikes" in message
    assert statuses(knowing(spikes, "spike_count", 0), spikes)["answer"] == "ok"


def test_an_output_that_is_not_there(spikes: ToyDigits) -> None:
    message = found(knowing(spikes, output=2), spikes, "answer")
    assert "the network returned 2 values, but output 2 is asked for: set interface.output to one of 0 to 1" in message


def test_a_silent_network_and_one_of_broken_weights(spikes: ToyDigits) -> None:
    silent = knowing(spikes, "spike_count", 0)
    with torch.no_grad():
        silent.network.layer.weight.zero_()
        silent.network.layer.bias.zero_()
    assert "says the same of all samples" in found(silent, spikes, "answer")
    broken = knowing(spikes)
    with torch.no_grad():
        broken.network.layer.weight[0, 0] = float("nan")
    assert "not finite" in found(broken, spikes, "answer")


class Fixed(nn.Module):
    """Neurons that have a surrogate, and never look at it."""

    def __init__(self) -> None:
        super().__init__()
        self.surrogate: Surrogate = FastSigmoid()

    def forward(self, x: Tensor) -> Tensor:
        return StraightThrough().spike_function()(x)


@pytest.mark.parametrize("known", [True, False])
def test_a_surrogate_that_no_neuron_takes_cannot_be_tested(spikes: ToyDigits, known: bool) -> None:
    neurons = Fixed()
    if not known:
        del neurons.surrogate
    network = wrapped(nn.Sequential(nn.Flatten(2), templates(spikes), neurons), TimeFirst(answer="spike_count"))
    report = run_checks(network, spikes)
    assert not report.failed
    reason = "stays the same, to the bit" if known else "TimeFirst finds no neurons in it"
    assert reason in str(report.masking_untestable)
    assert "masked gradients cannot be tested: " in found(network, spikes, "exchanged surrogate", "warning")


def test_a_network_left_to_chance(spikes: ToyDigits, tmp_path: Path) -> None:
    class Random(Knowing):
        """A network of which the file holds but half: its neurons' input is shifted at random."""

        def __init__(self) -> None:
            super().__init__(templates(spikes))
            self.shift = torch.rand(3)

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            spikes, membranes = super().forward(x)
            return spikes, membranes + self.shift

    for kind, status in ((Random, "failed"), (partial(Knowing, templates(spikes)), "ok")):
        torch.save(kind().state_dict(), tmp_path / "weights.pt")
        network = Classifier(kind, TimeFirst(output=1), SHAPE, 3, weights=str(tmp_path / "weights.pt"))
        network.time_steps = STEPS
        message = found(network, spikes, "built again", status)
        assert ("left to chance" in message) or status == "ok"
    named = Classifier(lambda: nn.Sequential(nn.Flatten(2), nn.Linear(144, 3)), TimeFirst(), SHAPE, 3, pretrained=True)
    assert "another: 1.weight, 1.bias is left to chance" in found(named, spikes, "built again").replace(
        "1.bias, 1.weight", "1.weight, 1.bias"
    )


@pytest.mark.parametrize(("scale", "key"), [(255.0, "scale: 255"), (1 / 255, "scale: 0.003922")])
def test_the_wrong_scale_of_the_input(images: ToyDigits, scale: float, key: str) -> None:
    class Choosy(nn.Module):
        """Knows digits whose brightest pixel is in its range, and sees class 0 in all others."""

        def __init__(self) -> None:
            super().__init__()
            self.layer = templates(images)

        def forward(self, x: Tensor) -> Tensor:
            brightest = x.flatten(1).amax(1, keepdim=True) / scale
            right = ((brightest > 0.5) & (brightest < 1.5)).float()
            return self.layer(x.flatten(1) / scale) * right + torch.tensor([1e-3, 0, 0]) * (1 + x.flatten(1)[:, :1])

    message = found(wrapped(Choosy(), NonSpiking()), images, "input scale")
    assert f"Set interface.{key}" in message
    assert "recognises 0.333 of the test samples as they are, and 1.000 with" in message
    assert statuses(wrapped(Choosy(), NonSpiking(scale=scale)), images)["input scale"] == "ok"


def test_accuracy_is_held_against_what_is_expected_and_against_chance(images: ToyDigits) -> None:
    def network(sign: float, **settings: Any) -> Classifier:
        layer = templates(images, gain=20.0 * sign)
        return wrapped(nn.Sequential(nn.Flatten(), layer), NonSpiking(), **settings)

    assert "1.000 on 30 test samples; 0.990 was expected" in found(
        network(1, expected_accuracy=0.99), images, "accuracy", "ok"
    )
    assert "0.000 on 30 test samples, where 0.990 was expected" in found(
        network(-1, expected_accuracy=0.99), images, "accuracy"
    )
    assert "which is no better than chance (0.333)" in found(network(-1), images, "accuracy")
    assert "set expected_accuracy" in found(network(1), images, "accuracy", "ok")


def test_gradients_that_are_zero_or_not_finite(spikes: ToyDigits) -> None:
    blind = wrapped(Knowing(templates(spikes), Blind()), TimeFirst(answer="spike_count", output=0))
    assert "it is zero for all of 6 samples" in found(blind, spikes, "input gradient")
    assert "it is zero for all of 6 samples" in found(blind, spikes, "input gradient", "warning", needs_gradient=False)
    assert "zero for 0 of" in found(blind, spikes, "input gradient", "ok", surrogate=FastSigmoid(2.0))

    class Detached(Knowing):
        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            spikes, membranes = super().forward(x)
            return spikes.detach(), membranes.detach()

    detached = wrapped(Detached(templates(spikes)), TimeFirst(output=1))
    assert "cannot be differentiated" in found(detached, spikes, "input gradient")

    class Steep(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.flatten(1)[:, 70:73].relu().mul(0).sqrt() + x.flatten(1)[:, 70:73]

    assert "not finite" in found(wrapped(Steep(), NonSpiking()), ToyDigits(batch_size=30), "input gradient")


def test_the_temperature_that_mends_the_confidence_is_found() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(1, 4000, 5, generator=generator) * 2
    labels = torch.multinomial(logits[0].softmax(-1), 1, generator=generator).flatten()
    honest, hot = Measurement(logits, labels), Measurement(logits * 8, labels)
    assert honest.best_temperature == pytest.approx(1.0, rel=0.1)
    assert hot.best_temperature == pytest.approx(8.0, rel=0.1)
    assert honest.calibration_error < 0.03 < hot.calibration_error
    confidences, predicted = logits[0].softmax(-1).max(-1)
    plain = 0.0
    for low in range(15):
        chosen = (confidences * 15).ceil() == low + 1
        if chosen.any():
            gap = (predicted == labels)[chosen].double().mean() - confidences[chosen].double().mean()
            plain += abs(float(gap)) * float(chosen.double().mean())
    assert honest.calibration_error == pytest.approx(plain, abs=2e-3)


def test_rates_of_spikes_say_little(spikes: ToyDigits) -> None:
    """A softmax over 0/1 spikes of three classes is at most e / (e + 2)."""
    network = knowing(spikes, "spike_rate", 0)
    measured = measure(network, spikes, 30)
    assert measured.confidences.max() <= math.e / (math.e + 2) + 1e-6
    assert measured.best_temperature < 0.5
    assert "Multiply interface.temperature" in found(network, spikes, "calibration", "warning")
    cooler = wrapped(network.network, TimeFirst(answer="spike_rate", output=0, temperature=0.05))
    assert measure(cooler, spikes, 30).mean_confidence > 0.95


def test_a_failed_check_is_one_error_that_names_the_key(spikes: ToyDigits) -> None:
    report = run_checks(knowing(spikes, "spike_count", 1), spikes, name="target")
    with pytest.raises(
        FailedCheckError, match=r"target failed 1 of \d+ checks. answer: spike_count .* interface.output"
    ):
        report.raise_if_failed()


def test_accuracy_is_measured_where_the_network_brought_its_weights(spikes: ToyDigits) -> None:
    trained_here = classifier(SpikingMLP, SHAPE, 3, 8, time_steps=STEPS)
    assert run_checks(trained_here, spikes).test_accuracy is None
    assert run_checks(trained_here, spikes, with_accuracy=True).test_samples == 30
    assert run_checks(knowing(spikes), spikes, Checks(test_samples=7)).test_samples == 7
    caution = "They may have been among its own training data."
    assert caution in found(knowing(spikes), spikes, "accuracy", "ok")
    with torch.no_grad():
        trained_here.network.hidden.weight.mul_(20)
    measured = run_checks(trained_here, spikes, with_accuracy=True)
    assert not any(caution in str(finding) for finding in measured.findings)


@pytest.mark.parametrize(("name", "value"), [("samples", 1), ("test_samples", 0)])
def test_settings_out_of_range(name: str, value: int) -> None:
    with pytest.raises(ValueError, match=f"checks.{name} must be at least .*, got {value}"):
        Checks(**{name: value})


def test_samples_are_spread_over_a_sorted_data_set(images: ToyDigits) -> None:
    class Sorted(ToyDigits):
        def load(self) -> Any:
            splits = super().load()
            order = splits["test"].labels.argsort()
            splits["test"].images, splits["test"].labels = splits["test"].images[order], splits["test"].labels[order]
            return splits

    network = wrapped(nn.Sequential(nn.Flatten(), templates(images)), NonSpiking())
    assert measure(network, Sorted(batch_size=30), 6).labels.tolist() == [0, 0, 1, 1, 2, 2]
