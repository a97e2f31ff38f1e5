"""What the encoding of pixels as spikes lets through at most."""

from __future__ import annotations

from brainleaks_pl.audit.report.looks import Looks, label
from brainleaks_pl.audit.report.parts import Audit, Group, Section, Table
from brainleaks_pl.audit.report.plots import Curve, ceiling_plot


def ceiling(audit: Audit, looks: Looks) -> Section:
    """Show what the encoding lets through at most."""
    title = "What the encoding lets through"
    found = audit["ceiling"]
    lead = (
        "Pixels become spikes before the network sees them, and that loses detail. The curve shows how like the "
        "originals test images are after encoding and decoding, by number of time steps T: no attack on the spikes can "
        "be expected to recover more. Filled markers are the attacks' likeness to the nearest training image, hollow "
        "ones to the class mean."
    )
    if found is None:
        return Section(
            "ceiling",
            title,
            "Pixels that become spikes lose detail, which limits any attack.",
            finding="These data are recorded as events, or reach the network as they are: no encoding stands between.",
        )
    points = [
        (
            Curve(
                label(row["target"], row["attack"], length=20),
                [place],
                [row[key]],
                looks.colour(row["attack"]),
                looks.marker(row["target"]),
            ),
            key == "ssim_nearest",
        )
        for place, row in enumerate(found["attacks"])
        for key in ("ssim_class_mean", "ssim_nearest")
        if row.get(key) is not None
    ]
    steps = found["time_steps"]
    plots = (
        ceiling_plot(Curve("encoding", steps, found["ssim"]), points, found["at"], label="SSIM",
                     alt="Structural similarity of encoded test images against time steps, attacks beside it"),
        ceiling_plot(Curve("encoding", steps, found["psnr"]), (), found["at"], label="PSNR (dB)",
                     alt="Signal to noise ratio of encoded test images against time steps"),
    )  # fmt: skip
    measured = list(dict.fromkeys(key for row in found["attacks"] for key in row))
    tables = [
        Table(
            "The ceiling",
            ("time steps", "SSIM", "PSNR (dB)"),
            tuple(zip(steps, found["ssim"], found["psnr"], strict=True)),
        )
    ]
    if measured:
        tables.append(
            Table(
                "Attacks beside the ceiling",
                tuple(key.replace("_", " ").replace("ssim", "SSIM") for key in measured),
                tuple(tuple(row.get(key) for key in measured) for row in found["attacks"]),
            )
        )
    at = (
        f"At T = {found['at']}, the setting of this audit, the ceiling is an SSIM of {found['ssim_at']:.3f} and a PSNR "
        f"of {found['psnr_at']:.1f} dB."
    )
    return Section("ceiling", title, lead, groups=(Group(plots=plots, tables=tuple(tables)),), finding=at)
