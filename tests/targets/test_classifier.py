"""What a classifier makes of any network: inputs, loss, prediction, its description, the training and its clipping."""

from __future__ import annotations

import copy
import json
import re
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import numpy as np
import pytest
import snntorch
import torch
import torch.nn.functional as F
from lightning.pytorch import Callback
from torch import Tensor, nn
from toys import ToyDigits, classifier, mlp, run, silent_trainer, spiking_mlp

from brainleaks_pl import (
    CNN,
    LIF,
    MLP,
    ATan,
    Classifier,
    FastSigmoid,
    MIFace,
    NonSpiking,
    RateEncoder,
    SpikingCNN,
    SpikingMLP,
    TimeFirst,
    Training,
    wrap,
)
from brainleaks_pl.targets.learner import shifted_at_random

SPIKES = (torch.rand(4, 5, 1, 6, 6, generator=torch.Generator().manual_seed(0)) < 0.4).float()
LABELS = torch.tensor([0, 1, 2, 1, 0])


class Fixed(nn.Module):
    """Outputs that the test chooses, (T, B, K) whatever the input."""

    def __init__(self, outputs: Tensor) -> None:
        super().__init__()
        self.outputs = outputs

    def forward(self, x: Tensor) -> Tensor:
        return self.outputs


def test_loss_is_the_cross_entropy_summed_over_time() -> None:
    network = spiking_mlp()
    logits = network.logits(SPIKES)
    expected = sum(F.cross_entropy(step, LABELS) for step in logits)
    torch.testing.assert_close(network.loss(logits, LABELS), expected)
    torch.testing.assert_close(network.loss(logits[:1], LABELS), F.cross_entropy(logits[0], LABELS))


def test_prediction_sums_the_outputs_over_time() -> None:
    steps = [[[0, 5, 0], [1, 0, 0]], [[4, 0, 0], [0, 1.5, 0]], [[4, 0, 0], [4, 0, 0]]]
    outputs = torch.tensor(steps)
    network = Classifier(Fixed(outputs), TimeFirst(), (1, 2, 2), 3)
    x = torch.zeros(3, 2, 1, 2, 2)  # class 0 by its sum, though 1 has the largest value
    assert network.predict_step((x, LABELS[:2]), 0).tolist() == [0, 0]
    network.log = lambda *args, **kwargs: None  # type: ignore[method-assign]
    network.validation_step((x, torch.tensor([0, 1])), 0)
    network.test_step((x, torch.tensor([0, 0])), 0)
    assert network.val_accuracy.compute() == 0.5
    assert network.test_accuracy.compute() == 1.0
    torch.testing.assert_close(network.training_step((x, LABELS[:2]), 0), network.loss(outputs, LABELS[:2]))


def test_confidences_are_the_softmax_averaged_over_time() -> None:
    network = spiking_mlp()
    logits = network.logits(SPIKES)
    expected = sum(step.exp() / step.exp().sum(-1, keepdim=True) for step in logits) / 4
    torch.testing.assert_close(network.confidences(SPIKES), expected)


def test_an_ordinary_network_sees_the_rate_image_of_spikes() -> None:
    network = mlp()
    assert torch.equal(network.logits(SPIKES), network.network(SPIKES.mean(0)).unsqueeze(0))
    assert torch.equal(network(SPIKES), network.logits(SPIKES))
    assert network.logits(SPIKES[0]).shape == (1, 5, 3)


