"""Events to frames of spikes, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
from tonic.io import events_struct, make_structured_array
from tonic.transforms import ToFrame

from brainleaks_pl.events.checked import Events

Polarity = Literal["off", "on", "merged", "both"]
"""Which events a frame holds: OFF, ON, both in one channel, or each in its own (OFF first)."""

MAX_FRAMES = 10_000
"""Longest recording that is made into frames without a limit of its own: more points to a damaged time stamp."""


def _check_polarity(polarity: str) -> None:
    if polarity not in get_args(Polarity):
        raise ValueError(f"polarity must be one of {', '.join(get_args(Polarity))}, got {polarity!r}.")


@dataclass(frozen=True)
class FrameTransform:
    """Turns a recording into frames of spikes (the published transforms of the event data).

    Noise is removed first, over both polarities. Then frame i holds the events of ``[start + i * frame_time, start +
    (i + 1) * frame_time)``, where the first event that is left is the start, whatever its polarity (tonic's default, as
    published). Then the polarity is chosen. A recording that loses all its events is silent, one frame long unless
    ``time_steps`` says otherwise.

    Args:
        frame_time: microseconds of a frame, at least 1.
        denoise: microseconds within which one of the four neighbouring pixels must have fired for an event to be kept;
            None keeps all.
        polarity: ``off``, ``on``, ``merged`` (both in one channel) or ``both`` (channel 0 is OFF, 1 is ON).
        time_steps: frames of every recording: later events are cut off, silence follows shorter recordings. None makes
            as many frames as the recording is long; its incomplete last one is dropped (tonic's default, as published).
        binary: at most one spike a pixel and frame; False counts them, up to 255.

    Raises:
        ValueError: when a value is out of range.

    Examples:
        >>> import numpy as np
        >>> from tonic.io import make_structured_array
        >>> from brainleaks_pl import FrameTransform
        >>> x, y, t, p = [3, 4, 3], [5, 5, 5], [0, 1200, 3100], [1, 0, 1]  # t in microseconds
        >>> events = make_structured_array(x, y, t, p)
        >>> frames = FrameTransform(frame_time=1000, polarity="both", time_steps=5)(events, sensor_size=(8, 8))
        >>> frames.shape
        (5, 2, 8, 8)
        >>> np.argwhere(frames).tolist()  # step, channel (OFF before ON), row and column
        [[0, 1, 5, 3], [1, 0, 5, 4], [3, 1, 5, 3]]
    """

    frame_time: int
    denoise: int | None = None
    polarity: Polarity = "merged"
    time_steps: int | None = None
    binary: bool = True

    def __post_init__(self) -> None:
        for name in ("frame_time", "denoise", "time_steps"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}.")
        _check_polarity(self.polarity)

    @property
    def channels(self) -> int:
        """C of the frames."""
        return 2 if self.polarity == "both" else 1

    def __call__(self, events: Events, sensor_size: tuple[int, int]) -> npt.NDArray[np.uint8]:
        """Return the frames of a recording, uint8 ``(T, C, H, W)``.

        Args:
            events: sorted by time; may be none.
            sensor_size: (W, H), which the events lie in.

        Raises:
            ValueError: when the events are not sorted or leave the sensor, or when ``time_steps`` is None and the
                recording is longer than :data:`MAX_FRAMES` frames.
        """
        _check_events(events, sensor_size)
        if self.denoise is not None:
            events = denoise(events, self.denoise)
        width, height = sensor_size
        if len(events) == 0:
            return np.zeros((self.time_steps or 1, self.channels, height, width), np.uint8)
        start = int(events["t"][0])
        steps = self.time_steps or max(1, (int(events["t"][-1]) - start) // self.frame_time)
        if self.time_steps is None and steps > MAX_FRAMES:
            raise ValueError(
                f"the recording makes {steps} frames of {self.frame_time} us, more than {MAX_FRAMES}: a time stamp may "
                "be damaged. If it is not, set time_steps or a longer frame_time."
            )
        counts: npt.NDArray[np.int64] = ToFrame(
            sensor_size=(width, height, 2),
            time_window=self.frame_time,
            start_time=start,
            end_time=start + steps * self.frame_time,
        )(events)
        frames: npt.NDArray[np.uint8] = (
            channels_of(counts, self.polarity).clip(0, 1 if self.binary else 255).astype(np.uint8)
        )
        return frames


def channels_of(values: Any, polarity: Polarity) -> Any:
    """Return the channels that a polarity stands for, ``(..., C, H, W)``.

    Args:
        values: of OFF and of ON events, an array or a tensor ``(..., 2, H, W)``.
        polarity: which events; those of ``merged`` are added up.
    """
    match polarity:
        case "off":
            return values[..., :1, :, :]
        case "on":
            return values[..., 1:, :, :]
        case "merged":
            return values.sum(-3, keepdims=True)
    return values


NMNIST_FRAMES = FrameTransform(frame_time=3000, denoise=40_000, polarity="off")
"""The published frames of N-MNIST: 3 ms after a denoise of 40 ms, one polarity."""


def denoise(events: Events, filter_time: int) -> Events:
    """Drop the events that no neighbour supports: equal to :class:`tonic.transforms.Denoise`, without its slow loop.

    An event is kept when the last event before it, in the order of the array, of one of the four neighbouring pixels is
    less than ``filter_time`` old. As in tonic, a pixel that has not fired counts as having fired at time 0, and pixels
    beyond the largest x and y of the recording do not count.

    Args:
        events: sorted by time; may be none.
        filter_time: microseconds, at least 1.

    Returns:
        The events that are kept, in their order.
    """
    if len(events) == 0:
        return events
    x, y, t = (events[name].astype(np.int64) for name in "xyt")
    width, height = x.max() + 1, y.max() + 1
    number = len(events)
    order = np.arange(number)
    pixel = x * height + y
    history = np.sort(pixel * number + order)  # pixel by pixel, the positions of its events
    kept = np.zeros(number, bool)
    for dx, dy in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        exists = (x + dx >= 0) & (x + dx < width) & (y + dy >= 0) & (y + dy < height)
        neighbour = pixel + dx * height + dy
        of_pixel, position = np.divmod(history[np.searchsorted(history, neighbour * number + order) - 1], number)
        fired = np.where(of_pixel == neighbour, t[position], 0)
        kept |= exists & (fired + filter_time > t)
    return events[kept]


def frames_to_events(frames: npt.ArrayLike, frame_time: int, polarity: Polarity) -> Events:
    """Turn frames into a recording of one event a spike, at the middle of its frame.

    ``tonic.transforms.ToFrame((W, H, 2), time_window=frame_time, start_time=0, end_time=T * frame_time)`` gives the
    same frames back, and so does :class:`FrameTransform` with ``time_steps=T`` and no noise filter if the first frame
    has a spike. Without a start and an end, tonic loses silent frames at either end, and the last one that has spikes.

    Args:
        frames: whole numbers of spikes, ``(T, C, H, W)``, C = 2 for ``both`` and 1 otherwise.
        frame_time: microseconds of a frame, at least 1.
        polarity: what the channels stand for. The events of ``merged`` frames are all OFF, as tonic's
            ``MergePolarities`` has it.

    Returns:
        Events of dtype ``tonic.io.events_struct``, sorted by time, none where frames are silent.

    Raises:
        ValueError: when ``frames`` have another shape or hold anything but whole numbers, or ``frame_time`` is below 1.
    """
    _check_polarity(polarity)
    if frame_time < 1:
        raise ValueError(f"frame_time must be at least 1, got {frame_time}.")
    counts = np.asarray(frames)
    channels = 2 if polarity == "both" else 1
    if counts.ndim != 4 or counts.shape[1] != channels:
        raise ValueError(f"frames must be (T, {channels}, H, W) for the polarity {polarity!r}, got {counts.shape}.")
    if not (np.isfinite(counts).all() and (counts >= 0).all() and (counts == np.floor(counts)).all()):
        raise ValueError("frames must hold whole numbers of spikes: draw spikes from probabilities first.")
    where = counts.nonzero()
    step, channel, y, x = np.repeat(where, counts[where].astype(np.int64), axis=1)
    p = channel if polarity == "both" else np.full_like(channel, polarity == "on")
    events: Events = make_structured_array(x, y, step * frame_time + frame_time // 2, p, dtype=events_struct)
    return events


def _check_events(events: Events, sensor_size: tuple[int, int]) -> None:
    for name, size in zip("xy", sensor_size, strict=True):
        outside = (events[name] < 0) | (events[name] >= size)
        if outside.any():
            raise ValueError(
                f"event {outside.argmax()} has {name} = {events[name][outside.argmax()]}, outside of the sensor of "
                f"{sensor_size[0]}x{sensor_size[1]} pixels."
            )
    if (np.diff(events["t"]) < 0).any():
        raise ValueError("the events are not sorted by time.")
