"""Priors: their files, what attacks make of them, and the null beside it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from toys import ToyDigits, mlp, run, spiking_mlp

from brainleaks_pl import (
    VAE,
    BlackBox,
    BrainLeaksV3,
    GuidedDenoising,
    InversionModule,
    LabelOnly,
    MIFace,
    PrincipalComponents,
    Prior,
    RateEncoder,
    Training,
)
from brainleaks_pl.engine.fitting import train_prior
from brainleaks_pl.engine.progress import identity
from brainleaks_pl.evaluation.prior_alone import prior_alone
from brainleaks_pl.evaluation.run import silent_trainer
from brainleaks_pl.priors.files import read_prior, write_prior

SHAPE = (1, 6, 6)


def made(kind: str) -> Prior:
    torch.manual_seed(3)
    prior: Prior = {
        "denoising": lambda: GuidedDenoising(width=8, alone=12),
        "vae": lambda: VAE(latents=4, hidden=8, alone=12),
        "components": lambda: PrincipalComponents(latents=4, alone=12),
    }[kind]()
    prior.fit_to(SHAPE)
    prior.memorise(torch.rand(20, *SHAPE))
    return prior


def attacks(prior: Prior) -> list[InversionModule]:
    steps = {"steps": 3, "seed": 0}
    return [
        BrainLeaksV3(spiking_mlp(), RateEncoder(4), prior=prior, population=2, **steps),
        MIFace(mlp(), prior=prior, stop_at=None, patience=None, **steps),
        BlackBox(mlp(), pairs=2, queries=13, prior=prior, seed=0),
    ]


@pytest.mark.parametrize("kind", ["denoising", "vae", "components"])
def test_attacks_look_among_the_priors_pictures_unit_by_unit(kind: str) -> None:
    prior = made(kind)
    for attack in attacks(prior):
        before = attack.candidates.detach().clone()
        assert torch.equal(attack.best, before)
        run(attack)
        pictures = attack.reconstructions()
        assert pictures.shape == (3, *SHAPE)
        assert float(pictures.min()) >= 0
        assert float(pictures.max()) <= 1
        assert not torch.equal(attack.candidates, before)
        assert not any(own.requires_grad for own in prior.parameters())
        arguments = {"steps": 3} if not isinstance(attack, BlackBox) else {"pairs": 2, "queries": 13}
        if isinstance(attack, MIFace):  # one class alone comes to the same
            alone = MIFace(mlp(), prior=prior, stop_at=None, patience=None, classes=[1], seed=0, **arguments)
            run(alone)
            torch.testing.assert_close(alone.reconstructions()[0], pictures[1], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["denoising", "vae", "components"])
def test_the_gradient_goes_back_through_the_prior(kind: str) -> None:
    """What an attack steps along has the direction of the loss's gradient with respect to the latents."""
    prior = made(kind)
    for parameter in prior.parameters():
        parameter.requires_grad_(True)
        with torch.no_grad():
            parameter.add_(0.1 * torch.randn(parameter.shape))  # a denoiser begins as the identity
    target = mlp()
    attack = MIFace(target, steps=3, prior=prior, stop_at=None, patience=None, smoothing=0.0, seed=0)
    latents = attack.candidates.detach().clone().requires_grad_()
    target.logits(attack.prior.images(latents, 0, 3)).softmax(-1)[0, range(3), range(3)].sum().neg().backward()
    assert latents.grad is not None
    _, _, gradient, *_ = attack.evaluate(0)
    assert gradient is not None
    stepped = attack.candidate_gradient(torch.zeros(3, 1), gradient, 0)
    own, wanted = stepped.flatten(1), latents.grad.flatten(1)
    if isinstance(prior, GuidedDenoising):  # each draw goes as far as the others; the noise of later rounds stays
        assert not stepped[:, prior.draws :].any()
        own, wanted = (gradient[:, : prior.draws].flatten(2) for gradient in (stepped, latents.grad))
        torch.testing.assert_close(own.norm(dim=2), torch.full((3, prior.draws), prior.guidance * 8.0))
    cosine = torch.nn.functional.cosine_similarity(own, wanted, dim=-1)
    torch.testing.assert_close(cosine, torch.ones_like(cosine), rtol=0, atol=1e-4)


