"""Training of one network, target or judge, or of one prior, on a data set."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.data.image_base import ImageDataModule, to_pixels
from brainleaks_pl.engine.trainer import InversionTrainer
from brainleaks_pl.priors.base import Prior
from brainleaks_pl.system.memory import require_memory
from brainleaks_pl.targets.classifier import Classifier
from brainleaks_pl.targets.trainee import Trainee

_WITH_OPTIMIZER = 3  # times the weights: Adam remembers two more of each


def check_fits(networks: dict[str, Classifier], data: BaseDataModule) -> None:
    """See that networks and data belong together; networks that do not know their shapes take those of the data.

    Raises:
        ValueError: when shapes or classes differ, a spiking network would get images, or a batch could not fit into
            memory.
    """
    for name, network in networks.items():
        network.fit_to(data.input_shape, data.num_classes)
        if network.input_shape != data.input_shape or network.num_classes != data.num_classes:
            raise ValueError(
                f"{name} ({network.name}) has input_shape {network.input_shape} and num_classes "
                f"{network.num_classes}, but {type(data).__name__} has {data.input_shape} and {data.num_classes}: "
                "set them to fit, or leave them out of the config for those of the data."
            )
        if network.takes_spikes and not data.spiking:
            raise ValueError(
                f"{name} ({network.name}) takes spikes, but {type(data).__name__} gives images: set "
                "data.encoder, for example to RateEncoder."
            )
        own = data.for_network(network.takes_spikes)
        batch = max(network.training_recipe.batch_size or own.batch_size, own.eval_batch_size)
        require_memory(
            f"a batch of {batch} inputs of {own.time_steps or 1} time steps for {name}",
            4 * batch * (own.time_steps or 1) * math.prod(own.input_shape),
            "lower the batch size, data.eval_batch_size or time_steps.",
        )


def train_network(
    trainer: InversionTrainer,
    network: Classifier,
    data: BaseDataModule,
    *,
    seed: int,
    ckpt_path: str | None = None,
    weights_only: bool | None = None,
) -> float:
    """Train a network by its own recipe, load its best weights and return its test accuracy.

    One that memorises the data (:meth:`Learner.memorise`) is shown them instead.

    Args:
        trainer: a trainer that has not trained another network.
        network: the network; it remembers the data's number of time steps.
        data: the data set; its batch size gives way to the recipe's while it trains.
        seed: seed of this training, so that what is trained before has no influence on it.
        ckpt_path: Lightning checkpoint to resume from.
        weights_only: how Lightning loads it.
    """

    def memorise() -> bool:
        network.time_steps = data.time_steps
        return network.memorise(data)

    resume = {"ckpt_path": ckpt_path, "weights_only": weights_only}
    return _trained(trainer, network, data, memorise, "test/accuracy", seed=seed, **resume)


def train_prior(trainer: InversionTrainer, prior: Prior, data: BaseDataModule, *, seed: int, **resume: Any) -> float:
    """Train a prior on public data by its own recipe, load its best weights and return its loss on the test images.

    Args:
        trainer: a trainer that has not trained anything else.
        prior: the prior.
        data: the public data, images; an encoder plays no part.
        seed: seed of this training.
        resume: Lightning's ``ckpt_path`` and ``weights_only``.

    Raises:
        ValueError: when the data are not images.
    """
    if not isinstance(data, ImageDataModule):
        raise ValueError(f"a prior is trained on images, and {type(data).__name__} holds none.")
    images = data.for_network(False)

    def memorise() -> bool:
        prior.fit_to(images.input_shape)
        return prior.memorise(to_pixels(images.split("train").images))

    return _trained(trainer, prior, images, memorise, "test/loss", seed=seed, **resume)


def _trained(
    trainer: InversionTrainer,
    module: Trainee,
    data: BaseDataModule,
    memorise: Callable[[], bool],
    measure: str,
    *,
    seed: int,
    **resume: Any,
) -> float:
    """Train by a recipe, unless the data are memorised; load the best weights, and return a measure of the test data.

    Neither the data's batch size nor torch's seed is another one afterwards.
    """
    outer_seed, batch_size = torch.initial_seed(), data.batch_size
    torch.manual_seed(seed)
    data.batch_size = module.training_recipe.batch_size or batch_size
    try:
        if not memorise():
            weights = sum(own.numel() * own.element_size() for own in module.parameters())
            with trainer.guarded("checkpoints and logs", _WITH_OPTIMIZER * weights):
                trainer.fit(module, datamodule=data, **resume)
            best: Any = getattr(trainer.checkpoint_callback, "best_model_path", "")
            if best:
                module.load_state_dict(torch.load(best, map_location="cpu", weights_only=True)["state_dict"])
        results = trainer.test(module, datamodule=data, verbose=False)
    finally:
        data.batch_size = batch_size
        torch.manual_seed(outer_seed)
    return float(results[0][measure])
