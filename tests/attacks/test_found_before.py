"""Attacks that begin with what an earlier one found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from toys import mlp, run

from brainleaks_pl import VAE, BrainLeaksV3, GuidedDenoising, MIFace, PlugAndPlay
from brainleaks_pl.attacks.found_before import digest_bytes
from brainleaks_pl.engine.progress import identity

SHAPE = (1, 6, 6)
IMAGES = torch.rand(6, *SHAPE, generator=torch.Generator().manual_seed(0))


def write(folder: Path, **changed: Any) -> str:
    """Two restarts each of the classes 0 to 2; the second of class 1 is the better one."""
    content = {
        "reconstructions": IMAGES,
        "classes": torch.tensor([0, 0, 1, 1, 2, 2]),
        "costs": torch.tensor([0.1, 0.2, 0.4, 0.3, 0.5, 0.6]),
        "target": digest_bytes(mlp()),
        **changed,
    }
    torch.save({name: value for name, value in content.items() if value is not None}, folder / "reconstructions.pt")
    return str(folder)


def test_each_restart_begins_with_an_image_the_best_one_first(tmp_path: Path) -> None:
    first = write(tmp_path)
    for attack in (
        MIFace(mlp(), first=first, classes=[2, 1], restarts=2),
        BrainLeaksV3(mlp(), first=first, classes=[2, 1], restarts=2, max_shift=1, steps=2),
    ):
        assert torch.equal(attack.candidates, IMAGES[[4, 5, 3, 2]])
        assert torch.equal(attack.best, attack.candidates)
    run(attack)
    assert not torch.equal(attack.candidates, IMAGES[[4, 5, 3, 2]])


def test_a_denoiser_begins_with_the_image_and_the_noise_of_its_round(tmp_path: Path) -> None:
    first = write(tmp_path)
    prior = GuidedDenoising(width=8, draws=3, rounds=(0.5,))
    prior.fit_to(SHAPE)
    noise = BrainLeaksV3(mlp(), prior=prior, classes=[1], seed=4).candidates.detach()
    begun = BrainLeaksV3(mlp(), prior=prior, first=first, classes=[1], seed=4).candidates.detach()
    torch.testing.assert_close(begun[0, :3] - noise[0, :3], (2 * IMAGES[3] - 1).repeat(3, 1, 1))
    assert torch.equal(begun[0, 3:], noise[0, 3:])
    pixels = PlugAndPlay(width=8)
    pixels.fit_to(SHAPE)
    assert torch.equal(BrainLeaksV3(mlp(), prior=pixels, first=first, classes=[1]).candidates[0], IMAGES[3])


def test_what_it_begins_with_tells_an_attack_from_others(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    one, other = write(tmp_path), write(tmp_path / "other", reconstructions=1 - IMAGES)
    same = write(tmp_path)
    first, second, third = (identity(BrainLeaksV3(mlp(), first=own, seed=0), {}) for own in (one, other, same))
    assert first != second
    assert first == third


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"target": digest_bytes(mlp()).flip(0)}, "found in another network: its weights are not the target's"),
        ({"costs": None}, "does not say what it was found in, or at which cost"),
        ({"reconstructions": IMAGES[..., :5]}, r"shape \(1, 6, 5\), and this attack looks for .* \(1, 6, 6\)"),
        ({"classes": torch.tensor([0, 0, 1, 1, 2, 3])}, "holds 1 images of class 2, .* at most as many restarts"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, changed: dict[str, Any], words: str) -> None:
    first = write(tmp_path, **changed)
    with pytest.raises(ValueError, match=words):
        BrainLeaksV3(mlp(), first=first, restarts=2, max_shift=1)


def test_a_missing_or_damaged_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no reconstructions.pt in .*: `first` names the results folder"):
        BrainLeaksV3(mlp(), first=str(tmp_path / "none"))
    (tmp_path / "reconstructions.pt").write_bytes(b"no tensors")
    with pytest.raises(ValueError, match=r"damaged and cannot be read. Run the earlier attack again"):
        BrainLeaksV3(mlp(), first=str(tmp_path))


def test_only_priors_that_can_begin_with_images_do(tmp_path: Path) -> None:
    prior = VAE(latents=2, hidden=4)
    prior.fit_to(SHAPE)
    with pytest.raises(ValueError, match="VAE cannot begin with given images: leave `first` out"):
        BrainLeaksV3(mlp(), first=write(tmp_path), prior=prior)
    with pytest.raises(ValueError, match="chooses no starts: leave out `first` or starts=3"):
        BrainLeaksV3(mlp(), first=write(tmp_path), prior=prior, starts=3)