def test_denoising_without_guidance_is_plain_sampling() -> None:
    """Each step is DDIM's: what is left of the noise lies where it lay, and the last step leaves none."""
    prior = GuidedDenoising(width=8, rounds=(8.0,), draws=1)
    prior.fit_to(SHAPE)
    latents = prior.first(torch.randn(2, *prior.latent_shape))
    for step in range(5):
        images = prior.images(latents, step, 5)
        clean = 2 * images - 1
        following = prior.advance(latents, images, step, 5)
        ratio = prior.spread(step + 1, 5) / prior.spread(step, 5)
        torch.testing.assert_close(following[:, :1] - clean, ratio * (latents[:, :1] - clean))
        latents = following
    torch.testing.assert_close(prior.images(latents, 5, 5), images)
    levels = [prior.spread(step, 5) for step in range(6)]
    assert levels[0] == pytest.approx(8)
    assert levels[4] == pytest.approx(0.03)
    assert levels == sorted(levels, reverse=True)
    assert levels[5] == 0


def test_each_round_begins_with_the_mean_of_the_draws_and_new_noise() -> None:
    prior = GuidedDenoising(width=8, rounds=(8.0, 2.0, 1.0), draws=3, margin=1, max_mean=0.1)
    prior.fit_to(SHAPE)
    prior.requires_grad_(False)
    levels = [prior.spread(step, 8) for step in range(9)]
    assert [levels[step] for step in (0, 4, 6, 8)] == pytest.approx([8, 2, 1, 0])
    assert [levels[step] for step in (3, 5, 7)] == pytest.approx([0.03] * 3)
    latents = prior.first(torch.randn(2, *prior.latent_shape, generator=torch.Generator().manual_seed(0)))
    noises = []
    for step in range(8):
        images = prior.images(latents, step, 8)
        assert float(images.mean((1, 2, 3)).max()) <= 0.1 + 1e-6
        assert not images[..., 0].any()
        assert not images[..., -1, :].any()
        latents = prior.advance(latents, images, step, 8)
        if step in (3, 5):
            noises.append((latents[:, :3] - (2 * images - 1)) / prior.spread(step + 1, 8))
            torch.testing.assert_close(noises[-1], latents[:, 3:], rtol=0, atol=1e-5)
    assert not torch.allclose(*noises)
    torch.testing.assert_close(prior.images(latents, 8, 8), images)
    drawn = prior.sample(3, torch.Generator().manual_seed(1), 4)
    assert drawn.shape == (3, *SHAPE)
    assert prior.latent_shape == (6, 6, 6)


def test_components_are_those_of_the_public_pictures() -> None:
    pictures = torch.rand(30, *SHAPE, generator=torch.Generator().manual_seed(0))
    prior = PrincipalComponents(latents=28)
    prior.fit_to(SHAPE)
    assert prior.memorise(pictures)
    drawn = prior.sample(4000, torch.Generator().manual_seed(1))
    assert float((drawn.mean(0) - pictures.mean(0)).abs().max()) < 0.06
    assert float((drawn.var(0) / pictures.var(0)).mean()) == pytest.approx(1, abs=0.2)
    greedy = PrincipalComponents(latents=30)
    greedy.fit_to(SHAPE)
    with pytest.raises(ValueError, match="fewer than the 30 public pictures"):
        greedy.memorise(pictures)


def test_training_lowers_the_loss_of_a_denoiser_and_a_vae() -> None:
    images = ToyDigits().split("train").images.float() / 255
    for prior in (GuidedDenoising(width=8), VAE(latents=4, hidden=32)):
        torch.manual_seed(0)
        prior.fit_to((1, 12, 12))
        optimizer = torch.optim.Adam(prior.parameters(), lr=0.01)
        losses = []
        for _ in range(20):
            loss = prior.loss(images[:32])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        assert sum(losses[-5:]) < 0.8 * sum(losses[:5])