@pytest.mark.parametrize(
    ("network", "shape", "message"),
    [
        (spiking_mlp(), (5, 1, 6, 6), r"SpikingMLP takes \(T, B, C, H, W\) .* \(1, 6, 6\), got \(5, 1, 6, 6\)"),
        (spiking_mlp(), (4, 5, 1, 6, 7), r"= \(1, 6, 6\), got \(4, 5, 1, 6, 7\)"),
        (spiking_mlp(), (4, 5, 36), r"got \(4, 5, 36\)"),
        (mlp(), (1, 6, 6), r"MLP takes \(B, C, H, W\) with .* \(1, 6, 6\), got \(1, 6, 6\)"),
        (mlp(), (5, 2, 6, 6), r"got \(5, 2, 6, 6\)"),
        (mlp(), (2, 4, 5, 1, 6, 6), r"got \(2, 4, 5, 1, 6, 6\)"),
    ],
)
def test_inputs_of_the_wrong_shape(network: Classifier, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        network.logits(torch.zeros(shape))


def test_architecture_holds_plain_values_that_tell_networks_apart() -> None:
    shape = (1, 16, 16)
    networks = [
        MLP(shape, 3, 5),
        MLP(shape, 3, 6),
        MLP(shape, 4, 5),
        MLP((1, 16, 18), 3, 5),
        SpikingMLP(shape, 3, 5),
        SpikingMLP(shape, 3, 5, beta=0.8),
        SpikingMLP(shape, 3, 5, threshold=0.5),
        SpikingMLP(shape, 3, 5, reset="zero"),
        CNN(shape, 3),
        CNN(shape, 3, channels=(2, 24)),
        CNN(shape, 3, kernel=3),
        SpikingCNN(shape, 3),
        SpikingCNN(shape, 3, kernel=3),
    ]
    wrapped = [Classifier(network) for network in networks]
    wrapped += [Classifier(SpikingMLP(shape, 3, 5), TimeFirst(answer="spike_count"))]
    found = [network.architecture() for network in wrapped]
    assert all(a != b for i, a in enumerate(found) for b in found[i + 1 :])
    assert json.loads(json.dumps(found)) == found
    neutral = {"output": None, "scale": 1.0, "mean": [0.0], "std": [1.0], "temperature": 1.0}
    assert Classifier(SpikingMLP(shape, 3, 5)).architecture() == {
        "class": "SpikingMLP",
        "input_shape": [1, 16, 16],
        "num_classes": 3,
        "beta": 0.7,
        "threshold": 1.0,
        "hidden": 5,
        "reset": "subtract",
        "interface": {
            "class": "TimeFirst",
            **neutral,
            "answer": "membranes",
            "layout": "time_first",
            "flatten": False,
        },
    }
    assert Classifier(CNN(shape, 3)).architecture() == {
        "class": "CNN",
        "input_shape": [1, 16, 16],
        "num_classes": 3,
        "channels": [12, 24],
        "kernel": 5,
        "interface": {"class": "NonSpiking", **neutral},
    }


BAD_RECIPES = [
    ("lr", 0.0),
    ("lr", float("nan")),
    ("epochs", 0),
    ("batch_size", 0),
    ("gradient_clip_norm", 0.0),
    ("max_shift", -1),
    ("keep", "first"),
]


@pytest.mark.parametrize(("name", "value"), BAD_RECIPES)
def test_training_recipe_out_of_range(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=rf"{name} must be .*, got {value!r}"):
        Training(**{name: value})


def test_training_defaults() -> None:
    recipe = Classifier(SpikingMLP).training_recipe
    assert (recipe.lr, recipe.batch_size, recipe.epochs) == (5e-5, None, 10)
    assert recipe.gradient_clip_norm == 1.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"input_shape": (1, 28)}, r"three positive numbers \(C, H, W\), got \(1, 28\)"),
        ({"input_shape": (0, 28, 28)}, r"three positive numbers \(C, H, W\), got \(0, 28, 28\)"),
        ({"num_classes": 1}, "num_classes must be at least 2, got 1"),
        ({"expected_accuracy": 1.1}, r"expected_accuracy must lie in \[0, 1\], got 1.1"),
        ({"expected_accuracy": float("nan")}, r"expected_accuracy must lie in \[0, 1\], got nan"),
        ({"spike_penalty": -1.0}, r"spike_penalty must be finite and not negative, got -1"),
        ({"spike_penalty": float("nan")}, r"spike_penalty must be finite and not negative, got nan"),
        ({"weights": "none.pt"}, "there are no weights at none.pt: set `weights` to the file of a state_dict"),
        ({"network": lambda: 3}, "network must build a torch module, got a int"),
        ({"network": MLP, "spike_penalty": 1.0}, "spike_penalty needs hidden layers of LIF neurons, and the network"),
    ],
)
def test_arguments_out_of_range(arguments: dict[str, Any], message: str) -> None:
    refused = FileNotFoundError if "weights" in arguments else ValueError
    with pytest.raises(refused, match=message):
        Classifier(**{"network": SpikingMLP, **arguments})


