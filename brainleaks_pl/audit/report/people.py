"""The section on what people saw in the pictures."""

from __future__ import annotations

from typing import Any

from brainleaks_pl.audit.report.parts import Audit, Group, Section, Table, Value

_HEADER = ("target", "attack", "answers", "recognised", "low", "high", "taken for real", "low", "high")
_KEYS = (
    "answers", "recognised", "recognised_low", "recognised_high", "taken_for_real", "taken_low", "taken_high",
)  # fmt: skip


def people(audit: Audit) -> tuple[Section, ...]:
    """Show what people recognised and took for real; there is no section if nobody was asked."""
    found = audit.get("people")
    if found is None:
        return ()
    rows: list[tuple[Value, ...]] = [
        (row["target"], row["attack"], *(row[key] for key in _KEYS)) for row in found["rows"]
    ]
    rows.append(("real pictures", None, *(found["real"][key] for key in _KEYS)))
    return (
        Section(
            "people",
            "What people see",
            "People rated pictures blind: which class is it, and is it real or reconstructed by an attack?",
            _notes(found),
            (Group(tables=(Table("Shares, with 95% intervals over pictures", _HEADER, tuple(rows)),)),),
            _sentence(found),
        ),
    )


def _sentence(found: dict[str, Any]) -> str:
    parts = [f"{_number(found['raters'], 'person', 'people')} gave {_number(found['answers'], 'answer', 'answers')}."]
    real, rows = found["real"], found["rows"]
    if real["answers"]:
        parts.append(
            f"They recognised the class of {_percent(real, 'recognised', 'recognised')} of the real pictures, and took "
            f"{_percent(real, 'taken_for_real', 'taken')} of them for real."
        )
    if rows:
        best = max(rows, key=lambda row: row["recognised"])
        seen = max(rows, key=lambda row: row["taken_for_real"])
        parts.append(
            f"They recognised reconstructions most often for {best['attack']} on {best['target']}, "
            f"{_percent(best, 'recognised', 'recognised')}, and took them for real most often for {seen['attack']} on "
            f"{seen['target']}, {_percent(seen, 'taken_for_real', 'taken')}."
        )
    parts.append(f"A blind guess would name the right class in {found['chance']:.0%} of cases.")
    return " ".join(parts)


def _notes(found: dict[str, Any]) -> tuple[str, ...]:
    notes = [
        "Pictures were shown one at a time, without class, attack or origin. Intervals are over pictures, each counted "
        "once by the mean of its answers: they hold for other pictures like these, as these people see them. The best "
        "row of the table was picked from all its rows, which flatters it."
    ]
    if not found["real"]["answers"]:
        notes.append("Nobody rated a real picture, so nothing shows how well these people know the classes.")
        return tuple(notes)
    for key, words in (
        ("at_chance", "recognised real pictures no better than chance"),
        ("too_few", "rated too few real pictures to show whether they recognise them"),
    ):
        if found[key]:
            notes.append(f"Their answers count, but these {words}: {', '.join(found[key])}.")
    return tuple(notes)


def _percent(row: dict[str, Any], key: str, prefix: str) -> str:
    return f"{row[key]:.0%} ({row[f'{prefix}_low']:.0%} to {row[f'{prefix}_high']:.0%})"


def _number(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"