def test_training_leaves_the_data_and_torchs_seed_as_they_were() -> None:
    data, prior = ToyDigits(), VAE(latents=2, hidden=8, training=Training(epochs=1, batch_size=7))
    batch_size = data.batch_size
    torch.manual_seed(5)
    train_prior(silent_trainer(accelerator="cpu", max_epochs=1), prior, data, seed=1)
    assert data.batch_size == batch_size != 7
    assert torch.initial_seed() == 5


def test_files(tmp_path: Path) -> None:
    prior, path = made("vae"), tmp_path / "prior.pt"
    write_prior(path, prior.content(ToyDigits()))
    read = VAE(weights=str(path), latents=7)  # the file knows better
    assert read.input_shape == SHAPE
    assert read.latent_shape == (4, 1, 1)
    assert read.digest() == prior.digest() == read_prior(path)["digest"]
    assert read.describe()["data"]["class"] == "ToyDigits"
    with pytest.raises(ValueError, match="holds a VAE, not a GuidedDenoising"):
        MIFace(mlp(), prior=GuidedDenoising(weights=str(path)))
    with pytest.raises(FileNotFoundError, match="brainleaks fit"):
        MIFace(mlp(), prior=VAE(weights=str(tmp_path / "none.pt")))
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ValueError, match="damaged"):
        read_prior(path)
    with pytest.raises(ValueError, match="damaged"):
        MIFace(mlp(), prior=VAE(weights=str(path)))
    prior.network.decode[0].bias.data.fill_(torch.nan)
    with pytest.raises(ValueError, match="not finite"):
        write_prior(path, prior.content(ToyDigits()))


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match=r"pictures of the shape \(1, 5, 5\)"):
        MIFace(mlp(), prior=_of_other_shape())
    with pytest.raises(ValueError, match="has not been trained"):
        MIFace(mlp(), prior=VAE())
    with pytest.raises(ValueError, match="stop_at and patience to null"):
        MIFace(mlp(), prior=made("denoising"))
    with pytest.raises(ValueError, match="LabelOnly takes no prior"):
        LabelOnly(mlp(), prior=made("vae"))
    for arguments in (
        {"guidance": 0.0},
        {"fine_guidance": 0.0},
        {"rounds": [2.0, 0.01]},
        {"draws": 0},
        {"margin": -1},
        {"max_mean": 1.5},
        {"alone": 0},
    ):
        with pytest.raises(ValueError, match=next(iter(arguments))):
            GuidedDenoising(**arguments)
    for arguments in ({"width": 12}, {"patch": 5}):
        with pytest.raises(ValueError, match=next(iter(arguments))):
            GuidedDenoising(**arguments).fit_to(SHAPE)

    wide = GuidedDenoising(width=8, margin=3)
    with pytest.raises(ValueError, match="margin must leave some of the 6x6 pixels"):
        wide.fit_to(SHAPE)


def _of_other_shape() -> Prior:
    prior = VAE(latents=4, hidden=8)
    prior.fit_to((1, 5, 5))
    return prior


def test_weights_and_guidance_tell_attacks_apart() -> None:
    prior, other = made("denoising"), made("denoising")
    other.network.last.bias.data.add_(1e-3)
    stronger = made("denoising")
    stronger.guidance = 2.0
    runs = {identity(BrainLeaksV3(mlp(), prior=own, seed=0), {}) for own in (prior, other, None)}
    assert len(runs) == 3
    assert identity(BrainLeaksV3(mlp(), prior=made("denoising"), seed=0), {}) in runs


def test_the_prior_alone_is_named_by_the_target_and_not_guided() -> None:
    prior = made("components")
    attack = MIFace(mlp(), prior=prior, stop_at=None, patience=None, classes=[2, 0], seed=0)
    null = prior_alone(attack, None, 5)
    pictures = prior.sample(12, torch.Generator().manual_seed(5))
    sure = attack.target.confidences(pictures)
    torch.testing.assert_close(null["prior_alone"], pictures[sure[:, [2, 0]].argmax(0)])
    taken = [pictures[sure.argmax(1) == k] for k in (2, 0)]
    expected = [(own if len(own) else pictures).mean(0) for own in taken]
    torch.testing.assert_close(null["prior_mean"], torch.stack(expected))
    assert prior_alone(MIFace(mlp(), seed=0), None, 5) == {}
