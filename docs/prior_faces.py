"""Print the faces' table of docs/priors.md, and draw its picture of the last target.

    python docs/prior_faces.py DATA PRIOR TARGET [TARGET ...]

DATA holds the AT&T faces, PRIOR is the file that `fit --config configs/prior_faces.yaml` wrote, and each TARGET the
file of a target of `fit --config configs/v3_prior_att_faces.yaml`; those of the table have the seeds 1, 2 and 3.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

import torch
from side_by_side import SHOWN, draw
from torch import Tensor

from brainleaks_pl import (
    BrainLeaksV1,
    BrainLeaksV2,
    BrainLeaksV3,
    FastSigmoid,
    InversionModule,
    MeanNLL,
    NaturalSpectrum,
    PrivateATTFaces,
    RateEncoder,
    load_network,
)
from brainleaks_pl.evaluation.prior_alone import prior_alone
from brainleaks_pl.evaluation.run import silent_trainer
from brainleaks_pl.evaluation.similarity import means, similarity, similarity_nulls, to_display

PICTURE = Path(__file__).parent / "pictures" / "prior_faces.png"
ENCODER = RateEncoder(10)
TUNED_V2 = {  # as configs/v2_att_faces.yaml
    "steps": 20, "population": 3, "eta": 0.002, "momentum": 0.9, "decay": 0.99, "sparsity": 0.0,
    "second_moment": "averaged", "weighting": "uniform", "start": 0.5, "shared_over_time": True,
}  # fmt: skip


def attacks(path: Path, weights: str, seed: int) -> dict[str, InversionModule]:
    """Return the attacks on a target, by name; v1 to v3 as the configs of the faces have them."""
    target, given = load_network(path), {"seed": seed, "time_steps": ENCODER.time_steps}
    return {
        "BrainLeaksV1": BrainLeaksV1(target, steps=50, start=0.5, keep="last", **given),
        "BrainLeaksV2": BrainLeaksV2(target, loss=MeanNLL(), **TUNED_V2, **given),
        "BrainLeaksV3": BrainLeaksV3(target, ENCODER, steps=20, start=0.5, smoothing=2.0, seed=seed),
        "with the prior": BrainLeaksV3(
            target, ENCODER, steps=15, population=6, smoothing=0.6, surrogate=FastSigmoid(5.0), seed=seed,
            prior=NaturalSpectrum(weights=weights),
        ),
    }  # fmt: skip


def found(path: Path, weights: str, seed: int) -> dict[str, Tensor]:
    """Return what each attack made of a target, and the prior alone, ``(K, C, H, W)`` by name."""
    pictures = {}
    for name, attack in attacks(path, weights, seed).items():
        silent_trainer(accelerator="cpu").invert(attack)
        pictures[name] = to_display(attack.reconstructions().index_select(-4, torch.tensor(attack.best_restarts())))
        pictures |= prior_alone(attack, ENCODER, seed)
    assert attack.prior is not None
    return {**pictures, "mean public face": attack.prior.network.mean.expand_as(pictures["prior_alone"])}


def say(compared: Mapping[str, dict[str, float]]) -> None:
    """Print a line a row: likeness to the nearest training image, and the share identified."""
    for name, own in compared.items():
        print(f"{name:20} SSIM {own['ssim_nearest']:.3f}, rank 1 {own['identified']:.2f}")


def main(root: str, weights: str, *paths: str) -> None:
    """Attack every target in turn."""
    data = PrivateATTFaces(root)
    data.prepare_data()
    data.setup()
    people = list(range(data.num_classes))
    say(means(similarity_nulls(data, people)))
    for seed, path in enumerate(paths, 1):
        print(path)
        shown = found(Path(path), weights, seed)
        say(means({name: similarity(images, people, data) for name, images in shown.items()}))
    real = torch.stack([data.class_images(k)[0] for k in people])
    rows = {
        "training sample": data.display(real),
        "class mean": torch.stack([data.class_images(k).mean(0) for k in people]),
    }
    rows |= {name: shown[name] for name in ("BrainLeaksV3", "with the prior", "prior_mean")}
    draw(
        {name: images[:SHOWN] for name, images in rows.items()},
        [data.class_name(k) for k in range(SHOWN)],
        "AT&T faces, of people whom the prior does not know",
        PICTURE,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