class Norms(Callback):
    """The gradient's norm in every step, before and after clipping."""

    def __init__(self) -> None:
        self.before: list[float] = []
        self.after: list[float] = []

    @staticmethod
    def norm(network: torch.nn.Module) -> float:
        return float(torch.stack([p.grad.norm() for p in network.parameters() if p.grad is not None]).norm())

    def on_before_optimizer_step(self, trainer: Any, network: Any, optimizer: Any) -> None:
        self.before.append(self.norm(network))

    def on_train_batch_end(self, trainer: Any, network: Any, *_: Any) -> None:
        self.after.append(self.norm(network))


def fit(
    folder: Path,
    data: ToyDigits,
    clip: float | None = 1.0,
    epochs: int = 1,
    keep: Literal["best", "last"] = "best",
    **settings: Any,
) -> tuple[Classifier, Norms]:
    torch.manual_seed(0)
    training = Training(lr=5e-3, gradient_clip_norm=clip, keep=keep)
    network = classifier(SpikingMLP, (1, 12, 12), 3, 24, training=training)
    norms = Norms()
    silent_trainer(default_root_dir=folder, max_epochs=epochs, callbacks=[norms], **settings).fit(network, data)
    return network, norms


@pytest.mark.parametrize(
    ("recipe", "settings", "limit"),
    [
        (1.0, {}, 1.0),
        (0.25, {}, 0.25),
        (None, {}, None),
        (1.0, {"gradient_clip_val": 0.5}, 0.5),  # the trainer was told otherwise
        (1.0, {"precision": "bf16-mixed"}, 1.0),
    ],
)
def test_training_clips_the_gradient(
    recipe: float | None, settings: dict[str, Any], limit: float | None, toy_spikes: ToyDigits, tmp_path: Path
) -> None:
    _, norms = fit(tmp_path, toy_spikes, recipe, **settings)
    assert len(norms.after) == 3
    assert min(norms.before) > 1
    expected = norms.before if limit is None else [limit] * 3
    assert norms.after == pytest.approx(expected, rel=1e-3)


def test_training_learns_the_toy_digits(tmp_path: Path) -> None:
    data = ToyDigits(encoder=RateEncoder(5), batch_size=10)
    network, _ = fit(tmp_path, data, epochs=4)
    (scores,) = silent_trainer(default_root_dir=tmp_path).test(network, data, verbose=False)
    assert scores["test/accuracy"] > 0.9


def test_optimizer_is_adam_at_the_recipes_rate(toy_spikes: ToyDigits, tmp_path: Path) -> None:
    network, _ = fit(tmp_path, toy_spikes)
    optimizer = network.trainer.optimizers[0]
    assert isinstance(optimizer, torch.optim.Adam)
    assert optimizer.defaults["lr"] == 5e-3


class WatchesTest(ToyDigits):
    validates_on_test = True


@pytest.mark.parametrize(("data", "keep"), [(ToyDigits, "best"), (WatchesTest, "best"), (ToyDigits, "last")])
def test_the_best_epoch_is_kept_unless_told_otherwise_or_test_images_would_choose_it(
    data: type[ToyDigits], keep: Literal["best", "last"], tmp_path: Path
) -> None:
    network, _ = fit(tmp_path, data(encoder=RateEncoder(5), batch_size=30), keep=keep, enable_checkpointing=True)
    best = data is ToyDigits and keep == "best"
    callback = network.trainer.checkpoint_callback
    assert callback is not None
    assert bool(callback.best_model_path) == best  # type: ignore[attr-defined]
    kept = {path.name for path in tmp_path.rglob("*.ckpt")}
    assert kept == ({"best.ckpt", "last.ckpt"} if best else {"last.ckpt"})


def test_nothing_is_written_where_checkpointing_is_switched_off(tmp_path: Path) -> None:
    network, _ = fit(tmp_path, ToyDigits(encoder=RateEncoder(5), batch_size=30))
    assert network.trainer.checkpoint_callback is None
    assert not list(tmp_path.rglob("*.ckpt"))


def test_an_ordinary_network_has_no_time_steps() -> None:
    target = Classifier(MLP((1, 6, 6), 3, 4))
    assert (target.time_steps, target.spiking, target.takes_spikes) == (None, False, False)
    assert not target.has_surrogates


def test_time_steps_are_unknown_until_trained() -> None:
    target = Classifier(SpikingMLP((1, 6, 6), 3, 4))
    assert (target.time_steps, target.spiking, target.takes_spikes) == (None, True, True)
    assert target.has_surrogates


