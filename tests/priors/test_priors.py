"""Priors: their files, what attacks make of them, and the null beside it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor
from toys import ToyDigits, mlp, run, spiking_mlp

from brainleaks_pl import (
    VAE,
    BlackBox,
    BrainLeaksV3,
    GuidedDenoising,
    InversionModule,
    LabelOnly,
    MIFace,
    NaturalSpectrum,
    PenStroke,
    PlugAndPlay,
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
        "spectrum": lambda: NaturalSpectrum(power=1.0, alone=12),
        "pen": lambda: PenStroke(size=SHAPE[1:], margin=0, alone=12),
    }[kind]()
    prior.fit_to(SHAPE)
    if kind != "pen":  # which has nothing to learn
        prior.memorise(torch.rand(20, *SHAPE))
    return prior


def attacks(prior: Prior) -> list[InversionModule]:
    steps = {"steps": 3, "seed": 0}
    return [
        BrainLeaksV3(spiking_mlp(), RateEncoder(4), prior=prior, population=2, **steps),
        MIFace(mlp(), prior=prior, stop_at=None, patience=None, **steps),
        BlackBox(mlp(), pairs=2, queries=13, prior=prior, seed=0),
    ]


@pytest.mark.parametrize("kind", ["denoising", "vae", "components", "spectrum", "pen"])
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


@pytest.mark.parametrize("kind", ["denoising", "vae", "components", "spectrum", "pen"])
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


def test_unguided_pictures_begin_with_nothing_but_noise_whatever_the_rounds() -> None:
    prior = GuidedDenoising(width=8, rounds=(8.0, 1.0), alone=2)
    prior.fit_to(SHAPE)
    wanted = prior.sample(2, torch.Generator().manual_seed(0), steps=3)
    prior.rounds = (1.0,)
    assert torch.equal(prior.sample(2, torch.Generator().manual_seed(0), steps=3), wanted)
    assert prior.rounds == (1.0,)


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


def test_the_spectrum_is_that_of_the_public_pictures() -> None:
    """Pictures of known statistics: coarse, brighter on the left, and livelier at the top."""
    wide = NaturalSpectrum(start=0.0)
    wide.fit_to((1, 20, 12))
    torch.testing.assert_close(wide.network.rows @ wide.network.rows.T, torch.eye(20), rtol=0, atol=1e-6)
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(200, 1, 20, 12, generator=generator)
    coarse = torch.nn.functional.avg_pool2d(torch.nn.functional.pad(noise, (2, 2, 2, 2), mode="replicate"), 5, 1)
    pictures = 0.5 + torch.linspace(0.1, -0.1, 12) + torch.linspace(0.4, 0.1, 20)[:, None] * coarse
    assert wide.memorise(pictures)
    drawn = wide.sample(400, torch.Generator().manual_seed(1))
    assert float((drawn.mean(0) - pictures.mean(0)).abs().max()) < 0.03
    for own in (0, -1):
        ratio = drawn[..., own, :].std() / pictures[..., own, :].std()
        assert float(ratio) == pytest.approx(1, abs=0.25)
    fine = torch.diff(drawn, dim=-1).std() / drawn.std()
    assert float(fine) == pytest.approx(float(torch.diff(pictures, dim=-1).std() / pictures.std()), rel=0.2)
    assert float(wide.loss(pictures)) < float(wide.loss(pictures.flip(2)))
    torch.testing.assert_close(wide.images(wide.first(noise[:2]), 0, 1)[0], pictures.mean(0))
    grey = NaturalSpectrum()
    grey.fit_to((1, 20, 12))
    grey.memorise(torch.full((3, 1, 20, 12), 0.5))  # nothing differs
    assert bool(torch.isfinite(grey.sample(2, generator)).all())


def test_a_spectrums_steps_are_as_long_as_it_says_and_coarser_with_more_power() -> None:
    pictures = torch.rand(30, 1, 9, 9, generator=torch.Generator().manual_seed(0)).cumsum(-1).cumsum(-2) / 81
    roughness = []
    for power in (0.0, 0.5, 1.0):
        prior = NaturalSpectrum(power=power, lr=0.01)
        prior.fit_to((1, 9, 9))
        prior.memorise(pictures)
        latents = torch.zeros(2, 1, 9, 9, requires_grad=True)
        wanted = torch.randn(2, 1, 9, 9, generator=torch.Generator().manual_seed(1))
        (prior.images(latents, 0, 1) * wanted).sum().backward()
        assert latents.grad is not None
        moved = prior.network.change(prior.guided(latents.grad, 0, 1))
        torch.testing.assert_close(moved.square().mean((1, 2, 3)), torch.ones(2))
        roughness.append(float(torch.diff(moved, dim=-1).square().mean()))
        if power == 0:  # the gradient itself, where pixels differ alike
            weighted = prior.network.deviations**2 * wanted
            torch.testing.assert_close(moved / moved.std(), weighted / weighted.std(), rtol=1e-2, atol=1e-2)
    assert roughness == sorted(roughness, reverse=True)
    assert torch.equal(prior.guided(torch.zeros(1, 1, 9, 9), 0, 1), torch.zeros(1, 1, 9, 9))


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
    for arguments in ({"power": 1.5}, {"lr": 0.0}, {"momentum": 1.0}, {"start": -1.0}):
        with pytest.raises(ValueError, match=next(iter(arguments))):
            NaturalSpectrum(**arguments)
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


def test_priors_take_no_shifts() -> None:
    with pytest.raises(ValueError, match=r"max_shift is for classifiers.*got 1\."):
        VAE(training=Training(max_shift=1))


def cleaning(tmp_path: Path, **settings: float) -> PlugAndPlay:
    """A prior that reads the file of a denoiser whose weights are random."""
    denoiser = made("denoising")
    torch.nn.init.normal_(denoiser.network.last.weight, std=0.1, generator=torch.Generator().manual_seed(0))
    write_prior(tmp_path / "prior.pt", {**denoiser.content(ToyDigits()), "data": {}})
    return PlugAndPlay(str(tmp_path / "prior.pt"), alone=5, **settings)


def test_pictures_are_cleaned_after_each_step_and_stay_in_their_bounds(tmp_path: Path) -> None:
    def found(prior: PlugAndPlay | None, steps: int = 1) -> Tensor:
        attack = BrainLeaksV3(
            mlp(), prior=prior, steps=steps, start=0.3, margin=1, max_mean=0.2, smoothing=0.0, restarts=2, seed=0
        )
        run(attack)
        return attack.candidates.detach()

    prior = cleaning(tmp_path, strength=0.4, first_level=0.5, last_level=0.1)
    noise = torch.randn(SHAPE, generator=torch.Generator().manual_seed(0))
    plain, after = found(None), found(prior)
    assert prior.spread(0, 3) == pytest.approx(0.5)
    assert prior.spread(2, 3) == prior.spread(3, 3) == pytest.approx(0.1)
    cleaned = prior.advance(plain, plain, 0, 1)
    made_of_it = (prior.network(2 * plain - 1 + 0.5 * noise, torch.full((len(plain),), 0.5)) + 1) / 2
    torch.testing.assert_close(cleaned, 0.6 * plain + 0.4 * made_of_it.clamp(0, 1))
    assert not torch.allclose(after, plain, atol=1e-3)
    assert (after.mean((1, 2, 3)) <= 0.2 + 1e-6).all()
    assert after[..., 0, :].abs().max() == 0
    assert not torch.equal(found(prior, 3), after)


def test_what_cleans_pictures_needs_a_gradient_and_has_its_null(tmp_path: Path) -> None:
    prior = cleaning(tmp_path)
    with pytest.raises(
        ValueError, match="PlugAndPlay cleans pictures that a gradient has moved, and BlackBox sees none"
    ):
        BlackBox(mlp(), pairs=2, queries=13, prior=prior, seed=0)
    drawn = prior.sample(5, torch.Generator().manual_seed(1), 3)
    unguided = GuidedDenoising(str(tmp_path / "prior.pt"))
    assert torch.equal(drawn, unguided.sample(5, torch.Generator().manual_seed(1), 3))
    for name, value in (("strength", 0.0), ("first_level", -1.0), ("last_level", 2.0)):
        with pytest.raises(ValueError, match=rf"{name} must .*, got {value}"):
            PlugAndPlay(**{name: value})
