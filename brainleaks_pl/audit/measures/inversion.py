"""Model inversion: what the attacks recover of each class, compared with controls, and which target leaks more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from brainleaks_pl.audit.chance import at_chance, chance_sentences, comparable
from brainleaks_pl.audit.control import control_rows, control_sentence
from brainleaks_pl.audit.differences import differences
from brainleaks_pl.audit.doubts import attack_doubts
from brainleaks_pl.audit.leaks import leak_sentences
from brainleaks_pl.audit.measures.base import Document, Findings, Measure, Planned
from brainleaks_pl.audit.plan import ADVERSARIAL, Cell, Variant, is_chosen
from brainleaks_pl.audit.protocol import protocol_remarks
from brainleaks_pl.audit.report.control import control
from brainleaks_pl.audit.report.looks import Looks
from brainleaks_pl.audit.report.members import members
from brainleaks_pl.audit.report.parts import Section
from brainleaks_pl.audit.report.people import people
from brainleaks_pl.audit.report.pictures import Gallery
from brainleaks_pl.audit.report.scores import scores
from brainleaks_pl.audit.report.seen import reconstructions
from brainleaks_pl.audit.scores import summary as summary_rows
from brainleaks_pl.audit.verdict import nothing_to_compare, verdict


@dataclass(frozen=True)
class Inversion(Measure):
    """Every attack on every target it fits, and on the controls; its summary is the top level of ``audit.json``."""

    def cells(self, seed: int, planned: Planned) -> list[Cell]:
        """Return every attack on every target it fits, then those on controls, and the adversarial examples."""
        audit, fits = planned.audit, planned.fits
        controls = audit.controls
        cells = [Cell(seed, Variant(target), attack) for target, attacks in fits.items() for attack in attacks]
        if not is_chosen(seed, controls.seeds, audit.seeds):
            return cells
        for variant in audit.controlled(planned.networks):
            if variant.is_control:
                kind = "control" if variant.shuffled else "blind"
                attacks = [own for own in fits[variant.target] if controls.attacks is None or own in controls.attacks]
                cells += [Cell(seed, variant, attack, kind) for attack in attacks]
            else:
                cells.append(Cell(seed, variant, ADVERSARIAL, ADVERSARIAL))
        return cells

    def summarise(self, found: Findings) -> dict[str, Any]:
        """Return ``summary``, ``differences``, ``verdict`` and ``control`` of ``audit.json``."""
        audit, cells = found.audit, found.cells
        judges, seeing = list(found.judges), [name for name, judge in found.judges.items() if judge["counts"]]
        blind_targets, blind_judges = at_chance(found.skills, audit.targets), [j for j in judges if j not in seeing]
        compared = differences(
            comparable(cells, blind_targets, blind_judges),
            {name: found.networks[name].spiking for name in audit.targets},
            seeing,
        )
        controls = control_rows(comparable(cells, (), blind_judges))
        rows = summary_rows(cells)
        return {
            "summary": rows,
            "differences": compared,
            "verdict": verdict(
                compared,
                seeing,
                [audit.data.class_name(label) for label in range(audit.data.num_classes)],
                leaks=leak_sentences(
                    rows,
                    found.targets,
                    audit.attackers(found.networks),
                    judges=seeing,
                    without=blind_targets,
                    classes=audit.data.num_classes,
                ),
                control=control_sentence(controls),
                refusals=chance_sentences(found.skills, audit.targets, judges)
                or nothing_to_compare(list(audit.targets), compared, seeing),
                remarks=protocol_remarks(
                    cells,
                    type(audit.data).__qualname__,
                    found.targets,
                    attacks=audit.attack_settings(),
                    seeds=len(audit.seeds),
                    gradients=audit.gradients,
                    rescale=audit.scoring.rescale,
                ),
            ),
            "control": controls,
        }

    def warnings(self, summary: Any, audit: Document) -> list[str]:
        """Say how many attacks failed, and which had no gradient or moved nothing."""
        return attack_doubts(audit["cells"])

    def section(self, summary: Any, audit: Document, looks: Looks, gallery: Gallery) -> tuple[Section, ...]:
        """Show the control, the scores, nearness to training data, what people saw, and reconstructions."""
        return (
            control(audit),
            scores(audit, looks),
            members(audit, looks),
            *people(audit),
            reconstructions(audit, gallery),
        )
