"""Animations of spikes, as the viewer of an event camera shows them, for GIF files and TensorBoard."""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from matplotlib.font_manager import findfont
from PIL import Image, ImageDraw, ImageFont
from tensorboard.compat.proto.summary_pb2 import Summary  # type: ignore[import-untyped]
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from brainleaks_pl.events.frames import Polarity
from brainleaks_pl.reporting.text import short

Pictures = npt.NDArray[np.uint8]
"""Pictures in RGB, one after the other, ``(F, h, w, 3)``."""
Colour = tuple[int, int, int]

MAX_FPS = 50.0
"""Pictures a second that viewers of GIF files keep up with."""

_PAPER, _TEXT, _RULE, _ALARM = (250, 250, 250), (60, 60, 60), (205, 205, 205), (190, 20, 60)
_OFF, _ON = (222, 95, 20), (25, 95, 200)
_LEGENDS: dict[Polarity, dict[str, Colour]] = {
    "off": {"OFF": _OFF},
    "on": {"ON": _ON},
    "merged": {"ON or OFF": _TEXT},
    "both": {"OFF": _OFF, "ON": _ON},
}
_MARGIN, _LINE = 10, 19
_HEADING, _CAPTION = 80, 40  # most characters of each


def animation_frames(
    recordings: Mapping[str, Tensor],
    *,
    heading: str,
    polarity: Polarity,
    frame_time: int,
    simulated: bool = False,
    fade: float = 0.75,
    size: int = 256,
) -> Pictures:
    """Show spikes as they come: one row per recording, one picture per time step.

    On the left a spike fades as others follow; on the right all spikes so far add up, on a scale that ends at the
    busiest pixel of the whole recording. A recording that is shorter than another stands still after its end.

    Args:
        recordings: counts of spikes by caption, each ``(T, C, H, W)`` with a T of its own.
        heading: title of the pictures, of which up to 80 characters are shown.
        polarity: what the channels stand for; OFF and ON have a colour each.
        frame_time: microseconds of a time step, at least 1.
        simulated: whether to say, in a line of its own, that the data are simulated.
        fade: what a step leaves of the colour of an earlier spike, in [0, 1).
        size: pixels of the longer side of a recording, at least 1: it is enlarged by a whole number, never reduced.

    Returns:
        Pictures, uint8 ``(F, h, w, 3)``, F the longest T.

    Raises:
        ValueError: when there is nothing to show, or an argument is out of range.
    """
    legend = _LEGENDS[polarity]
    shapes = [tuple(spikes.shape) for spikes in recordings.values()]
    if not shapes or any(len(s) != 4 or s[1:] != shapes[0][1:] or s[1] != len(legend) or 0 in s for s in shapes):
        raise ValueError(
            f"recordings of polarity {polarity!r} must be (T, {len(legend)}, H, W), all of one (H, W), got {shapes}."
        )
    if not 0 <= fade < 1:
        raise ValueError(f"fade must lie in [0, 1), got {fade}.")
    if frame_time < 1 or size < 1:
        raise ValueError(f"frame_time and size must be at least 1, got {frame_time} and {size}.")
    heading = short(heading, _HEADING)
    captions = {caption: short(caption, _CAPTION) for caption in recordings}
    steps = max(shape[0] for shape in shapes)
    scale = max(1, size // max(shapes[0][2:]))
    second = 2 * _MARGIN + max(
        shapes[0][3] * scale, *map(_text_width, captions.values())
    )  # where the right column begins
    end = f"{steps * frame_time / 1000:g} ms"
    clocks = [f"{(step + 1) * frame_time / 1000:g} of {end}" for step in range(steps)]
    footer = _text_width(f"{end} of {end}   {'   '.join(legend)}")
    width = max(second + max(shapes[0][3] * scale, _text_width("all so far")), _text_width(heading), footer) + _MARGIN

    strips = [_text_strip(width, {_MARGIN: (heading, _TEXT)})]
    if simulated:
        strips.append(_text_strip(width, {_MARGIN: ("simulated data", _ALARM)}))
    inks = np.array(list(legend.values()), np.float32)
    for caption, spikes in recordings.items():
        counts = spikes.detach().cpu().numpy().astype(np.float32)
        panels = {
            _MARGIN: _painted(_fading(counts, fade), inks, scale),
            second: _painted(_adding_up(counts), inks, scale),
        }
        strips.append(_text_strip(width, {_MARGIN: (captions[caption], _TEXT), second: ("all so far", _TEXT)}))
        strips.append(_panel_strip(width, steps, panels))
    keys: dict[int, tuple[str, Colour]] = {}
    place = width - _MARGIN
    for key, colour in reversed(legend.items()):
        place -= _text_width(key)
        keys[place] = (key, colour)
        place -= _MARGIN
    strips.append(np.concatenate([_text_strip(width, {_MARGIN: (clock, _TEXT), **keys}) for clock in clocks]))
    return np.concatenate([np.broadcast_to(strip, (steps, *strip.shape[1:])) for strip in strips], axis=1)


def bare_frames(spikes: Tensor, *, polarity: Polarity, fade: float = 0.75, size: int = 256) -> Pictures:
    """Show spikes as they come, and nothing else: one picture a time step, no title, caption or clock.

    Args:
        spikes: counts of spikes, ``(T, C, H, W)``.
        polarity: what the channels stand for, as many as C.
        fade: what a step leaves of the colour of an earlier spike, in [0, 1).
        size: pixels of the longer side, at least 1; spikes are enlarged by a whole number, never reduced.

    Returns:
        Pictures, uint8 ``(T, h, w, 3)``.
    """
    inks = np.array(list(_LEGENDS[polarity].values()), np.float32)
    counts = spikes.detach().cpu().numpy().astype(np.float32)
    return _painted(_fading(counts, fade), inks, max(1, size // max(spikes.shape[-2:])))


def encode_gif(frames: Pictures, fps: float = 12.5) -> bytes:
    """Encode pictures as a GIF that repeats for ever.

    GIF counts hundredths of a second, so the rate is met as nearly as these allow. Where a picture equals the one
    before it, the file shows that one for longer instead.

    Args:
        frames: uint8 ``(F, h, w, 3)``, F at least 1.
        fps: pictures per second, in [0.1, 50].

    Raises:
        ValueError: when there are no such pictures, or ``fps`` is out of range.
    """
    if frames.ndim != 4 or frames.shape[-1] != 3 or frames.dtype != np.uint8 or 0 in frames.shape:
        raise ValueError(f"frames must be uint8 (F, h, w, 3), got {frames.dtype} {frames.shape}.")
    check_fps(fps)
    sample = frames[:: max(1, len(frames) // 8)]
    palette = Image.fromarray(sample.reshape(-1, *sample.shape[2:])).quantize(method=Image.Quantize.MAXCOVERAGE)
    # one palette for all is five times as fast as Pillow's own, one a picture, and colours stay the same throughout
    first, *others = (Image.fromarray(frame).quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames)
    file = io.BytesIO()
    first.save(file, "GIF", save_all=True, append_images=others, duration=10 * round(100 / fps), loop=0)
    return file.getvalue()


def check_fps(fps: float) -> None:
    """Raise ValueError when ``fps`` is no rate that viewers of GIF files keep up with."""
    if not 0.1 <= fps <= MAX_FPS:
        raise ValueError(f"fps must lie in [0.1, {MAX_FPS:g}], got {fps}.")


def log_animation(writer: SummaryWriter, tag: str, frames: Pictures, fps: float = 12.5, step: int = 0) -> None:
    """Show an animation under TensorBoard's images.

    What :meth:`SummaryWriter.add_video` writes too, without the package that it needs to encode a GIF.

    Args:
        writer: the logger's own, ``TensorBoardLogger.experiment``.
        tag: name of the animation.
        frames: uint8 ``(F, h, w, 3)``.
        fps: pictures per second, in [0.1, 50].
        step: the step that it belongs to.

    Raises:
        ValueError: as :func:`encode_gif`.
    """
    _, height, width, _ = frames.shape
    image = Summary.Image(height=height, width=width, colorspace=3, encoded_image_string=encode_gif(frames, fps))
    writer._get_file_writer().add_summary(Summary(value=[Summary.Value(tag=tag, image=image)]), step)


def _fading(counts: npt.NDArray[np.float32], fade: float) -> npt.NDArray[np.float32]:
    amounts = counts.clip(0, 1)
    for before, now in pairwise(amounts):
        np.maximum(now, fade * before, out=now)
    return amounts


def _adding_up(counts: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    amounts: npt.NDArray[np.float32] = counts.cumsum(0)
    amounts /= max(float(amounts[-1].max()), 1.0)
    return amounts


def _painted(amounts: npt.NDArray[np.float32], inks: npt.NDArray[np.float32], scale: int) -> Pictures:
    """Return ``(T, C, H, W)`` amounts of ink in [0, 1] as enlarged pictures ``(T, h, w, 3)``."""
    paper = np.array(_PAPER, np.float32)
    colours = paper - np.einsum("tchw,ck->thwk", amounts, paper - inks)
    pictures: Pictures = colours.clip(0, 255).round().astype(np.uint8)
    return pictures.repeat(scale, 1).repeat(scale, 2)


def _panel_strip(width: int, steps: int, panels: Mapping[int, Pictures]) -> Pictures:
    height = next(iter(panels.values())).shape[1]
    strip = np.full((steps, height + _MARGIN, width, 3), _PAPER, np.uint8)
    for left, pictures in panels.items():
        right = left + pictures.shape[2]
        strip[:, : height + 2, left - 1 : right + 1] = _RULE
        strip[: len(pictures), 1 : height + 1, left:right] = pictures
        strip[len(pictures) :, 1 : height + 1, left:right] = pictures[-1]
    return strip


def _text_strip(width: int, texts: Mapping[int, tuple[str, Colour]]) -> Pictures:
    """Return one line of texts, by where they begin, ``(1, h, width, 3)``."""
    strip = Image.new("RGB", (width, _LINE), _PAPER)
    draw = ImageDraw.Draw(strip)
    for left, (text, colour) in texts.items():
        draw.text((left, 2), text, fill=colour, font=_font())
    return np.asarray(strip)[None]


def _text_width(text: str) -> int:
    return round(_font().getlength(text)) + _MARGIN


@cache
def _font() -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(findfont("DejaVu Sans"), 13)