def test_using_surrogate_gives_it_back_even_after_an_error() -> None:
    target = spiking_mlp()

    def surrogates() -> list[Any]:
        return [target.network.neurons.surrogate, target.network.output_neurons.surrogate]

    x = SPIKES[:, :2].clone().requires_grad_()
    (own_gradient,) = torch.autograd.grad(target(x).sum(), x)
    with target.using_surrogate(ATan()):
        assert surrogates() == [ATan()] * 2
        inside = target(x)
    assert surrogates() == [FastSigmoid()] * 2
    (gradient,) = torch.autograd.grad(inside.sum(), x)  # the forward decides, not the backward
    (expected,) = torch.autograd.grad(spiking_mlp(surrogate=ATan())(x).sum(), x)
    assert torch.equal(inside, target(x))
    torch.testing.assert_close(gradient, expected)
    assert not torch.allclose(gradient, own_gradient)
    with target.using_surrogate(None):
        assert surrogates() == [FastSigmoid()] * 2
    with pytest.raises(RuntimeError, match="inside"), target.using_surrogate(ATan()):
        raise RuntimeError("inside")
    assert surrogates() == [FastSigmoid()] * 2


def test_no_time_step() -> None:
    with pytest.raises(ValueError, match="at least one time step"):
        spiking_mlp().logits(torch.zeros(0, 2, 1, 6, 6))


@pytest.mark.parametrize(
    "target", [spiking_mlp(), classifier(SpikingCNN, (1, 10, 10), 4, channels=(3, 5), kernel=3)], ids=["mlp", "cnn"]
)
def test_mixed_precision_flips_no_spike(target: Classifier) -> None:
    x = (torch.rand(9, 5, *target.input_shape, generator=torch.Generator().manual_seed(0)) < 0.4).float()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = target.logits(x)
    assert torch.equal(mixed, target.logits(x))


@pytest.mark.parametrize(
    "target",
    [
        classifier(SpikingMLP, (1, 6, 6), 3, 12, spike_penalty=2.0),
        classifier(SpikingCNN, (1, 16, 16), 3, spike_penalty=2.0),
    ],
    ids=["mlp", "cnn"],
)
def test_the_penalty_is_on_the_spikes_of_the_hidden_layers(target: Classifier) -> None:
    network = target.network
    x = torch.rand(4, 5, *target.input_shape).round()
    labels = torch.tensor([0, 1, 2, 0, 1])
    rates = []
    with torch.no_grad():
        for weights in network.parameters():
            weights.mul_(3)
        if isinstance(network, SpikingMLP):
            rates.append(network.neurons(network.hidden(x.flatten(2)))[0].mean())
        else:
            spikes = x
            for layer, neurons in ((network.first, network.first_neurons), (network.second, network.second_neurons)):
                currents = torch.stack([network.pool(layer(step)) for step in spikes])
                spikes = neurons(currents)[0]
                rates.append(spikes.mean())
    expected = target.loss(target.eval().logits(x), labels) + 2.0 * sum(rates)
    assert sum(rates) > 0
    assert target.penalty() == 0.0  # nothing of it outside training
    target.train()
    for _ in range(2):  # the second batch does not pay for the first
        loss = target.loss(target.logits(x), labels) + target.penalty()
        torch.testing.assert_close(loss, expected)
    (gradient,) = torch.autograd.grad(target.penalty(), next(target.parameters()))
    assert gradient.abs().sum() > 0


def penalties(target: Classifier) -> list[float]:
    """What is added to the loss of each training step from now on."""
    paid: list[float] = []
    own = target.penalty

    def penalty() -> Tensor | float:
        paid.append(float(own()))
        return own()

    target.penalty = penalty  # type: ignore[method-assign]
    return paid


def test_the_penalty_is_paid_in_every_step_of_fit(toy_spikes: ToyDigits, tmp_path: Path) -> None:
    """Validation, which comes before the first and after each epoch, does not put an end to it."""
    torch.manual_seed(0)
    target = classifier(SpikingMLP, (1, 12, 12), 3, 24, spike_penalty=2.0)
    paid = penalties(target)
    silent_trainer(default_root_dir=tmp_path, max_epochs=2).fit(target, toy_spikes)
    assert len(paid) == 6
    assert min(paid) > 0


