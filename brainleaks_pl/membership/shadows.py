"""Trains shadow networks on halves of a pool, by a target's own recipe: several at once if that is faster."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.data.training_views import with_training_samples
from brainleaks_pl.engine.errors import error_words
from brainleaks_pl.membership.draws import encoded, encoded_together, seed_from, steps_of
from brainleaks_pl.membership.halves import Members
from brainleaks_pl.membership.stacked import Stack, together
from brainleaks_pl.targets.classifier import Classifier
from brainleaks_pl.targets.learner import shifted_at_random
from brainleaks_pl.targets.training import Training

State = dict[str, Tensor]


@dataclass(frozen=True)
class Pool:
    """The samples whose membership is asked about, and who holds them.

    Args:
        data: the data, as the networks take them.
        indices: which training samples are in the pool, ``(N,)``.
        members: which network is trained on which, ``(S, N)``.
        seed: seed of all that is drawn.
    """

    data: BaseDataModule
    indices: Tensor
    members: Members
    seed: int

    @property
    def networks(self) -> int:
        """S, the number of networks."""
        return len(self.members)

    def held_by(self, network: int) -> Tensor:
        """Return the training samples of one network, indices of the training split."""
        return self.indices[torch.from_numpy(self.members[network])]


def train(
    make: Callable[[], Classifier],
    pool: Pool,
    networks: Sequence[int],
    device: torch.device,
    at_once: int | None = None,
) -> list[State]:
    """Train some of a pool's networks from scratch and return their weights.

    What a network starts from and the order of its samples come from its own seed; the chance numbers that encode the
    samples of a step are the same for all. So a network is the same whichever are trained beside it, but for rounding,
    which spikes amplify over many steps. The last epoch's weights count; validation samples play no part.

    Args:
        make: builds an untrained network.
        pool: the samples and who holds them.
        networks: which of its networks.
        device: where they are trained.
        at_once: how many together; None chooses, and where networks differ from the package's own it is one.

    Raises:
        ValueError: when a loss is not finite; it names the network and the step.
    """
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        made = [_made(make, pool, network) for network in networks]
        training = made[0].training_recipe
        batch_size = training.batch_size or pool.data.batch_size
        most = together(made[0], training, pool.data.batch_size, len(made) if at_once is None else at_once)
        if pool.data.spiking and pool.data.time_steps is None:  # batches are as long as their longest recording
            most = 1
        states: list[State] = []
        for first in range(0, len(made), most):
            own, numbers = made[first : first + most], networks[first : first + most]
            if most == 1:
                states.append(_train_one(own[0], pool, numbers[0], training, batch_size, device))
            else:
                states += _train_stack(own, pool, numbers, training, batch_size, device)
    return states


def _made(make: Callable[[], Classifier], pool: Pool, network: int) -> Classifier:
    torch.manual_seed(seed_from(pool.seed, network))
    made = make()
    made.fit_to(pool.data.input_shape, pool.data.num_classes)
    made.time_steps = pool.data.time_steps
    if made.pretrained:
        raise ValueError(f"{made.name} brought its weights: shadows are trained by the target's recipe, from scratch.")
    return made


def _train_one(
    classifier: Classifier, pool: Pool, network: int, training: Training, batch_size: int, device: torch.device
) -> State:
    torch.manual_seed(seed_from(pool.seed, network))  # of what the network itself draws
    classifier.to(device).train()
    if classifier.memorise(with_training_samples(pool.data, pool.held_by(network))):
        return _state(classifier.network)
    optimizer = torch.optim.Adam(classifier.parameters(), lr=training.lr, fused=True)
    steps = steps_of(pool.held_by(network), training.epochs, batch_size, seed_from(pool.seed, network))
    for step, indices in enumerate(steps):
        x, labels = encoded(pool.data, "train", indices, device, seed_from(pool.seed, step))
        if training.max_shift:
            generator = np.random.default_rng((pool.seed, network, step))
            x = shifted_at_random(x, training.max_shift, generator)
        loss = classifier.loss(classifier.logits(x), labels) + classifier.penalty()
        _require_finite(loss, [network], step, training)
        optimizer.zero_grad()
        loss.backward()
        if training.gradient_clip_norm is not None:
            nn.utils.clip_grad_norm_(classifier.parameters(), training.gradient_clip_norm)
        optimizer.step()
    return _state(classifier.network)


def _train_stack(
    classifiers: Sequence[Classifier],
    pool: Pool,
    networks: Sequence[int],
    training: Training,
    batch_size: int,
    device: torch.device,
) -> list[State]:
    stack = Stack(classifiers).to(device)
    optimizer = torch.optim.Adam(stack.parameters(), lr=training.lr, fused=True)
    schedules = [
        steps_of(pool.held_by(own), training.epochs, batch_size, seed_from(pool.seed, own)) for own in networks
    ]
    for step, batches in enumerate(zip(*schedules, strict=True)):
        x, labels = encoded_together(pool.data, batches, device, seed_from(pool.seed, step))
        losses = stack.losses(x, labels)
        _require_finite(losses, networks, step, training)
        optimizer.zero_grad()
        losses.sum().backward()
        if training.gradient_clip_norm is not None:
            stack.clip(training.gradient_clip_norm)
        optimizer.step()
    return [{name: value.cpu() for name, value in state.items()} for state in stack.states()]


def _require_finite(losses: Tensor, networks: Sequence[int], step: int, training: Training) -> None:
    bad = (~losses.detach().reshape(-1).isfinite()).nonzero().flatten().tolist()
    if bad:
        raise ValueError(
            f"network {networks[bad[0]]}, step {step}: the training loss is not finite. Lower training.lr, now "
            f"{training.lr}, or look at the data."
        )


def _state(network: nn.Module) -> State:
    return {name: value.detach().cpu().clone() for name, value in network.state_dict().items()}


def loaded(make: Callable[[], Classifier], pool: Pool, state: State, device: torch.device) -> Classifier:
    """Return a network with trained weights, in evaluation mode."""
    classifier = make()
    classifier.fit_to(pool.data.input_shape, pool.data.num_classes)
    classifier.time_steps = pool.data.time_steps
    try:
        classifier.network.load_state_dict(state)
    except RuntimeError as error:
        raise ValueError(f"kept weights do not fit {classifier.name}: {error_words(error)}") from error
    return classifier.to(device).eval()


def check_bits(bits: int) -> None:
    """See that weights can be rounded to so many bits.

    Raises:
        ValueError: when bits are not 2 to 16.
    """
    if not 2 <= bits <= 16:
        raise ValueError(f"bits must be 2 to 16, got {bits}.")


def rounded(state: State, bits: int) -> State:
    """Return weights rounded to so many bits: of each matrix, ``2^bits - 1`` levels, evenly spaced about zero.

    Raises:
        ValueError: when bits are not 2 to 16.
    """
    check_bits(bits)
    levels = 2 ** (bits - 1) - 1
    fine = {}
    for name, value in state.items():
        step = value.abs().max() / levels if value.is_floating_point() and value.ndim > 1 else None
        fine[name] = value if step is None or step == 0 else (value / step).round() * step
    return fine
