"""A model of an event camera: pixels that report changes of their log intensity."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from tonic.io import events_struct, make_structured_array
from torch import Tensor

from brainleaks_pl.events.checked import Events

_Unsorted = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.bool_]]
"""Pixels counted through the batch, microseconds since the first frame, and whether brightness went up."""

MIN_THRESHOLD = 0.01
"""What mismatch leaves of the most sensitive pixel's threshold, in log intensity."""


@dataclass(frozen=True)
class EventCamera:
    """Event camera: a pixel fires each time its log intensity has moved by its own threshold since its last event.

    The model of ESIM (Rebecq et al., CoRL 2018): between two frames log intensities are linear in time, so one step may
    cross several thresholds, each at its own time. As in v2e (Hu et al., CVPR workshops 2021) the pixels' thresholds
    differ; they are drawn once per recording. Background noise is a Poisson process that leaves the memory of the pixel
    alone. What would fire within the refractory period after the last event of its pixel, noise included, is lost. The
    memory follows lost crossings too, as in ESIM: a refractory pixel is held in reset and forgets what it sees then.

    :data:`ATIS` is the camera of N-MNIST.

    Args:
        threshold_on: rise of the natural log of the intensity that makes an ON event, at least 0.01.
        threshold_off: fall of the natural log of the intensity that makes an OFF event, at least 0.01.
        mismatch: standard deviation of the pixels' thresholds, in log intensity, at least 0.
        refractory: microseconds after an event during which its pixel is silent, at least 0.
        noise_rate: background events per pixel and second, at least 0.
        floor: added to the intensity before the logarithm (dark current and stray light), > 0.
        noise_on: share of the background events that are ON, in [0, 1]. Leakage through the switch that resets a pixel
            makes nothing but ON events (v2e); 0.5 stands for noise without a preference.

    Raises:
        ValueError: when a constant is out of range.

    Examples:
        A pixel goes from dark to bright in a tenth of a second: one event for each time its log intensity rises by 0.4.

        >>> import numpy as np
        >>> import torch
        >>> from brainleaks_pl import EventCamera
        >>> camera = EventCamera(threshold_on=0.4, mismatch=0.0, noise_rate=0.0)
        >>> movie = torch.linspace(0, 1, 11).view(11, 1, 1, 1)  # (F, B, H, W)
        >>> (events,) = camera.record(movie, torch.arange(11) * 10_000, [np.random.default_rng(0)])
        >>> events["t"].tolist(), events["p"].tolist()
        ([9865, 24789, 46577, 79104], [True, True, True, True])
    """

    threshold_on: float = 0.4
    threshold_off: float = 0.4
    mismatch: float = 0.05
    refractory: int = 500
    noise_rate: float = 0.5
    floor: float = 0.2
    noise_on: float = 0.5

    def __post_init__(self) -> None:
        for name, least in (
            ("threshold_on", MIN_THRESHOLD),
            ("threshold_off", MIN_THRESHOLD),
            ("mismatch", 0),
            ("refractory", 0),
            ("noise_rate", 0),
        ):
            value = getattr(self, name)
            if not least <= value < math.inf:
                raise ValueError(f"{name} must be at least {least} and finite, got {value}.")
        if not 0 < self.floor < math.inf:
            raise ValueError(f"floor must be positive and finite, got {self.floor}.")
        if not 0 <= self.noise_on <= 1:
            raise ValueError(f"noise_on must lie in [0, 1], got {self.noise_on}.")

    def log_intensity(self, images: Tensor) -> Tensor:
        """Return what the pixels compare, ``log(intensity + floor)``, for intensities in [0, 1] (any shape)."""
        return (images + self.floor).log()

    def thresholds(self, height: int, width: int, generator: np.random.Generator) -> Tensor:
        """Draw the thresholds of a sensor's pixels, ON before OFF, ``(2, H, W)``, float32 and at least 0.01."""
        nominal = torch.tensor([self.threshold_on, self.threshold_off]).view(2, 1, 1)
        deviation = torch.from_numpy(generator.standard_normal((2, height, width), dtype=np.float32))
        return (nominal + self.mismatch * deviation).clamp(min=MIN_THRESHOLD)

    def spike_rates(self, levels: Tensor, interval: float) -> Tensor:
        """Return how many events to expect of every pixel from one moment to the next; differentiable.

        The mean of what :meth:`record` draws, but for what a pixel remembers of earlier moments: the change of its log
        intensity in thresholds, and the noise. No event is lost to the refractory period.

        Args:
            levels: log intensities, ``(T + 1, B, H, W)``.
            interval: microseconds between two moments.

        Returns:
            ``(T, B, 2, H, W)``, OFF before ON (as frames of both polarities have them).
        """
        change = levels.diff(dim=0)
        signal = torch.stack([-change / self.threshold_off, change / self.threshold_on], 2).clamp(min=0)
        noise = torch.tensor([1 - self.noise_on, self.noise_on]).to(signal) * 1e-6 * self.noise_rate * interval
        return signal + noise.view(2, 1, 1)

    @torch.no_grad()
    def record(self, movie: Tensor, times: Tensor, generators: Sequence[np.random.Generator]) -> list[Events]:
        """Record a batch of movies; what one recording holds does not depend on the others.

        Args:
            movie: intensities in [0, 1], ``(F, B, H, W)``, F at least 2. Pixels remember the first frame at the start.
            times: of the frames in microseconds, increasing, ``(F,)``.
            generators: where each recording takes its thresholds and its noise from, B of them.

        Returns:
            B streams with times from the first frame's to the last's; at equal times pixels follow in reading order.

        Raises:
            ValueError: when the arguments do not fit.
        """
        _check(movie, times, generators)
        _, batch, height, width = movie.shape
        pixels = height * width
        start, duration = int(times[0]), int(times[-1] - times[0])
        thresholds = torch.stack([self.thresholds(height, width, generator) for generator in generators], dim=1)
        parts = [self._crossings(movie, times - start, thresholds.flatten(1).to(movie.device))]
        for position, generator in enumerate(generators):
            pixel, t, on = self._noise(pixels, duration, generator)
            parts.append((position * pixels + pixel, t, on))
        pixel, t, on = (np.concatenate(part) for part in zip(*parts, strict=True))
        order = np.argsort(pixel * (duration + 1) + t, kind="stable")
        order = order[outside_refractory(pixel[order], t[order], self.refractory)]
        order = order[np.argsort(pixel[order] // pixels * (duration + 1) + t[order], kind="stable")]
        recording, pixel = np.divmod(pixel[order], pixels)
        y, x = np.divmod(pixel, width)
        events = make_structured_array(x, y, start + t[order], on[order], dtype=events_struct)
        return np.split(events, np.searchsorted(recording, np.arange(1, batch)))

    def _noise(self, pixels: int, duration: int, generator: np.random.Generator) -> _Unsorted:
        number = generator.poisson(self.noise_rate * 1e-6 * duration * pixels)
        t = generator.integers(duration, size=number)
        return generator.integers(pixels, size=number), t, generator.random(number) < self.noise_on

    def _crossings(self, movie: Tensor, times: Tensor, thresholds: Tensor) -> _Unsorted:
        threshold_on, threshold_off = thresholds
        # flat before the logarithm: its vectorised and its strided kernels differ in the last bit
        last = self.log_intensity(movie[0].flatten().float())
        memory = last.clone()
        parts: list[tuple[Tensor, Tensor, Tensor]] = []
        for frame in range(1, len(movie)):
            level = self.log_intensity(movie[frame].flatten().float())
            change = level - memory
            moved = ((change >= threshold_on) | (change <= -threshold_off)).nonzero().flatten()
            change = change[moved]
            step = torch.where(change > 0, threshold_on[moved], -threshold_off[moved])
            number = (change / step).floor()
            repeats = number.long()
            pixel = moved.repeat_interleave(repeats)
            first = (repeats.cumsum(0) - repeats).repeat_interleave(repeats)
            rank = 1 + torch.arange(len(first), device=first.device) - first
            stride = step.repeat_interleave(repeats)
            crossed = memory[pixel] + rank * stride
            fraction = ((crossed - last[pixel]) / (level[pixel] - last[pixel])).nan_to_num().clamp(0, 1)
            t = times[frame - 1] + (fraction * (times[frame] - times[frame - 1])).round().long()
            parts.append((pixel, t, stride > 0))
            memory[moved] += number * step
            last = level
        where, when, on = (torch.cat(part).cpu().numpy() for part in zip(*parts, strict=True))
        return where, when, on


ATIS = EventCamera(
    threshold_on=0.194,
    threshold_off=0.188,
    mismatch=0.029,
    refractory=1950,
    noise_rate=0.3,
    floor=0.26,
    noise_on=1.0,
)
"""The camera of N-MNIST (an ATIS, Posch et al., 2011), fitted to 500 real recordings: see ``docs/event_camera.md``."""


def outside_refractory(pixel: npt.NDArray[np.int64], t: npt.NDArray[np.int64], period: int) -> npt.NDArray[np.bool_]:
    """Return which events come at least ``period`` after the last event of their pixel that does so itself.

    Args:
        pixel: of each event, sorted, ``(N,)``.
        t: time of each event in microseconds, at least 0 and sorted within each pixel, ``(N,)``.
        period: refractory period in microseconds, at least 0.
    """
    key = pixel * (t.max(initial=0) + period + 1) + t
    following = np.maximum(np.searchsorted(key, key + period), np.arange(1, len(key) + 1))
    kept = np.zeros(len(key), dtype=bool)
    # of every pixel the first event is kept, then the first that may follow it, and so on: all pixels at once
    current = np.flatnonzero(np.diff(pixel, prepend=-1))
    while len(current):
        kept[current] = True
        previous, current = current, following[current]
        previous, current = previous[current < len(key)], current[current < len(key)]
        current = current[pixel[current] == pixel[previous]]
    return kept


def _check(movie: Tensor, times: Tensor, generators: Sequence[np.random.Generator]) -> None:
    if movie.ndim != 4 or len(movie) < 2 or not movie.numel():
        raise ValueError(f"movie must be (F, B, H, W) with at least two frames, got {tuple(movie.shape)}.")
    darkest, brightest = (float(value) for value in movie.aminmax())
    if not (darkest >= 0 and brightest <= 1):
        raise ValueError(f"the intensities of a movie must lie in [0, 1], got {darkest} to {brightest}.")
    if times.is_floating_point() or times.shape != movie.shape[:1] or not bool((times.diff() > 0).all()):
        raise ValueError(f"times must be {len(movie)} increasing whole numbers, one per frame, got {times}.")
    if len(generators) != movie.shape[1]:
        raise ValueError(f"expected {movie.shape[1]} generators, one per recording, got {len(generators)}.")