def test_a_copy_pays_for_its_own_spikes() -> None:
    target = classifier(SpikingMLP, (1, 6, 6), 3, 12, spike_penalty=2.0)
    twin = copy.deepcopy(target)
    with torch.no_grad():
        twin.network.hidden.weight.mul_(9)
    target.logits(SPIKES)
    twin.logits(SPIKES)
    rate = twin.network.neurons(twin.network.hidden(SPIKES.flatten(2)))[0].mean()
    torch.testing.assert_close(twin.penalty(), 2 * rate)
    assert twin.penalty() != target.penalty()


class Scaled(nn.Module):
    """A network as a user writes it: two layers on this package's neurons, a factor, and nothing else."""

    def __init__(self, width: int = 8, factor: float = 1.0, *, depth: int = 1) -> None:
        super().__init__()
        self.first, self.neurons = nn.Linear(36, width), LIF(0.5)
        self.last, self.factor = nn.Linear(width, 3), factor

    def forward(self, x: Tensor) -> Tensor:
        return self.factor * self.last(self.neurons(self.first(x.flatten(2)))[0])


def test_a_users_network_is_called_as_it_is() -> None:
    torch.manual_seed(0)
    network = Scaled(factor=2.0)
    target = Classifier(network, TimeFirst(temperature=4.0), (1, 6, 6), 3)
    assert target.network is network
    assert (target.name, target.spiking, target.takes_spikes) == ("Scaled", True, True)
    torch.testing.assert_close(target.logits(SPIKES), network(SPIKES) / 4)
    counted = Classifier(network, TimeFirst(answer="spike_count"), (1, 6, 6), 3)
    torch.testing.assert_close(counted.logits(SPIKES), network(SPIKES).sum(0, keepdim=True))


def test_a_users_network_is_trained_and_attacked(tmp_path: Path) -> None:
    """One that takes images, by its class; it takes the shapes of the data."""
    torch.manual_seed(0)
    target = Classifier(
        partial(nn.Sequential, nn.Flatten(), nn.Linear(144, 3)), NonSpiking(), training=Training(lr=0.05)
    )
    data = ToyDigits(batch_size=10)
    target.fit_to(data.input_shape, data.num_classes)
    silent_trainer(default_root_dir=tmp_path, max_epochs=2).fit(target, data)
    (scores,) = silent_trainer(default_root_dir=tmp_path).test(target, data, verbose=False)
    assert scores["test/accuracy"] > 0.9
    before = target.confidences(torch.zeros(3, 1, 12, 12)).diagonal()
    attack = MIFace(target, steps=20, stop_at=None)
    run(attack)
    assert (target.confidences(attack.reconstructions()).diagonal() > before).all()


def test_architecture_of_a_foreign_network_is_what_its_factory_was_given() -> None:
    factory = partial(Scaled, width=5, factor=2.0)
    found = Classifier(factory, TimeFirst(), (1, 6, 6), 3).architecture()
    assert {key: value for key, value in found.items() if key != "interface"} == {
        "class": "Scaled",
        "width": 5,
        "factor": 2.0,
        "depth": 1,
        "input_shape": [1, 6, 6],
        "num_classes": 3,
    }
    other = Classifier(partial(Scaled, width=5, factor=3.0), TimeFirst(), (1, 6, 6), 3).architecture()
    assert other != found
    assert Classifier(partial(Scaled, 5, factor=2.0), TimeFirst(), (1, 6, 6), 3).architecture() != (
        Classifier(partial(Scaled, 6, factor=2.0), TimeFirst(), (1, 6, 6), 3).architecture()
    )


def test_architecture_of_an_instance_is_what_it_prints_as() -> None:
    network = Scaled(width=5)
    found = Classifier(network, TimeFirst(), (1, 6, 6), 3).architecture()
    assert found["structure"] == repr(network)
    assert "out_features=5" in found["structure"]
    assert Classifier(lambda: network, TimeFirst(), (1, 6, 6), 3).architecture() == found
    assert Classifier(Scaled(width=6), TimeFirst(), (1, 6, 6), 3).architecture() != found


def test_a_foreign_network_without_an_interface_is_told_which_it_needs() -> None:
    stepped = nn.Sequential(nn.Flatten(), nn.Linear(4, 3), snntorch.Leaky(0.5))
    with pytest.raises(ValueError, match=r"Sequential does not say how it is called: set interface, .* to Snntorch"):
        Classifier(stepped)
    with pytest.raises(ValueError, match=r"Linear does not say how it is called: set interface, .* to NonSpiking"):
        Classifier(partial(nn.Linear, 4, 3))


