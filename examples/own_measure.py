"""A measure of your own: what share of a network's spiking neurons stays silent on all of some test samples.

Named in the YAML of an audit that runs in this folder (``python -m brainleaks_pl audit --config ...``)::

    measures:
      silent_neurons: {class_path: own_measure.SilentNeurons, init_args: {samples: 200}}
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from brainleaks_pl import LIF, Classifier
from brainleaks_pl.audit import Bench, Findings, Group, Measure, Section, Table
from brainleaks_pl.audit.statistics import mean_intervals


@dataclass(frozen=True)
class SilentNeurons(Measure):
    """The share of spiking neurons that stay silent, of each target that has neurons of this package."""

    samples: int = 1000

    def run(self, bench: Bench) -> dict[str, float]:
        """Measure it on one target seed; this is kept, and not run again."""
        shares = {name: self.silent(bench, target) for name, target in bench.targets.items()}
        return {name: share for name, share in shares.items() if share is not None}

    def silent(self, bench: Bench, target: Classifier) -> float | None:
        """Return the share of one target."""
        fired: dict[Any, torch.Tensor] = {}

        def note(layer: Any, _: Any, outputs: Any) -> None:  # spikes (T, B, ...) come first
            fired[layer] = fired.get(layer, False) | (outputs[0] > 0).flatten(2).any(0).any(0)

        layers = [module for module in target.modules() if isinstance(module, LIF)]
        listening = [layer.register_forward_hook(note) for layer in layers]
        with torch.no_grad():
            for x, _ in bench.test_batches(target, self.samples):
                target.logits(x)
        for handle in listening:
            handle.remove()
        return 1 - torch.cat(list(fired.values())).float().mean().item() if fired else None

    def summarise(self, found: Findings) -> dict[str, list[float | None]]:
        """Return, by target, the mean over seeds and its 95% interval, for audit.json."""
        names = dict.fromkeys(name for run in found.runs.values() for name in run)
        shares = {name: [[run[name]] for run in found.runs.values() if name in run] for name in names}
        return {name: [*mean_intervals(np.array(own)).fixed] for name, own in shares.items()}

    def section(self, summary: Any, audit: Any, looks: Any, gallery: Any) -> Section:
        """Show it in report.html."""
        rows = tuple((name, *interval) for name, interval in summary.items())
        table = Table("Share of silent neurons", ("target", "mean", "low", "high"), rows)
        lead = "A neuron that never fires holds nothing of the data, and costs memory all the same."
        return Section("silent", "Silent neurons", lead, groups=(Group(tables=(table,)),))
