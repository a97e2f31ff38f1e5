"""A planted leak and a planted non-leak: the audit must tell them apart."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
import torch
from tiny_audit import conduct
from torch import Tensor

from brainleaks_pl import (
    MLP,
    BrainLeaksV3,
    Classifier,
    ImageDataModule,
    MNIST5k,
    RateEncoder,
    Scoring,
    SpikingMLP,
    Training,
)
from brainleaks_pl.audit.definition import Audit
from brainleaks_pl.audit.differences import differences
from brainleaks_pl.audit.settings import Controls

pytestmark = pytest.mark.usefixtures("sketched")  # test_report_*.py look at pictures


class Noise(Classifier):
    """Learns labels that have nothing to do with the images: it holds nothing of a class that could leak."""

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        x, labels = batch
        return super().training_step((x, torch.randint_like(labels, self.num_classes)), batch_idx)

    def on_validation_start(self) -> None:
        """Turn its answers by as many classes as leave no luck: of all turns one at least is no better than chance."""
        data: ImageDataModule = self.trainer.datamodule  # type: ignore[attr-defined]
        with torch.no_grad():
            seen = (data.on_after_batch_transfer(batch, 0) for batch in data.test_dataloader())
            wrong_by = torch.cat([labels - self.confidences(x).argmax(1) for x, labels in seen])
            right = (wrong_by % self.num_classes).bincount(minlength=self.num_classes)
            turn = int(torch.where(right <= len(wrong_by) / self.num_classes, right, -1).argmax())
            for parameter in self.network.output.parameters():
                parameter.copy_(parameter.roll(turn, 0))


class Templates(Classifier):
    """Its first weights are the class means, less their common mean; it needs no training and keeps no secret."""

    def on_fit_start(self) -> None:
        data: ImageDataModule = self.trainer.datamodule  # type: ignore[attr-defined]
        means = data.class_means().flatten(1)
        with torch.no_grad():
            weights = means - means.mean(0)
            self.network.hidden.weight.copy_(4 * weights / weights.norm(dim=1, keepdim=True))
            self.network.hidden.bias.zero_()
            self.network.output.weight.copy_(10 * torch.eye(self.num_classes))
            self.network.output.bias.zero_()


def audit() -> Audit:
    """An audit of both on real digits, with small networks."""
    quick = Training(lr=5e-3, epochs=3, batch_size=100)
    still = Training(lr=1e-12, epochs=1, batch_size=500)
    return Audit(
        data=MNIST5k(encoder=RateEncoder(8)),
        targets={
            "noise": partial(Noise, partial(SpikingMLP, hidden=100), training=quick),
            "templates": partial(Templates, partial(MLP, hidden=10), training=still),
        },
        judges={
            "spiking": partial(Classifier, partial(SpikingMLP, hidden=200), training=quick),
            "ordinary": partial(Classifier, partial(MLP, hidden=200), training=quick),
        },
        attacks={"v3": partial(BrainLeaksV3, steps=30, start=0.1, margin=4)},
        seeds=[0, 1, 2],
        gradients=60,
        controls=Controls(groups=0, adversarial=False),
        scoring=Scoring(draws=10, null_draws=10),
        trainer={"accelerator": "cpu", "devices": 1},
    )


def test_noise_labels_come_out_at_the_nulls_and_class_means_at_the_ceiling(tmp_path: Path) -> None:
    found = conduct(tmp_path, audit())
    rows = {(row["target"], row["judge"], row["metric"]): row for row in found["summary"]}
    for judge in ("spiking", "ordinary"):
        for metric in ("attack_accuracy", "confidence"):
            nothing, everything = rows["noise", judge, metric], rows["templates", judge, metric]
            assert nothing["low"] <= nothing["nulls"]["noise"]
            assert nothing["mean"] < nothing["nulls"]["noise"] + 0.25
            assert everything["mean"] > everything["nulls"]["real"] - 0.1
            assert everything["mean"] > nothing["mean"] + 0.5
    (shown,) = (
        row
        for row in differences(found["cells"], {"noise": True, "templates": False}, ["spiking", "ordinary"])
        if (row["attack"], row["judge"], row["metric"]) == ("v3", "all judges", "confidence")
    )
    assert shown["difference"] < -0.5
    assert max(shown["by_seed"]) < -0.3
    assert shown["high"] < -0.2
    # the planted control: even class means are no such thing where labels are shuffled
    assert all(row["at_null"] for row in found["control"])
    assert {row["target"] for row in found["control"]} == {"noise", "templates"}
    assert found["verdict"]["control"].startswith("Planted control: noise and templates, trained on shuffled labels")
    # but what has learnt nothing of the classes is no example of privacy
    assert found["targets"]["noise"]["at_chance"] == [True] * 3
    assert found["targets"]["templates"]["at_chance"] == [False] * 3
    assert found["differences"] == []
    assert found["verdict"]["sentence"].startswith("No verdict on noise: it recognises test data no better than chance")