def test_a_network_that_says_what_it_takes_needs_no_interface() -> None:
    class Says(Scaled):
        takes_spikes = True

    assert Classifier(Says(), input_shape=(1, 6, 6), num_classes=3).interface == TimeFirst()


@pytest.mark.parametrize(
    "outputs", [torch.zeros(2, 4, 3), torch.zeros(4, 2, 5), torch.zeros(4, 3), torch.zeros(4, 2, 3, 1)]
)
def test_an_answer_of_the_wrong_shape_is_refused(outputs: Tensor) -> None:
    target = Classifier(Fixed(outputs), TimeFirst(), (1, 2, 2), 3)
    shape = tuple(outputs.shape if outputs.ndim > 2 else (1, *outputs.shape))
    expected = f"Fixed answered 2 inputs with {shape}, where (T, B, K) = (T, 2, 3) is expected: batch and time may"
    with pytest.raises(ValueError, match=re.escape(expected)):
        target.logits(torch.zeros(4, 2, 1, 2, 2))


def test_shapes_come_from_the_arguments_the_network_or_the_data_in_this_order() -> None:
    own = Classifier(SpikingMLP((1, 6, 6), 3, 4))
    own.fit_to((2, 8, 8), 5)  # known already
    assert (own.input_shape, own.num_classes) == ((1, 6, 6), 3)
    given = Classifier(Scaled(), TimeFirst(), (1, 4, 9), 3)
    assert given.input_shape == (1, 4, 9)
    unknown = Classifier(Scaled, TimeFirst())
    with pytest.raises(ValueError, match=r"the shape of Scaled's input is not known: give input_shape, \(C, H, W\)"):
        unknown.logits(SPIKES)
    with pytest.raises(ValueError, match="the number of Scaled's classes is not known: give num_classes"):
        _ = unknown.num_classes
    unknown.fit_to(None, None)
    unknown.fit_to([1, 6, 6], None)
    unknown.fit_to(None, 3)
    assert (unknown.input_shape, unknown.num_classes) == ((1, 6, 6), 3)
    assert unknown.logits(SPIKES).shape == (4, 5, 3)
    unknown.val_accuracy(torch.eye(3), torch.arange(3))
    assert unknown.val_accuracy.compute() == 1.0


def test_what_brings_its_weights_counts_as_trained(tmp_path: Path) -> None:
    class Brings(Scaled):
        brings_weights = True

    network = Scaled()
    torch.save(network.state_dict(), tmp_path / "w.pt")
    fixed: dict[str, Any] = {"interface": TimeFirst(), "input_shape": (1, 6, 6), "num_classes": 3}
    assert not Classifier(Scaled, **fixed).pretrained
    assert Classifier(Scaled, **fixed, pretrained=True).pretrained
    assert Classifier(Scaled, **fixed, weights=str(tmp_path / "w.pt")).pretrained
    assert Classifier(Brings, **fixed).pretrained


def test_wrap_makes_a_trained_target_of_a_network() -> None:
    network = Scaled()
    target = wrap(
        network, interface=TimeFirst(), input_shape=(1, 6, 6), num_classes=3, time_steps=4, expected_accuracy=0.9
    )
    assert target.network is network
    assert (target.pretrained, target.time_steps, target.expected_accuracy) == (True, 4, 0.9)
    assert not any(part.training for part in target.modules())
    own = wrap(MLP((1, 6, 6), 3, 4))
    assert (own.input_shape, own.num_classes, own.time_steps) == ((1, 6, 6), 3, None)
    for arguments, message in (
        ({"interface": TimeFirst(), "num_classes": 3}, "the shape of Scaled's input is not known"),
        ({"interface": TimeFirst(), "input_shape": (1, 6, 6)}, "the number of Scaled's classes is not known"),
        ({"input_shape": (1, 6, 6), "num_classes": 3}, "Scaled does not say how it is called"),
    ):
        with pytest.raises(ValueError, match=message):
            wrap(network, **arguments)
    with pytest.raises(ValueError, match="time_steps must be at least 1, got 0"):
        wrap(SpikingMLP((1, 6, 6), 3, 4), time_steps=0)


