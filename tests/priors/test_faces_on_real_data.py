"""What a prior of public faces adds to an attack on a network of private ones (slow)."""

from __future__ import annotations

import os
from functools import partial

import pytest
import torch

from brainleaks_pl import (
    BrainLeaksV3,
    Classifier,
    FastSigmoid,
    NaturalSpectrum,
    PrivateATTFaces,
    PublicATTFaces,
    RateEncoder,
    SpikingMLP,
    Training,
)
from brainleaks_pl.engine.fitting import check_fits, train_network, train_prior
from brainleaks_pl.evaluation.prior_alone import prior_alone
from brainleaks_pl.evaluation.run import silent_trainer
from brainleaks_pl.evaluation.similarity import means, similarity

DATA = os.environ.get("BRAINLEAKS_DATA", "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA, reason="BRAINLEAKS_DATA names no folder that holds att_faces.zip"),
]


def test_people_whom_the_prior_does_not_know_are_recognised() -> None:
    """As docs/priors.md has it, with a seed on which nothing was chosen."""
    seed, encoder = 2, RateEncoder(10)
    public, private = PublicATTFaces(DATA), PrivateATTFaces(DATA, encoder=encoder)
    prior = NaturalSpectrum()
    train_prior(silent_trainer(accelerator="cpu", max_epochs=1), prior, public, seed=0)
    torch.manual_seed(seed)
    training = Training(lr=5e-5, epochs=100, batch_size=20, keep="last")
    target = Classifier(partial(SpikingMLP, (1, 112, 92), 20, hidden=1000), training=training)
    check_fits({"snn": target}, private)
    trainer = silent_trainer(accelerator="cpu", max_epochs=training.epochs)
    assert train_network(trainer, target, private, seed=seed) >= 0.95
    attack = BrainLeaksV3(
        target, encoder, steps=15, population=6, smoothing=0.6, surrogate=FastSigmoid(5.0), prior=prior, seed=seed
    )
    silent_trainer(accelerator="cpu").invert(attack)
    pictures = {"found": attack.reconstructions(), **prior_alone(attack, encoder, seed)}
    found = means({name: similarity(own, list(range(20)), private) for name, own in pictures.items()})
    assert found["found"]["ssim_nearest"] >= 0.45
    assert found["found"]["identified"] >= 0.8
    assert max(found[name]["identified"] for name in ("prior_alone", "prior_mean")) <= 0.3
