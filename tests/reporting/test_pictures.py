from __future__ import annotations

import io
import sys

import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from brainleaks_pl.reporting.pictures import confidence_matrix, query_plot, reconstruction_grid, spike_raster


def rendered(figure: Figure) -> np.ndarray:
    """The picture as TensorBoard gets it, ``(height, width, RGBA)``."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())


@pytest.mark.parametrize(("count", "shape"), [(1, (1, 8, 8)), (7, (3, 8, 8)), (10, (1, 28, 28)), (40, (1, 112, 92))])
def test_grid_shows_each_reconstruction_beside_its_mean(count: int, shape: tuple[int, int, int]) -> None:
    generator = torch.Generator().manual_seed(0)
    reconstructions, means = torch.rand((2, count, *shape), generator=generator)
    titles = [f"person {k + 1}: 0.97" for k in range(count)]
    figure = reconstruction_grid([reconstructions, means], titles, "heading")
    shown = [axis for axis in figure.axes if axis.images]
    assert [axis.get_title() for axis in shown] == titles
    width = shape[-1]
    for axis, reconstruction, mean in zip(shown, reconstructions, means, strict=True):
        (image,) = axis.images
        pixels = torch.from_numpy(np.asarray(image.get_array()))
        expected = [x.permute(1, 2, 0) if shape[0] == 3 else x[0] for x in (reconstruction, mean)]
        assert torch.equal(pixels[:, :width], expected[0])
        assert torch.equal(pixels[:, -width:], expected[1])
        assert image.get_clim() == (0.0, 1.0)
        assert not axis.axison
    assert figure.get_suptitle() == "heading"
    assert (rendered(figure)[..., :3] < 250).mean() > 0.1  # ink beyond the labels: the pictures are there
    boxes = [axis.title.get_window_extent() for axis in shown]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    assert all(box.x0 >= 0 and box.x1 <= figure.bbox.x1 for box in boxes)


def test_grid_averages_channels_that_are_not_colours() -> None:
    polarities = torch.stack([torch.full((1, 4, 4), 0.2), torch.full((1, 4, 4), 0.6)], dim=1)
    figure = reconstruction_grid([polarities, polarities], ["0"], "heading")
    pixels = np.asarray(figure.axes[0].images[0].get_array())
    assert pixels[:, :4] == pytest.approx(0.4)


def test_grid_frames_smaller_pictures() -> None:
    small, large = torch.full((1, 1, 2, 3), 0.5), torch.full((1, 1, 6, 8), 0.9)
    figure = reconstruction_grid([small, large, small], ["0"], "heading")
    pixels = torch.from_numpy(np.asarray(figure.axes[0].images[0].get_array()))
    framed = torch.zeros(6, 8)
    framed[2:4, 2:5] = 0.5
    assert torch.equal(pixels[:, :8], framed)
    assert torch.equal(pixels[:, 9:17], large[0, 0])
    assert torch.equal(pixels[:, 18:], framed)


@pytest.mark.parametrize(("other", "titles"), [((2, 2, 4, 4), 2), ((3, 1, 4, 4), 2), ((2, 1, 4, 4), 3), ((2, 4, 4), 2)])
def test_grid_refuses_what_does_not_fit(other: tuple[int, ...], titles: int) -> None:
    with pytest.raises(ValueError, match=f"and {titles} titles"):
        reconstruction_grid([torch.zeros(2, 1, 4, 4), torch.zeros(other)], ["x"] * titles, "heading")


def test_small_confidence_matrix_is_annotated() -> None:
    matrix = torch.tensor([[0.91, 0.05, 0.04], [0.0, 0.25, 0.75]])
    figure = confidence_matrix(matrix, ["zero", "two"], ["0", "1", "2"], "heading")
    axis = figure.axes[0]
    cells = {tuple(map(int, text.get_position())): text.get_text() for text in axis.texts}
    assert cells == {(0, 0): "0.91", (1, 0): "0.05", (2, 0): "0.04", (0, 1): "0.00", (1, 1): "0.25", (2, 1): "0.75"}
    assert [label.get_text() for label in axis.get_yticklabels()] == ["zero", "two"]
    assert [label.get_text() for label in axis.get_xticklabels()] == ["0", "1", "2"]
    assert axis.get_ylabel() == "reconstruction of class"
    assert axis.get_xlabel() == "judge's confidence in class"
    assert figure.get_suptitle() == "heading"
    assert figure.axes[1].get_ylabel() == "confidence"
    assert axis.images[0].get_clim() == (0.0, 1.0)
    rendered(figure)


def test_large_confidence_matrix_is_coloured_only_and_its_labels_stay_apart() -> None:
    names = [f"person {k + 1}" for k in range(40)]
    figure = confidence_matrix(torch.eye(40), names, names, "heading")
    axis = figure.axes[0]
    assert not axis.texts
    rendered(figure)
    for labels in (axis.get_xticklabels(), axis.get_yticklabels()):
        boxes = [label.get_window_extent() for label in labels]
        assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_confidence_matrix_needs_a_name_for_each_row_and_column() -> None:
    with pytest.raises(ValueError, match=r"\(2, 3\) needs as many names, got 3 rows and 2 columns"):
        confidence_matrix(torch.zeros(2, 3), ["a", "b", "c"], ["a", "b"], "heading")


def test_raster_has_one_mark_a_spike() -> None:
    spikes = torch.zeros(5, 2, 2, 3)
    spikes[0, 0, 0, 1] = spikes[3, 0, 1, 2] = spikes[4, 1, 0, 0] = 1
    figure = spike_raster({"ours": spikes}, "heading")
    (axis,) = figure.axes
    assert axis.get_title() == "ours"
    (marks,) = axis.collections
    assert np.asarray(marks.get_offsets()).tolist() == [[0, 1], [3, 5], [4, 6]]
    assert (axis.get_xlabel(), axis.get_ylabel(), figure.get_suptitle()) == ("time step", "pixel", "heading")
    assert axis.get_xlim() == (-0.5, 4.5)
    assert axis.get_ylim() == (-0.5, 11.5)
    rendered(figure)


def test_raster_of_silence_is_empty() -> None:
    figure = spike_raster({"": torch.zeros(3, 1, 2, 2)}, "heading")
    assert len(figure.axes[0].collections[0].get_offsets()) == 0
    rendered(figure)


def test_raster_refuses_a_batch() -> None:
    with pytest.raises(ValueError, match=r"got the shapes \[\(5, 1, 1, 2, 2\)\]"):
        spike_raster({"": torch.zeros(5, 1, 1, 2, 2)}, "heading")
    with pytest.raises(ValueError, match=r"got the shapes \[\]"):
        spike_raster({}, "heading")


def test_rasters_stand_side_by_side() -> None:
    figure = spike_raster({"left": torch.ones(3, 1, 2, 2), "right": torch.ones(7, 1, 2, 2)}, "heading")
    left, right = figure.axes
    assert (left.get_title(), right.get_title()) == ("left", "right")
    assert (left.get_xlim()[1], right.get_xlim()[1]) == (2.5, 6.5)
    rendered(figure)


def test_figures_can_be_saved_and_leave_pyplot_alone() -> None:
    figure = spike_raster({"": torch.ones(3, 1, 2, 2)}, "heading")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    assert buffer.getvalue().startswith(b"\x89PNG")
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or not pyplot.get_fignums()


def test_query_plot_shows_two_lines_a_network_against_queries() -> None:
    points = [
        {"queries": 10, "attack_accuracy": 0.2, "confidence": 0.1},
        {"queries": 90, "attack_accuracy": 1.0, "confidence": 0.9},
    ]
    figure = query_plot({"target": points, "cnn": points[1:]}, "heading")
    (axis,) = figure.axes
    labels = ["target: attack accuracy", "target: confidence", "cnn: attack accuracy", "cnn: confidence"]
    assert [line.get_label() for line in axis.lines] == labels
    assert axis.lines[1].get_xydata().tolist() == [[10, 0.1], [90, 0.9]]
    assert axis.get_xscale() == "log"
    assert rendered(figure).std() > 0
