"""The report: complete, self-contained, honest about what is missing, and safe whatever the audit says."""

from __future__ import annotations

import base64
import copy
import io
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from fake_audit import CLASSES, MEASURES, STEPS, fake_audit
from PIL import Image
from report_page import Page
from sketches import sketching

from brainleaks_pl.audit.report import render_report, write_html
from brainleaks_pl.audit.report.looks import label
from brainleaks_pl.audit.report.people import people
from brainleaks_pl.audit.report.pictures import Gallery
from brainleaks_pl.audit.report.rating import rating_page, rating_sheet
from brainleaks_pl.audit.report.words import number
from brainleaks_pl.reporting.text import printable, short

SECTIONS = [
    "verdict",
    "rate",
    "control",
    "scores",
    "members",
    "reconstructions",
    "agreement",
    "ceiling",
    "time",
    "masking",
    "sweep",
    "repeat",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("audit")


@pytest.fixture(scope="module")
def audit(folder: Path) -> dict[str, Any]:
    return fake_audit(folder)


@pytest.fixture(scope="module")
def html(audit: dict[str, Any], folder: Path) -> str:
    return render_report(audit, folder, MEASURES)


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Page:
    folder = tmp_path_factory.mktemp("events")
    with sketching():
        return Page(render_report(fake_audit(folder, events=True), folder, MEASURES))


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Page:
    """One seed, one judge, a failed cell, and neither a sweep nor other surrogates."""
    folder = tmp_path_factory.mktemp("bare")
    audit = fake_audit(folder, seeds=(3,), judges=("cnn",), failed=True)
    audit |= {"measures": {**audit["measures"], "sweep": [], "masking": []}, "differences": []}
    with sketching():
        return Page(render_report(audit, folder, MEASURES))


def test_the_sections_come_in_order_each_with_a_heading_and_a_lead(page: Page) -> None:
    assert [section["id"] for section in page.all("section")] == SECTIONS
    headings = [heading["id"] for heading in page.all("h2")]
    assert headings == [section["aria-labelledby"] for section in page.all("section")]
    assert len(page.all("main")) == len(page.all("h1")) == 1
    assert len([p for p in page.all("p") if p.get("class") == "lead"]) == len(SECTIONS)  # but for the page to rate on


def test_nothing_is_loaded_from_elsewhere(html: str, page: Page) -> None:
    assert all(uri.startswith("data:image/") for uri in page.images)
    assert all((link["href"] or "").startswith("#") for link in page.all("a"))
    assert not page.all("link")
    assert not page.all("iframe")
    assert not [script for script in page.all("script") if "src" in script]
    assert "http://" not in html
    assert "https://" not in html
    assert "@import" not in html
    assert "url(" not in html


def test_the_control_is_said_before_the_verdict_and_what_the_figures_rest_on_after_it(
    audit: dict[str, Any], page: Page
) -> None:
    verdict = audit["verdict"]
    said = [*verdict["leaks"], verdict["control"], verdict["sentence"], *verdict["details"]]
    said += ["What these figures rest on", *verdict["remarks"], *audit["warnings"]]
    places = [page.texts["verdict"].index(sentence) for sentence in said]
    assert places == sorted(places)


def test_every_section_ends_in_a_sentence(page: Page) -> None:
    assert (
        len([p for p in page.all("p") if p.get("class") == "finding"]) == len(SECTIONS) - 1
    )  # but for the page to rate on


def test_every_picture_can_be_decoded_and_says_what_it_shows(page: Page) -> None:
    assert all(image["alt"] and image["width"] and image["height"] for image in page.all("img"))
    for uri in page.images:
        kind, _, content = uri.partition(";base64,")
        if kind == "data:image/png":
            Image.open(io.BytesIO(base64.b64decode(content, validate=True))).load()
        else:
            assert kind == "data:image/svg+xml"
            assert base64.b64decode(content, validate=True).startswith(b"<?xml")


def test_the_numbers_of_the_audit_are_on_the_page(audit: dict[str, Any], page: Page) -> None:
    assert audit["verdict"]["sentence"] in page.texts["verdict"]
    assert audit["warnings"][0] in page.texts["verdict"]
    for section, rows, keys in (
        ("verdict", audit["differences"], ("difference", "low", "high", "sampled_low", "sampled_high")),
        ("verdict", [entry for row in audit["differences"] for entry in row["by_class"]], ("difference",)),
        ("verdict", [row["without"] for row in audit["differences"]], ("difference", "low", "high")),
        ("scores", audit["summary"], ("mean", "low", "high", "sampled_low", "sampled_high")),
        ("control", audit["control"], ("mean", "low", "high", "null", "test_accuracy")),
        ("members", [{"distance": 3.5}, {"distance": 4.5}], ("distance",)),
        ("agreement", audit["measures"]["agreement"], ("same_verdict",)),
        ("ceiling", audit["measures"]["ceiling"]["attacks"], ("ssim_class_mean", "ssim_nearest")),
        ("masking", audit["measures"]["masking"], ("confidence", "zero_gradients")),
        ("sweep", audit["measures"]["sweep"], ("test_accuracy", "confidence")),
    ):
        missing = [row for row in rows for key in keys if number(row[key]) not in page.texts[section]]
        assert not missing
    for text in ("123456", "4891a3b", "2.9.0", "seeds: [0, 1]", "brainleaks audit --config audit.yaml"):
        assert text in page.texts["repeat"]


def test_reconstructions_are_ranked_over_seeds_and_classes_by_the_judges_mean(
    audit: dict[str, Any], page: Page
) -> None:
    cells = [cell for cell in audit["cells"] if (cell["kind"], cell["target"], cell["attack"]) == ("main", "ann", "v3")]
    ranked = sorted(
        (
            sum(judge["per_class"][k]["confidence"] for judge in cell["judges"].values()) / 2,
            f"class {k}, {audit['data']['class_names'][k]} · seed {cell['seed']}",
        )
        for cell in cells
        for k in CLASSES
    )
    assert len(ranked) == 8
    means = [
        sum(judge["per_class"][k]["confidence"] for judge in cell["judges"].values()) / 2
        for cell in audit["cells"]
        if cell["kind"] == "main"
        for k in CLASSES
    ]
    likely = sum(value >= 0.5 for value in means)
    assert f"is at least .5 for {likely} of 48 reconstructions." in page.texts["reconstructions"]
    assert likely != 24
    text = page.texts["reconstructions"].partition("v3 on ann")[2].partition("mi_face on ann")[0]
    shown = re.findall(r"(best|median|worst) of 8\s*(class.*?) · confidence (\d\.\d\d)", text)
    expected = [("best", ranked[7]), ("median", ranked[3]), ("worst", ranked[0])]
    assert shown == [(word, whose, f"{confidence:.2f}") for word, (confidence, whose) in expected]


def test_the_picture_shown_is_the_one_of_that_class_and_seed(audit: dict[str, Any], folder: Path, html: str) -> None:
    cells = [cell for cell in audit["cells"] if (cell["kind"], cell["target"], cell["attack"]) == ("main", "snn", "v1")]
    _, label, name = max(
        (sum(judge["per_class"][k]["confidence"] for judge in cell["judges"].values()), k, cell["folder"])
        for cell in cells
        for k in CLASSES
    )
    stored = torch.load(folder / name / "pictures.pt", weights_only=True)
    first = html.partition('id="reconstructions"')[2].partition('src="data:image/png;base64,')[2].partition('"')[0]
    shown = torch.tensor(list(Image.open(io.BytesIO(base64.b64decode(first))).tobytes())).reshape(14, 14)
    assert shown.equal(stored["reconstruction"][label, 0].long())


def test_the_same_colour_means_the_same_attack_in_every_plot(page: Page) -> None:
    plots = [uri for uri in page.images if uri.startswith("data:image/svg")]
    assert len(plots) % 2 == 0  # each in two schemes
    svgs = page.svgs()
    for colour in ("#0072b2", "#e69f00", "#009e73"):
        assert colour in svgs


def test_plots_have_ink_for_either_scheme(page: Page) -> None:
    dark = [source["srcset"] for source in page.all("source") if "dark" in (source["media"] or "")]
    assert dark
    for uri in dark:
        svg = base64.b64decode((uri or "").partition(",")[2]).decode()
        assert "#1c2126" not in svg
        assert "#e4e7ea" in svg


@pytest.mark.parametrize(
    "hostile",
    [
        '"><img src=x onerror=alert(1)><script>alert(1)</script>',
        "$\\bad$ {{ 7 * 7 }} &amp; two\nlines \0\x1b[31m\udc80 " + "スパイク" * 100,
    ],
)
def test_hostile_text_stays_text(hostile: str, audit: dict[str, Any], folder: Path) -> None:
    renamed = _renamed(copy.deepcopy(audit), {"snn": hostile, "v1": f"v1{hostile}", "cnn": f"c{hostile}"})
    renamed["title"] = renamed["verdict"]["sentence"] = renamed["repeat"]["config"] = hostile
    renamed["data"]["class_names"] = [hostile] * 4
    renamed["cells"][0] |= {"status": "failed", "error": hostile, "judges": {}, "similarity": []}
    renamed["warnings"] = renamed["verdict"]["details"] = [hostile]
    html = render_report(renamed, folder, MEASURES)
    found = Page(html)
    assert len(found.all("script")) == 1
    assert not [image for image in found.all("img") if "onerror" in image or image["src"] == "x"]
    assert found.texts["verdict"].count(printable(hostile)) >= 3
    assert printable(hostile) in found.texts["repeat"]
    assert html.encode()
    for uri in found.images:
        if uri.startswith("data:image/svg+xml;base64,"):
            ElementTree.fromstring(base64.b64decode(uri.partition(",")[2]))
    assert "<script>alert" not in found.svgs()
    assert "<img" not in found.svgs()


def _renamed(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {names.get(key, key): _renamed(inner, names) for key, inner in value.items()}
    if isinstance(value, list):
        return [_renamed(inner, names) for inner in value]
    return names.get(value, value) if isinstance(value, str) else value


def test_long_names_keep_both_ends() -> None:
    assert label("snn", "v1", "ATan(alpha=2.0)") == "snn · v1 · ATan(alpha=2.0)"
    assert short("abcdefghij", 10) == "abcdefghij"
    assert short("abcdefghijk", 10) == "abcde…hijk"
    assert short("abcdefghijk", 7) == "abc…ijk"
    assert label("spiking_mlp_with_threshold", "brainleaks_v1_many", length=20) == "spiki…hold · brain…many"


def test_what_is_rated_is_blind(audit: dict[str, Any], folder: Path, html: str, page: Page) -> None:
    sheet = rating_sheet(audit, Gallery(audit, folder))
    shown = [image for image in page.all("img") if "data-item" in image]
    assert [image["data-item"] for image in shown] == [item.key for item in sheet.items]
    assert next(div for div in page.all("div") if div.get("id") == "rating")["data-audit"] == sheet.digest
    assert {frozenset(image) for image in shown} == {frozenset(("data-item", "src", "alt", "width", "height"))}
    assert len({(image["alt"], image["width"], image["height"]) for image in shown}) == 1
    beside = re.sub(r'src="[^"]*"|data-item="[^"]*"', "", html.partition("<template>")[2].partition("</template>")[0])
    words = set(re.findall(r"[a-z0-9_]+", beside.lower()))
    assert words == {"img", "alt", "picture", "to", "rate", "width", "height", "96"}
    first = torch.tensor(list(Image.open(io.BytesIO(base64.b64decode((shown[0]["src"] or "")[22:]))).tobytes()))
    assert first.reshape(14, 14).equal(sheet.items[0].shown[0].long())


def test_one_digit_names_a_class_where_no_label_has_two(audit: dict[str, Any], folder: Path, html: str) -> None:
    gallery = Gallery(audit, folder)
    sheet = rating_sheet(audit, gallery)
    assert "data-immediate>" in html
    assert "Press its number" in html
    few_but_long = tuple(replace(choice, label=label) for choice, label in zip(sheet.choices, (3, 17), strict=False))
    assert rating_page(replace(sheet, choices=few_but_long), gallery)["immediate"] is False


def test_what_people_saw_has_a_section_where_somebody_was_asked(html: str) -> None:
    assert 'id="people"' not in html
    shares = {"recognised": 0.75, "recognised_low": 0.4, "recognised_high": 0.93}
    shares |= {"taken_for_real": 0.25, "taken_low": 0.07, "taken_high": 0.59, "answers": 8}
    real = {"target": None, "attack": None, **shares, "recognised": 0.98}
    rows = [{"target": "snn", "attack": "v1", **shares}, {"target": "ann", "attack": "v3", **shares, "recognised": 0.5}]
    found = {"raters": 2, "answers": 24, "rows": rows, "real": real, "chance": 0.1}
    found |= {"at_chance": ["<Ann>"], "too_few": ["Bob"]}
    (section,) = people({"people": found})
    assert section.finding.startswith("2 people gave 24 answers. They recognised the class of 98%")
    assert "most often for v1 on snn, 75% (40% to 93%), and took them for real most" in section.finding
    assert "A blind guess would name the right class in 10% of cases." in section.finding
    assert section.notes[1].endswith("recognised real pictures no better than chance: <Ann>.")
    assert section.notes[2].endswith("rated too few real pictures to show whether they recognise them: Bob.")
    assert section.groups[0].tables[0].rows[1] == ("ann", "v3", 8, 0.5, 0.4, 0.93, 0.25, 0.07, 0.59)
    assert section.groups[0].tables[0].rows[2][:4] == ("real pictures", None, 8, 0.98)


def test_networks_at_chance_are_named_beside_the_scores(audit: dict[str, Any], folder: Path, page: Page) -> None:
    assert "at chance" not in page.texts["scores"]
    blind = copy.deepcopy(audit)
    blind["summary"] = [row for row in audit["summary"] if row["metric"] == "confidence"]
    blind |= {"cells": [], "differences": []}
    blind["measures"] = {**{name: [] for name in MEASURES}, "ceiling": None}
    blind["targets"]["snn"]["at_chance"] = [False, True]
    blind["judges"]["cnn"]["at_chance"] = [True, True]
    found = Page(render_report(blind, folder, MEASURES))
    assert "say nothing: the target snn, the judge cnn." in found.texts["scores"]
    table = found.texts["scores"].partition("All scores in one table")[2]
    rows = len(blind["summary"])
    assert table.count("target at chance") == sum(row["target"] == "snn" for row in blind["summary"]) < rows
    assert table.count("judge at chance") == sum(row["judge"] == "cnn" for row in blind["summary"]) < rows
    assert "seed 1" in found.texts["repeat"]
    assert "seed 0, 1" in found.texts["repeat"]


def test_failed_cells_are_named_with_their_error(bare: Page) -> None:
    assert "1 of 11 cells failed" in bare.texts["repeat"]
    assert "RuntimeError: <b>out of memory</b>" in bare.texts["repeat"]
    assert "mi_face on ann" not in bare.texts["reconstructions"]


def test_what_is_missing_is_said(bare: Page) -> None:
    assert "none could be computed" in bare.texts["scores"]
    assert "There is only one judge, so there is no agreement to measure." in bare.texts["agreement"]
    assert "No sweep was run." in bare.texts["sweep"]
    assert "No other surrogates were tried" in bare.texts["masking"]
    assert "no differences are shown" in bare.texts["verdict"]
    assert [section["id"] for section in bare.all("section")] == SECTIONS


def test_nothing_is_called_missing_that_is_there(page: Page) -> None:
    text = "".join(page.texts.values())
    for words in (
        "none could be computed",
        "There is only one judge",
        "No sweep",
        "No other surrogates",
        "are missing",
        "No control was run",
    ):
        assert words not in text


def test_event_data_have_animations_and_scenes_but_no_ceiling(events: Page) -> None:
    assert "no encoding limits attacks" in events.texts["ceiling"]
    assert "The data are simulated." in events.texts["reconstructions"]
    to_rate = [image["src"] for image in events.all("img") if "data-item" in image]
    gifs = [uri for uri in events.images if uri.startswith("data:image/gif;base64,") and uri not in to_rate]
    assert len(gifs) == 2 * 3 * 3  # targets, attacks, ranks
    for uri in gifs:
        with Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))) as gif:
            assert getattr(gif, "n_frames", 1) == STEPS
    stills = [source for source in events.all("source") if "reduced-motion" in (source["media"] or "")]
    assert len(stills) == len(gifs)
    assert len([image for image in events.all("img") if "the scene" in (image["alt"] or "")]) >= len(gifs)


def test_an_audit_of_another_format_is_refused(audit: dict[str, Any], folder: Path) -> None:
    with pytest.raises(ValueError, match=r"'brainleaks_pl.audit/3', got 'brainleaks_pl.audit/2'"):
        render_report({**audit, "format": "brainleaks_pl.audit/2"}, folder, MEASURES)


def test_the_same_audit_gives_the_same_page_and_is_not_changed(audit: dict[str, Any], folder: Path, html: str) -> None:
    before = copy.deepcopy(audit)
    write_html(audit, folder, MEASURES)
    assert (folder / "report.html").read_text(encoding="utf-8") == html
    assert audit == before
