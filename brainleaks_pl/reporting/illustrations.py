"""The pictures of a report: some become files, TensorBoard shows all."""

from __future__ import annotations

from matplotlib.figure import Figure

from brainleaks_pl.data.event_base import EventDataModule
from brainleaks_pl.evaluation.report import Report
from brainleaks_pl.evaluation.scoring import min_max_rescale
from brainleaks_pl.evaluation.similarity import to_display
from brainleaks_pl.reporting.animation import Pictures
from brainleaks_pl.reporting.comparison import compare_rasters, compare_recordings
from brainleaks_pl.reporting.pictures import confidence_matrix, query_plot, reconstruction_grid
from brainleaks_pl.reporting.text import short

_TITLE = 60  # most letters of it, as what follows it must be seen


def _title(report: Report) -> str:
    return short(report.title, _TITLE) + (" (simulated data)" if report.data.simulated else "")


def illustrate(report: Report) -> dict[str, Figure]:
    """Return the pictures that become files: ``reconstructions`` and, of attacks that send queries, ``queries``."""
    figures = {"reconstructions": _grid(report)}
    if "queries" in report.scores:
        figures["queries"] = query_plot(report.scores["queries"], f"{_title(report)}: what its queries reveal")
    return figures


def illustrate_further(report: Report) -> dict[str, Figure]:
    """Return the other pictures: the raster of the first class's spikes, and what each judge says of each class."""
    figures, data, title = {}, report.data, _title(report)
    if report.spikes is not None:
        figures["spike_raster"] = compare_rasters(report.spikes, report.classes, data, title)
    attacked = [data.class_name(label) for label in report.classes]
    known = [data.class_name(label) for label in range(data.num_classes)]
    for name, matrix in report.matrices.items():
        counts = report.scores["judges"][name]["counts"] is not False
        heading = f"{title}: confidence of judge {name}" + ("" if counts else ", which does not count")
        figures[f"confidence/{name}"] = confidence_matrix(matrix, attacked, known, heading)
    return figures


def animate(report: Report) -> dict[str, Pictures]:
    """Return the recordings of event data in motion."""
    if report.spikes is None or not isinstance(report.data, EventDataModule):
        return {}
    return compare_recordings(report.spikes, report.classes, report.data, _title(report))


def _grid(report: Report) -> Figure:
    data, inputs = report.data, report.inputs
    rescaled = min_max_rescale(inputs) if report.scores["scoring"]["rescale"] else inputs
    pictures = [data.display(to_display(rescaled)), data.display(data.class_means())[report.classes]]
    caption = "reconstruction (left) and mean training image (right) of each class"
    if inputs is not report.best:
        scenes = to_display(report.best).mean(1, keepdim=True)
        pictures.insert(0, scenes.expand(-1, data.input_shape[0], -1, -1))
        caption = "reconstructed scene (left), its recording, and mean training recording (right) of each class"
    if any(judge["counts"] is False for judge in report.scores["judges"].values()):
        caption += "; in brackets the confidence of judges that do not count"
    captions = [_caption(report, index) for index in range(len(report.classes))]
    return reconstruction_grid(pictures, captions, f"{_title(report)}: {caption}")


def _caption(report: Report, index: int) -> str:
    name = report.data.class_name(report.classes[index])
    judges = report.scores["judges"].values()
    said = [
        ("{:.2f}" if judge["counts"] is not False else "[{:.2f}]").format(judge["per_class"][index]["confidence"])
        for judge in judges
    ]
    return f"{name} ({', '.join(said)})" if said else name
