"""Runs the measures that run by themselves, once per target seed, and keeps their results."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from brainleaks_pl.audit.definition import Audit
from brainleaks_pl.audit.measures.base import Bench, Measure, has_own
from brainleaks_pl.audit.network_run import NetworkRun
from brainleaks_pl.audit.networks import seed_of
from brainleaks_pl.audit.plan import Variant
from brainleaks_pl.audit.traits import measure_traits
from brainleaks_pl.audit.values import check_finite, digest, plain
from brainleaks_pl.engine.errors import error_words
from brainleaks_pl.evaluation.provenance import provenance
from brainleaks_pl.system.storage import write_text
from brainleaks_pl.targets.classifier import Classifier


@dataclass
class MeasureRun:
    """The measures of one run of an audit: what each came to on each seed.

    Args:
        audit: the audit.
        measures: all its measures by name.
        networks: its networks.
        results: folder of what they come to, ``<name>/seed<n>.json``.
        checkpoints: folder of their own checkpoints, ``<name>/seed<n>/``.
        say: tells the user how it goes.
    """

    audit: Audit
    measures: Mapping[str, Measure]
    networks: NetworkRun
    results: Path
    checkpoints: Path
    say: Callable[[str], None]
    runs: list[dict[str, Any]] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """The measures that run by themselves."""
        return [name for name, measure in self.measures.items() if has_own(measure, "run")]

    def identities_of_attacks(self) -> dict[str, str]:
        """Return, of the measures that ask something of finished attacks, what tells them from others."""
        asking = [name for name, measure in self.measures.items() if has_own(measure, "of_attack")]
        return {name: digest(self._traits(name)) for name in asking}

    def kept(self, name: str, seed: int) -> dict[str, Any] | None:
        """Return what a measure came to on a seed in an earlier run; None where it has to be run."""
        try:
            content = json.loads(self._path(name, seed).read_bytes())
            if content["identity"] != self._identity(name, seed):
                return None
            check_finite(content["run"]["value"], name)
            run: dict[str, Any] = content["run"]
            return run if run["seconds"] >= 0 else None
        except (OSError, ValueError, LookupError, TypeError, RecursionError):
            return None

    def get(self, name: str, seed: int, networks: Mapping[str, Classifier]) -> tuple[str | None, bool]:
        """Run a measure on a seed unless that has been done; return what went wrong, and whether it was done before.

        Args:
            name: the measure.
            seed: the target seed.
            networks: the trained networks of this seed by name.
        """
        before = self.kept(name, seed)
        if before is not None:
            self.runs.append(before)
            return None, True
        started = time.monotonic()
        run: dict[str, Any] = {
            "measure": name,
            "seed": seed,
            "status": "done",
            "error": None,
            "value": None,
            "seconds": None,
        }
        try:
            bench = self._bench(name, seed, networks)
            torch.manual_seed(seed_of(seed, name))
            run["value"] = plain(self.measures[name].run(bench), f"what {name} returned")
            run["seconds"] = time.monotonic() - started
            run["provenance"] = provenance()
            content = {"identity": self._identity(name, seed), "run": run}
            write_text(self._path(name, seed), json.dumps(content, indent=1) + "\n")
        except Exception as error:  # whatever it is, the others go on, and the report says so
            run |= {"status": "failed", "error": error_words(error), "value": None, "provenance": None}
        self.runs.append(run)
        return run["error"], False

    def values(self, name: str) -> dict[int, Any]:
        """Return what a measure came to, by seed, without the seeds on which it failed or returned None."""
        return {run["seed"]: run["value"] for run in self.runs if run["measure"] == name and run["value"] is not None}

    def _bench(self, name: str, seed: int, networks: Mapping[str, Classifier]) -> Bench:
        audit = self.audit
        targets = {key: networks[key] for key in audit.targets if key in networks}
        judges = {key: networks[key] for key in audit.judges if key in networks}
        if not targets:
            raise RuntimeError("all of its targets failed.")
        return Bench(
            seed=seed,
            seeds=tuple(audit.seeds),
            data=audit.data,
            targets=targets,
            judges=judges,
            test_accuracy={key: self.networks.accuracies[seed, key] for key in (*targets, *judges)},
            trainer=dict(audit.trainer),
            say=lambda line: self.say(f"{name}, seed {seed}: {line}"),
            own_folder=self.checkpoints / name / f"seed{seed}",
        )

    def _identity(self, name: str, seed: int) -> str:
        """Return a digest of all that decides what a measure comes to on a seed."""
        audit, untrained = self.audit, self.networks.untrained
        networks = {
            key: (network.architecture(), network.recipe(), self.networks.weights(seed, Variant(key)))
            for key, network in untrained.items()
        }
        return digest(self._traits(name), name, seed, networks, audit.data.digest(), dict(audit.trainer))

    def _traits(self, name: str) -> Any:
        return measure_traits(self.measures[name]), self.audit.settings.get("measures", {}).get(name)

    def _path(self, name: str, seed: int) -> Path:
        return self.results / name / f"seed{seed}.json"
