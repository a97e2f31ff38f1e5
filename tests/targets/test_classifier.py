"""What every network shares: inputs, loss, prediction, the training recipe and its gradient clipping."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from lightning.pytorch import Callback
from torch import Tensor
from toys import ToyDigits, mlp, silent_trainer, spiking_mlp

from brainleaks_pl import CNN, MLP, RateEncoder, SpikingCNN, SpikingMLP, TargetClassifier, Training

SPIKES = (torch.rand(4, 5, 1, 6, 6, generator=torch.Generator().manual_seed(0)) < 0.4).float()
LABELS = torch.tensor([0, 1, 2, 1, 0])


class Fixed(TargetClassifier):
    """Outputs that the test chooses, (T, B, K) whatever the input."""

    spiking = True

    def __init__(self, outputs: Tensor) -> None:
        super().__init__((1, 2, 2), outputs.shape[-1], Training())
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
    network, x = Fixed(outputs), torch.zeros(3, 2, 1, 2, 2)  # class 0 by its sum, though 1 has the largest value
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
    assert torch.equal(network.logits(SPIKES), network(SPIKES.mean(0)).unsqueeze(0))
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
def test_inputs_of_the_wrong_shape(network: TargetClassifier, shape: tuple[int, ...], message: str) -> None:
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
        CNN(shape, 3),
        CNN(shape, 3, channels=(2, 24)),
        CNN(shape, 3, kernel=3),
        SpikingCNN(shape, 3),
        SpikingCNN(shape, 3, kernel=3),
    ]
    found = [network.architecture() for network in networks]
    assert all(a != b for i, a in enumerate(found) for b in found[i + 1 :])
    plain = (str, int, float, list)
    assert all(isinstance(value, plain) for architecture in found for value in architecture.values())
    assert SpikingMLP(shape, 3, 5).architecture() == {
        "class": "SpikingMLP",
        "input_shape": [1, 16, 16],
        "num_classes": 3,
        "beta": 0.7,
        "threshold": 1.0,
        "hidden": 5,
    }


BAD_RECIPES = [("lr", 0.0), ("lr", float("nan")), ("epochs", 0), ("batch_size", 0), ("gradient_clip_norm", 0.0)]


@pytest.mark.parametrize(("name", "value"), BAD_RECIPES)
def test_training_recipe_out_of_range(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=rf"{name} must be .*, got {value}"):
        Training(**{name: value})


@pytest.mark.parametrize("network", [MLP, CNN, SpikingMLP, SpikingCNN])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"input_shape": (1, 28)}, r"three positive numbers \(C, H, W\), got \(1, 28\)"),
        ({"input_shape": (0, 28, 28)}, r"three positive numbers \(C, H, W\), got \(0, 28, 28\)"),
        ({"num_classes": 1}, "num_classes must be at least 2, got 1"),
    ],
)
def test_arguments_out_of_range(network: type[Any], arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        network(**arguments)


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
    folder: Path, data: ToyDigits, clip: float | None = 1.0, epochs: int = 1, **settings: Any
) -> tuple[SpikingMLP, Norms]:
    torch.manual_seed(0)
    network = SpikingMLP((1, 12, 12), 3, 24, training=Training(lr=5e-3, gradient_clip_norm=clip))
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


@pytest.mark.parametrize("data", [ToyDigits, WatchesTest])
def test_the_best_epoch_is_kept_unless_test_images_would_choose_it(data: type[ToyDigits], tmp_path: Path) -> None:
    network, _ = fit(tmp_path, data(encoder=RateEncoder(5), batch_size=30), enable_checkpointing=True)
    callback = network.trainer.checkpoint_callback
    assert callback is not None
    assert bool(callback.best_model_path) == (data is ToyDigits)  # type: ignore[attr-defined]
    kept = {path.name for path in tmp_path.rglob("*.ckpt")}
    assert kept == ({"best.ckpt", "last.ckpt"} if data is ToyDigits else {"last.ckpt"})


def test_nothing_is_written_where_checkpointing_is_switched_off(tmp_path: Path) -> None:
    network, _ = fit(tmp_path, ToyDigits(encoder=RateEncoder(5), batch_size=30))
    assert network.trainer.checkpoint_callback is None
    assert not list(tmp_path.rglob("*.ckpt"))
