"""Fit the simulated camera of N-MNIST to real recordings, and compare it with others of them.

    python docs/calibrate_camera.py DATA [--fit] [--figures docs/pictures]

DATA holds ``mnist/`` with MNIST's IDX files and ``NMNIST/Train/<digit>/<number>.bin``, real recordings; recording k
shows training image k - 1. Recordings of odd number are fitted to (``--fit``: prints the path and the constants; ten
minutes on one core), those of even number are compared with the simulator as it is in the package.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from camera_pictures import draw_maps, draw_statistics
from camera_statistics import Recorded, Statistics, correlations, distance, load, measure, nearest_of_class, simulated
from scipy.optimize import minimize
from torch import Tensor, nn

from brainleaks_pl.events.camera import ATIS, EventCamera
from brainleaks_pl.events.saccades import Saccades

FORMER_CAMERA = EventCamera()
FORMER_SACCADES = Saccades(
    duration=100_000, amplitude=7.0, steps=40, path="triangle", offset_x=0.0, offset_y=0.0, blur=0.0, screen="black"
)

BIN = 5000
BINS = 63
FITTED = ("threshold_on", "threshold_off", "mismatch", "refractory", "floor", "blur")


class RateModel(nn.Module):
    """Expected events of every pixel, polarity and 5 ms: the rectified change of log intensity, with a dead time.

    The image's place is free every 5 ms; between them it is a straight line. The image is dark on a bright screen.
    """

    def __init__(self) -> None:
        super().__init__()
        corners = torch.tensor([[-2.6, -1.9], [-1.1, 3.6], [2.9, -1.6], [-2.6, -1.9]])
        time = torch.arange(BINS + 1) * BIN / 1000
        place = corners[0].expand(BINS + 1, 2)
        for leg, (start, end) in enumerate(((20, 75), (120, 190), (228, 295))):
            place = place + ((time - start) / (end - start)).clamp(0, 1)[:, None] * (corners[leg + 1] - corners[leg])
        self.place = nn.Parameter(place.clone())
        self.log_blur = nn.Parameter(torch.tensor(-0.6))
        self.log_scale = nn.Parameter(torch.tensor(0.0))
        self.log_floor = nn.Parameter(torch.tensor(-1.2))
        self.log_gain = nn.Parameter(torch.tensor([1.4, 1.4]))
        self.log_dead = nn.Parameter(torch.tensor(0.0))
        self.log_noise = nn.Parameter(torch.tensor(-6.0))

    def forward(self, images: Tensor) -> Tensor:
        """Return the rates, ``(BINS, N, 2, 34, 34)``, for images ``(N, 28, 28)``."""
        scale = self.log_scale.exp()
        axis = torch.arange(-6.0, 7.0)
        kernel = torch.exp(-(axis**2) / (2 * (self.log_blur.exp() / scale) ** 2))
        kernel = kernel / kernel.sum()
        paper = F.pad(1 - images[:, None], (14, 14, 14, 14), value=1.0)
        paper = F.conv2d(F.conv2d(paper, kernel.view(1, 1, 1, -1)), kernel.view(1, 1, -1, 1))
        side = paper.shape[-1]
        at = ((torch.arange(34.0) - 16.5 - self.place[..., None]) / scale) / (side / 2)
        moments = len(at)
        grid = torch.stack([at[:, 0, None, :].expand(-1, 34, 34), at[:, 1, :, None].expand(-1, 34, 34)], dim=-1)
        paper = paper.movedim(1, 0).expand(moments, -1, -1, -1)
        seen = F.grid_sample(paper, grid, padding_mode="border", align_corners=False).clamp(0, 1)
        change = (seen + self.log_floor.exp()).log().diff(dim=0)
        off, on = self.log_gain.exp()
        rate = torch.stack([-change * off, change * on], 2).clamp(min=0)
        return rate / (1 + rate * self.log_dead.exp() * 1000 / BIN) + 0.002 + self.log_noise.exp()


def fit_path(recorded: Recorded, steps: int = 300, batch: int = 16) -> RateModel:
    """Fit the path by the Poisson likelihood of the events (Adam, seed 0); a rough path costs a little."""
    counts = torch.zeros(len(recorded.recordings), BINS, 2, 34, 34, dtype=torch.uint8).numpy()
    for index, events in enumerate(recorded.recordings):
        place = (events["t"] // BIN).clip(max=BINS - 1), events["p"].astype(int), events["y"], events["x"]
        np.add.at(counts[index], place, 1)
    model, generator = RateModel(), torch.Generator().manual_seed(0)
    others = [value for name, value in model.named_parameters() if name != "place"]
    rates = (0.06, 0.03)
    optimiser = torch.optim.Adam([{"params": [model.place]}, {"params": others}])
    for step in range(steps):
        for group, rate in zip(optimiser.param_groups, rates, strict=True):
            group["lr"] = rate * (1 + math.cos(math.pi * step / steps)) / 2
        some = torch.randperm(len(counts), generator=generator)[:batch]
        expected = model(recorded.images[some])
        seen = torch.from_numpy(counts[some.numpy()]).transpose(0, 1).float()
        roughness = model.place.diff(n=2, dim=0).square().mean()
        loss = 1000 * (expected - seen * expected.log()).mean() + 0.05 * roughness
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if step % 50 == 0 or step == steps - 1:
            print(f"path, step {step}: loss {loss.item():.2f}", flush=True)
    return model


def fit_constants(recorded: Recorded, evaluations: int = 100, digits: int = 100) -> tuple[EventCamera, Saccades]:
    """Fit camera and blur to the statistics by simulation (Nelder-Mead on logarithms, always the seed 0)."""
    some = Recorded(recorded.images[:digits], recorded.labels[:digits], recorded.recordings[:digits])
    real = measure(some.recordings)

    def settings(logs: np.ndarray) -> tuple[EventCamera, Saccades]:
        values = dict(zip(FITTED, np.exp(logs).tolist(), strict=True))
        saccades = Saccades(blur=values.pop("blur"))
        return replace(ATIS, **{**values, "refractory": round(values["refractory"])}), saccades

    def misfit(logs: np.ndarray) -> float:
        return difference(real, measure(simulated(some, *settings(logs)).recordings))

    start = np.log([0.2, 0.2, 0.025, 1700, 0.3, 0.6])
    simplex = np.vstack([start, start + 0.2 * np.eye(len(start))])
    options = {"maxfev": evaluations, "initial_simplex": simplex, "xatol": 0.004, "fatol": 0.0005}
    found = minimize(misfit, start, method="Nelder-Mead", options=options)
    print(f"misfit {found.fun:.4f} after {found.nfev} simulations")
    return settings(found.x)


def difference(real: Statistics, other: Statistics) -> float:
    """Return how much statistics differ: maps, histograms, number of events and its spread, share of ON."""
    return (
        3 * (1 - float(correlations(real.maps, other.maps).mean()))
        + distance(real.same, other.same)
        + 0.5 * distance(real.opposite, other.opposite)
        + float(np.mean([distance(real.per_pixel[p, 1:], other.per_pixel[p, 1:]) for p in (0, 1)]))
        + 0.5 * distance(real.times, other.times)
        + 2 * abs(other.counts.mean() / real.counts.mean() - 1)
        + 2 * abs(other.counts.std() / real.counts.std() - 1)
        + 2 * abs(other.on - real.on)
    )


def tabulate(real: Statistics, others: dict[str, Statistics], neighbours: Tensor) -> str:
    """Return the table of docs/event_camera.md."""
    columns = {"real": real, **others}
    by_map = {name: correlations(real.maps, other.maps).mean(0) for name, other in others.items()}
    by_map["real"] = correlations(real.maps, real.maps[neighbours.numpy()]).mean(0)

    def row(title: str, values: dict[str, str]) -> str:
        return " | ".join(["| " + title, *(values.get(name, "") for name in columns)]) + " |"

    lines = [row("", {name: name for name in columns}), "|---" * (len(columns) + 1) + "|"]
    lines.append(row("events a recording, mean", {k: f"{v.counts.mean():.0f}" for k, v in columns.items()}))
    lines.append(row("standard deviation", {k: f"{v.counts.std():.0f}" for k, v in columns.items()}))
    spread = {k: f"{(real.counts / v.counts).std():.3f}" for k, v in others.items()}
    lines.append(row("deviation of the ratio of real to simulated", spread))
    lines.append(row("correlation of the maps", {k: f"{v.mean():.3f}" for k, v in by_map.items()}))
    for p, polarity in enumerate(("OFF", "ON")):
        values = {k: " / ".join(f"{c:.3f}" for c in v[:, p]) for k, v in by_map.items()}
        lines.append(row(f"{polarity}, by saccade", values))
    lines.append(row("share of ON events", {k: f"{v.on:.3f}" for k, v in columns.items()}))
    lines.append(row("centre, x / y", {k: f"{v.centre[0]:.2f} / {v.centre[1]:.2f}" for k, v in columns.items()}))
    for title, name in (("times", "times"), ("intervals, same polarity", "same"), ("intervals, opposite", "opposite")):
        values = {k: f"{distance(getattr(real, name), getattr(v, name)):.3f}" for k, v in others.items()}
        lines.append(row(f"{title}: difference of the histograms", values))
    pixels = {
        k: " / ".join(f"{distance(real.per_pixel[p, 1:], v.per_pixel[p, 1:]):.3f}" for p in (0, 1))
        for k, v in others.items()
    }
    lines.append(row("events a pixel and saccade, OFF / ON: the same", pixels))
    return "\n".join(lines)


def main() -> None:
    """Fit, compare and draw."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("data", type=Path)
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--figures", type=Path)
    arguments = parser.parse_args()
    everything = load(arguments.data, "Train")
    fitted, compared = (Recorded(*(values[half::2] for values in everything)) for half in (0, 1))
    if arguments.fit:
        model = fit_path(fitted)
        place = model.place.detach().double()
        middle, size = (place.amax(0) + place.amin(0)) / 2, float((place.amax(0) - place.amin(0)).mean())
        print({name: value.exp().tolist() for name, value in model.named_parameters() if name != "place"})
        print(f"amplitude {size:.3f}, offset {middle.tolist()}")
        print("\n".join(f"    ({x:.3f}, {y:.3f})," for x, y in ((place - middle) / size).tolist()))
        print(*fit_constants(fitted), sep="\n", flush=True)
    real = measure(compared.recordings)
    now = simulated(compared, ATIS, Saccades())
    before = simulated(compared, FORMER_CAMERA, FORMER_SACCADES)
    others = {"simulated": measure(now.recordings), "simulated before": measure(before.recordings)}
    print(tabulate(real, others, nearest_of_class(compared.images, compared.labels)))
    if arguments.figures:
        draw_statistics({"real": real, **others}, arguments.figures / "event_camera_statistics.png")
        draw_maps({"real": real, **others}, compared.labels, arguments.figures / "event_camera_maps.png")


if __name__ == "__main__":
    main()
