"""Animations of spikes: colours, layout, GIF files and TensorBoard."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.utils.tensorboard import SummaryWriter

from brainleaks_pl.events.frames import Polarity
from brainleaks_pl.reporting.animation import Pictures, animation_frames, encode_gif, log_animation

PAPER, OFF, ON, GREY, ALARM = (250, 250, 250), (222, 95, 20), (25, 95, 200), (60, 60, 60), (190, 20, 60)


def pictures_of(spikes: torch.Tensor, polarity: Polarity = "off", simulated: bool = False) -> Pictures:
    return animation_frames(
        {"spikes": spikes}, heading="toy", polarity=polarity, frame_time=1000, simulated=simulated, size=8
    )


def drawn(spikes: torch.Tensor, polarity: Polarity = "off") -> list[list[tuple[int, ...]]]:
    """Of every picture the colours of the pixels that silence would not have, left to right."""
    pictures = pictures_of(spikes, polarity)
    silence = pictures_of(torch.zeros_like(spikes), polarity)
    colours = []
    for picture, silent in zip(pictures, silence, strict=True):
        columns, rows = np.nonzero((picture != silent).any(-1).T)
        colours.append([tuple(map(int, picture[y, x])) for x, y in zip(columns, rows, strict=True)])
    return colours


def mixed(ink: tuple[int, ...], amount: float) -> tuple[int, ...]:
    return tuple(round(paper - amount * (paper - colour)) for paper, colour in zip(PAPER, ink, strict=True))


def open_gif(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


@pytest.mark.parametrize(("polarity", "ink"), [("off", OFF), ("on", ON), ("merged", GREY)])
def test_a_spike_fades_on_the_left_and_stays_on_the_right(polarity: Polarity, ink: tuple[int, ...]) -> None:
    spikes = torch.zeros(4, 1, 2, 2)
    spikes[1, 0, 0, 1] = 1
    before, spike, after, later = drawn(spikes, polarity)
    assert before == []
    assert spike == [ink] * 32  # 4x4 pixels on either side
    assert after == [mixed(ink, 0.75)] * 16 + [ink] * 16
    assert later == [mixed(ink, 0.75**2)] * 16 + [ink] * 16


def test_spikes_add_up_on_a_scale_that_ends_at_the_busiest_pixel() -> None:
    spikes = torch.ones(4, 1, 1, 1)
    assert [colours[-1] for colours in drawn(spikes)] == [mixed(OFF, share) for share in (0.25, 0.5, 0.75, 1)]


def test_both_polarities_have_their_colours_and_darken_each_other() -> None:
    off, on = drawn(torch.eye(2).view(2, 2, 1, 1), "both")
    assert off == [OFF] * 128
    assert on[0] == tuple(
        max(0, round(paper - (paper - late) - 0.75 * (paper - early)))
        for paper, late, early in zip(PAPER, ON, OFF, strict=True)
    )


def test_counts_are_shown_like_spikes_where_they_fade() -> None:
    assert drawn(torch.full((1, 1, 1, 1), 7.0))[0] == [OFF] * 128


def test_a_shorter_recording_stands_still_after_its_end() -> None:
    long, short = torch.zeros(5, 1, 2, 2), torch.ones(2, 1, 2, 2)
    pictures = animation_frames({"a": long, "b": short}, heading="", polarity="on", frame_time=1000, size=8)
    assert len(pictures) == 5
    without_clock = pictures[:, :-19]
    assert (without_clock[2:] == without_clock[1]).all()
    assert (without_clock[1] != without_clock[0]).any()


def test_simulated_data_are_called_so() -> None:
    spikes = torch.zeros(1, 1, 4, 4)
    plain, marked = pictures_of(spikes)[0], pictures_of(spikes, simulated=True)[0]
    assert not (plain == ALARM).all(-1).any()
    assert (marked == ALARM).all(-1).any()
    assert marked.shape[0] > plain.shape[0]


@pytest.mark.parametrize("heading", ["short", "a heading that is far wider than two small recordings " * 2])
def test_no_text_is_cut(heading: str) -> None:
    spikes = {"a caption wider than its recording": torch.zeros(1, 1, 4, 4)}
    pictures = animation_frames(spikes, heading=heading, polarity="on", frame_time=1, simulated=True, size=4)
    assert (pictures[:, :, -5:] == PAPER).all()


def test_every_step_is_a_picture_of_the_gif_even_in_silence() -> None:
    pictures = pictures_of(torch.zeros(7, 1, 34, 34))
    gif = open_gif(encode_gif(pictures, fps=10))
    assert gif.n_frames == 7
    assert gif.size == pictures.shape[2:0:-1]
    assert gif.info["duration"] == 100
    assert gif.info["loop"] == 0


def test_the_gif_shows_the_pictures() -> None:
    spikes = torch.bernoulli(torch.full((12, 2, 16, 16), 0.2), generator=torch.Generator().manual_seed(0))
    pictures = pictures_of(spikes, "both", simulated=True)
    gif = open_gif(encode_gif(pictures))
    for number, picture in enumerate(pictures):
        gif.seek(number)
        assert np.abs(np.asarray(gif.convert("RGB")).astype(int) - picture).max() < 40


def test_tensorboard_gets_the_gif(tmp_path: Path) -> None:
    pictures = pictures_of(torch.zeros(3, 1, 4, 4))
    with SummaryWriter(str(tmp_path)) as writer:
        log_animation(writer, "events/zero", pictures, fps=5, step=3)
    events = EventAccumulator(str(tmp_path)).Reload()
    (image,) = events.Images("events/zero")
    assert (image.step, image.height, image.width) == (3, *pictures.shape[1:3])
    assert image.encoded_image_string == encode_gif(pictures, 5)


@pytest.mark.parametrize(
    "recordings",
    [
        {},
        {"images": torch.zeros(1, 4, 4)},
        {"no steps": torch.zeros(0, 1, 4, 4)},
        {"two channels": torch.zeros(3, 2, 4, 4)},
        {"a": torch.zeros(3, 1, 4, 4), "b": torch.zeros(3, 1, 4, 5)},
    ],
)
def test_what_cannot_be_shown_is_refused(recordings: dict[str, torch.Tensor]) -> None:
    with pytest.raises(ValueError, match=r"'on' must be \(T, 1, H, W\), all of one \(H, W\), got \["):
        animation_frames(recordings, heading="", polarity="on", frame_time=1000)


def test_arguments_out_of_range_are_refused() -> None:
    recordings = {"a": torch.zeros(1, 1, 4, 4)}
    with pytest.raises(ValueError, match=r"fade must lie in \[0, 1\), got 1"):
        animation_frames(recordings, heading="", polarity="on", frame_time=1000, fade=1)
    with pytest.raises(ValueError, match="frame_time and size must be at least 1, got 0 and 256"):
        animation_frames(recordings, heading="", polarity="on", frame_time=0)
    pictures = pictures_of(torch.zeros(1, 1, 4, 4))
    for fps in (0, -1, 51, float("nan")):
        with pytest.raises(ValueError, match=r"fps must lie in \[0.1, 50\], got"):
            encode_gif(pictures, fps)
    with pytest.raises(ValueError, match=r"frames must be uint8 \(F, h, w, 3\), got float64"):
        encode_gif(pictures / 255)
