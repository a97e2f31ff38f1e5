"""The event camera as an encoder: a still image becomes the spikes of its recording."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Generator, Tensor

from brainleaks_pl.encoders.base import Encoder, Uniform, draw_counts, draw_spikes
from brainleaks_pl.events.camera import ATIS, MIN_THRESHOLD, EventCamera
from brainleaks_pl.events.frames import NMNIST_FRAMES, FrameTransform, channels_of
from brainleaks_pl.events.saccades import Saccades


@dataclass(frozen=True)
class EventCameraEncoder(Encoder):
    """Records still images of 28x28 as N-MNIST was recorded: by an event camera that makes three saccades.

    :meth:`encode` runs the whole simulator and makes frames of its events. :meth:`sample` is its differentiable
    likeness, with the same camera and saccades: in every frame a pixel fires as often as
    :meth:`~brainleaks_pl.events.camera.EventCamera.spike_rates` says on average, independently, and the gradient goes
    straight through the draw. Frames of spikes hold one at most, those of counts no more than the refractory period
    allows. Noise filter and mismatch are left out there.

    Args:
        time_steps: T, at least 1; that of ``frames`` is not used.
        camera: the event camera.
        saccades: its movement.
        frames: how events become frames. Counts (``binary`` false) in long frames are a fast likeness of short ones,
            for networks that add up what they see.
        uncertainty: how much the constants are in doubt, in [0, 1): :meth:`variant` multiplies the thresholds, the
            amplitude of the saccades and the frame time by a factor each, drawn from
            ``[1 - uncertainty, 1 + uncertainty]``.

    Raises:
        ValueError: when ``time_steps`` or ``uncertainty`` is out of range.

    Examples:
        >>> import torch
        >>> from brainleaks_pl import EventCameraEncoder
        >>> image = torch.zeros(1, 1, 28, 28)
        >>> image[..., 6:22, 13:16] = 1  # an upright stroke
        >>> spikes = EventCameraEncoder(time_steps=100).encode(image, torch.Generator().manual_seed(0))
        >>> spikes.shape
        torch.Size([100, 1, 1, 34, 34])
        >>> spikes.unique()
        tensor([0., 1.])
    """

    time_steps: int = 100
    camera: EventCamera = ATIS
    saccades: Saccades = Saccades()
    frames: FrameTransform = NMNIST_FRAMES
    uncertainty: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.uncertainty < 1:
            raise ValueError(f"uncertainty must lie in [0, 1), got {self.uncertainty}.")

    def image_shape(self, input_shape: tuple[int, int, int]) -> tuple[int, int, int]:
        """Return the shape of the images, (1, 28, 28).

        Raises:
            ValueError: when the network's input has another shape than the frames.
        """
        width, height = self.saccades.sensor_size
        own = (self.frames.channels, height, width)
        if tuple(input_shape) != own:
            raise ValueError(
                f"the network takes inputs of shape {tuple(input_shape)}, {type(self).__name__} makes frames of {own}: "
                "the polarity of encoder.frames must be that of the data."
            )
        rows, columns = self.saccades.image_size
        return (1, rows, columns)

    def variant(self, generator: np.random.Generator) -> EventCameraEncoder:
        """Return the encoder with another camera, path and frame time, as far as they are in doubt."""
        if not self.uncertainty:
            return self
        threshold, path, time = generator.uniform(1 - self.uncertainty, 1 + self.uncertainty, size=3)
        on, off = (
            max(MIN_THRESHOLD, value * threshold) for value in (self.camera.threshold_on, self.camera.threshold_off)
        )
        return replace(
            self,
            camera=replace(self.camera, threshold_on=on, threshold_off=off),
            saccades=replace(self.saccades, amplitude=self.saccades.amplitude * path),
            frames=replace(self.frames, frame_time=max(1, round(self.frames.frame_time * time))),
        )

    @torch.no_grad()
    def encode(self, images: Tensor, generator: Generator | None = None) -> Tensor:
        """Record images, ``(B, 1, 28, 28)``; return the frames, ``(T, B, C, 34, 34)``: spikes, or counts of them."""
        seeds = torch.randint(2**62, (len(images),), generator=generator, device=images.device).tolist()
        movie = self.saccades.watch(images[:, 0].clamp(0, 1).cpu())
        generators = [np.random.default_rng(seed) for seed in seeds]
        transform = replace(self.frames, time_steps=self.time_steps)
        recordings = self.camera.record(movie, self.saccades.times(), generators)
        frames = [torch.from_numpy(transform(events, self.saccades.sensor_size)) for events in recordings]
        return torch.stack(frames, 1).to(images)

    def sample(self, images: Tensor, uniform: Uniform) -> Tensor:
        """Draw frames of independent spikes, ``(T, B, C, 34, 34)``; the gradient is that of their expectation."""
        moments = torch.arange(self.time_steps + 1) * self.frames.frame_time
        levels = self.camera.log_intensity(self.saccades.watch(images[:, 0]))
        rates = self.camera.spike_rates(_at(levels, self.saccades.times(), moments), self.frames.frame_time)
        chosen: Tensor = channels_of(rates, self.frames.polarity)
        if self.frames.binary:
            return draw_spikes(chosen.clamp(max=1.0), uniform())
        most = 1 + self.frames.frame_time // max(1, self.camera.refractory)
        return draw_counts(chosen.clamp(max=float(most)), uniform())


def _at(values: Tensor, times: Tensor, moments: Tensor) -> Tensor:
    """Interpolate ``values``, ``(F, ...)`` at ``times``, linearly at ``moments``; the last value holds afterwards."""
    right = torch.searchsorted(times, moments).clamp(1, len(times) - 1)
    left = right - 1
    weight = ((moments - times[left]) / (times[right] - times[left])).clamp(0, 1).to(values)
    return torch.lerp(values[left], values[right], weight.view(-1, *[1] * (values.ndim - 1)))