def test_recipe_says_how_it_is_trained_and_with_which_surrogates() -> None:
    recipe = {"lr": 5e-5, "epochs": 10, "batch_size": None, "gradient_clip_norm": 1.0}
    assert mlp().recipe() == recipe
    assert Classifier(MLP, training=Training(max_shift=2)).recipe() == {**recipe, "max_shift": 2}
    assert Classifier(MLP, training=Training(keep="last")).recipe() == {**recipe, "keep": "last"}
    own = {"class": "FastSigmoid", "slope": 40.0}
    assert spiking_mlp().recipe() == {**recipe, "spike_penalty": 0.0, "surrogate": own}
    mixed = Classifier(nn.Sequential(LIF(), LIF(surrogate=ATan())), TimeFirst())
    assert mixed.recipe()["surrogate"] == [own, {"class": "ATan", "alpha": 2.0}]


def test_the_digest_tells_weights_apart() -> None:
    target = spiking_mlp()
    before = target.digest()
    assert spiking_mlp().digest() == before
    with torch.no_grad():
        target.network.output.bias[0] += 1e-6
    assert target.digest() != before
    assert mlp().digest() != before


@pytest.mark.parametrize("steps_until", [1, 4])
def test_a_loss_that_is_not_finite_ends_the_training_at_that_step(
    steps_until: int, toy_spikes: ToyDigits, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = classifier(SpikingMLP, (1, 12, 12), 3, 4, training=Training(lr=0.5))
    ordinary, calls = Classifier.loss, []

    def loss(self: Classifier, logits: Tensor, labels: Tensor) -> Tensor:
        calls.append(1)
        return ordinary(self, logits, labels) * (float("nan") if len(calls) > steps_until else 1.0)

    monkeypatch.setattr(Classifier, "loss", loss)
    with pytest.raises(
        ValueError, match=rf"^step {steps_until}: the training loss is nan\. Lower training\.lr, now 0\.5"
    ):
        silent_trainer(max_epochs=3).fit(network, datamodule=toy_spikes)


def test_answers_that_are_not_finite_are_no_prediction(toy_spikes: ToyDigits) -> None:
    network = classifier(SpikingMLP, (1, 12, 12), 3, 4)
    with torch.no_grad():
        network.network.output.bias[2] = float("nan")
    with pytest.raises(ValueError, match="gives answers that are not finite: look at its weights"):
        silent_trainer().test(network, datamodule=toy_spikes, verbose=False)
    with pytest.raises(ValueError, match="gives answers that are not finite"):
        network.predict_step((torch.ones(5, 2, 1, 12, 12), torch.zeros(2)), 0)


def test_samples_are_shifted_all_their_steps_alike_and_silence_enters() -> None:
    x = torch.rand(3, 40, 2, 5, 6, generator=torch.Generator().manual_seed(0)) + 0.1
    shifted = shifted_at_random(x, 1, np.random.default_rng(0))
    padded = F.pad(x, (1,) * 4)
    seen = set()
    for sample in range(40):
        fits = [
            (row, column)
            for row in range(3)
            for column in range(3)
            if torch.equal(shifted[:, sample], padded[:, sample, :, row : row + 5, column : column + 6])
        ]
        assert len(fits) == 1
        seen.update(fits)
    assert len(seen) == 9
    images = shifted_at_random(x[0], 1, np.random.default_rng(0))
    assert torch.equal(images, shifted[0])


def test_training_sees_shifted_samples_which_seed_and_step_decide(monkeypatch: pytest.MonkeyPatch) -> None:
    network = classifier(MLP, (1, 6, 6), 3, 4, training=Training(max_shift=2))
    network.trainer = SimpleNamespace(global_step=7)  # type: ignore[assignment]
    seen: list[Tensor] = []
    ask = network.logits
    monkeypatch.setattr(network, "logits", lambda x: seen.append(x) or ask(x))
    monkeypatch.setattr(network, "log", lambda *_, **__: None)
    images = SPIKES[0]
    for seed, step in ((0, 7), (0, 7), (1, 7), (0, 8)):
        torch.manual_seed(seed)
        network.trainer.global_step = step
        network.training_step((images, LABELS), 0)
    assert torch.equal(seen[0], seen[1])
    for other in (seen[2], seen[3], images):
        assert not torch.equal(seen[0], other)
