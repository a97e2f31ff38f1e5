"""The report in a real browser: nothing overflows, every picture is drawn, tables sort, dark is dark."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from fake_audit import MEASURES, fake_audit

from brainleaks_pl.audit.people import read_ratings
from brainleaks_pl.audit.report import write_html

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")

LIGHT, DARK = 1, 0
WIDTHS = (400, 1280)

PROBE = """<script>
function rate() {
  const root = document.getElementById("rating");
  const dialog = root.querySelector("dialog");
  const press = (key) => document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  const act = (what) => dialog.querySelector(`[data-do="${what}"]`).click();
  let blob = null, name = null;
  URL.createObjectURL = (one) => ((blob = one), "blob:none");
  HTMLAnchorElement.prototype.click = function () { name = this.download; };
  const waiting = root.querySelector("template").content.children;
  const order = [root.querySelector(".rating-shown img"), ...waiting].map((one) => one.dataset.item);
  window.confirm = () => true;
  root.querySelector('[data-do="clear"]').click();  // what the frame beside this one has left
  root.querySelector('[data-do="open"]').click();
  const box = dialog.getBoundingClientRect();
  const covers = box.left <= 0 && box.top <= 0 && box.right >= innerWidth && box.bottom >= innerHeight;
  const wide = dialog.scrollWidth > dialog.clientWidth;
  press("2"); press("r");
  press("c"); press("a");
  press("1"); press("Backspace"); press("3"); press("a"); // a class that was chosen can be changed
  root.querySelector('[data-class="0"]').click();  // half an answer is none
  act("save");
  const kept = Object.keys(JSON.parse(localStorage.getItem(`brainleaks_pl.ratings:${root.dataset.audit}`)).answers);
  act("close");
  return new Promise((resolve) => blob.text().then((text) => resolve({
    covers, wide, order, name, kept, content: JSON.parse(text),
    progress: root.querySelector('[data-say="progress"]').textContent, open: dialog.open,
  })));
}
addEventListener("load", async () => {
  const images = [...document.images];
  await Promise.all(images.map((image) => image.decode().catch(() => null)));
  const table = document.querySelector("#verdict table");
  const column = [...table.tHead.rows[0].cells].findIndex((cell) => cell.textContent === "difference");
  const header = table.tHead.rows[0].cells[column];
  const button = header.querySelector("button");
  const values = () => [...table.tBodies[0].rows].map((row) => Number(row.cells[column].dataset.value));
  const state = () => ({ values: values(), sorted: header.getAttribute("aria-sort") });
  button.focus();
  const found = {
    width: innerWidth,
    scroll: document.documentElement.scrollWidth,
    outside: [...document.querySelectorAll("body *")]
      .filter((one) => !one.closest(".scroll > *, pre > *") && one.getBoundingClientRect().right > innerWidth + 0.5)
      .map((one) => one.tagName + "." + one.className),
    broken: images.filter((image) => image.naturalWidth === 0).map((image) => image.alt),
    enlarged: images.filter((image) => image.clientWidth > image.parentElement.parentElement.clientWidth).length,
    dark: images.filter((image) => image.parentElement.querySelector("source[media*=dark]"))
      .filter((image) => image.currentSrc === image.parentElement.querySelector("source").srcset).length,
    plots: document.querySelectorAll("source[media*=dark]").length,
    background: getComputedStyle(document.body).backgroundColor,
    colour: getComputedStyle(document.body).color,
    focused: document.activeElement === button,
    before: state(),
  };
  button.click();
  found.once = state();
  button.click();
  found.twice = state();
  found.rated = await rate();
  parent.postMessage(found, "*");
});
</script>"""
WRAPPER = """<!DOCTYPE html><meta name="color-scheme" content="light dark"><pre id="found"></pre>
{frames}<script>
const found = [];
addEventListener("message", (event) => {{
  found.push(event.data);
  document.getElementById("found").textContent = JSON.stringify(found);
}});
</script>"""


def look(folder: Path, scheme: int) -> dict[int, dict[str, Any]]:
    """Return what the probe finds on a copy of ``folder/report.html``, by the width of the page."""
    text = (folder / "report.html").read_text(encoding="utf-8")
    (folder / "copy.html").write_text(text.replace("</body>", PROBE + "</body>"), encoding="utf-8")
    # a window is at least 500 pixels wide, a frame as narrow as we like
    frames = "".join(
        f'<iframe src="copy.html" width="{width}" height="900" style="border:0"></iframe>' for width in WIDTHS
    )
    (folder / "wrapper.html").write_text(WRAPPER.format(frames=frames), encoding="utf-8")
    command = [
        str(BROWSER), "--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1800,1000",
        f"--user-data-dir={folder / 'profile'}", f"--blink-settings=preferredColorScheme={scheme}",
        "--virtual-time-budget=20000", "--dump-dom", (folder / "wrapper.html").as_uri(),
    ]  # fmt: skip
    run = subprocess.run(command, capture_output=True, text=True, timeout=600, check=True)
    content = re.search(r'<pre id="found">(.*?)</pre>', run.stdout, re.DOTALL)
    assert content is not None
    return {found["width"]: found for found in json.loads(html.unescape(content[1]))}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report whose names, error and command are longer than any page is wide."""
    folder = tmp_path_factory.mktemp("browser")
    audit = fake_audit(folder, failed=True)
    audit["title"] = "a_title_without_any_space_" * 8
    audit["data"]["class_names"] = ["a_class_with_a_long_name_" * 6] * 4
    audit["repeat"]["command"] = "brainleaks audit --config " + "folder/" * 60
    audit["repeat"]["config"] = "key: " + "x" * 400
    next(cell for cell in audit["cells"] if cell["status"] == "failed")["error"] = "e" * 300
    write_html(audit, folder, MEASURES)
    return folder


@pytest.fixture(scope="module")
def light(folder: Path) -> dict[int, dict[str, Any]]:
    return look(folder, LIGHT)


@pytest.fixture(scope="module")
def dark(folder: Path) -> dict[int, dict[str, Any]]:
    return look(folder, DARK)


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> dict[int, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("events")
    write_html(fake_audit(folder, events=True), folder, MEASURES)
    return look(folder, LIGHT)


@pytest.mark.parametrize("kind", ["light", "dark", "events"])
@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_overflows_and_every_picture_is_drawn(kind: str, width: int, request: pytest.FixtureRequest) -> None:
    found = request.getfixturevalue(kind)[width]
    assert found["scroll"] <= width
    assert found["outside"] == []
    assert found["broken"] == []
    assert found["enlarged"] == 0
    assert found["plots"] > 10


@pytest.mark.parametrize("width", WIDTHS)
def test_a_header_sorts_its_table_both_ways(width: int, light: dict[int, dict[str, Any]]) -> None:
    found = light[width]
    values = found["before"]["values"]
    assert values != sorted(values)
    assert found["before"]["sorted"] == "none"
    assert found["once"] == {"values": sorted(values), "sorted": "ascending"}
    assert found["twice"] == {"values": sorted(values, reverse=True), "sorted": "descending"}
    assert found["focused"]  # a button: the keyboard reaches and presses it


def test_page_and_plots_follow_the_colour_scheme(
    light: dict[int, dict[str, Any]], dark: dict[int, dict[str, Any]]
) -> None:
    for width in WIDTHS:
        assert light[width]["background"] == dark[width]["background"].replace("20, 23, 26", "255, 255, 255")
        assert light[width]["background"] != dark[width]["background"]
        assert light[width]["colour"] != dark[width]["colour"]
        assert light[width]["dark"] == 0
        assert dark[width]["dark"] == dark[width]["plots"] > 0


@pytest.mark.parametrize("width", WIDTHS)
def test_pictures_are_rated_by_keyboard_and_the_answers_saved(
    width: int, folder: Path, light: dict[int, dict[str, Any]]
) -> None:
    found = light[width]["rated"]
    assert found["covers"]
    assert not found["wide"]
    assert found["kept"] == found["order"][:4]
    assert not found["open"]
    assert found["progress"] == f"4 of {len(found['order'])}"
    assert found["name"] == "ratings-a_title_without_any_space_a_title_without_any_space_a_title_.json"
    assert found["content"]["rater"].startswith("anonymous-")
    said = [(answer["item"], answer["class"], answer["real"]) for answer in found["content"]["answers"]]
    assert said == list(zip(found["order"][:3], (2, None, 3), (True, False, False), strict=True))
    (folder / "saved.json").write_text(json.dumps(found["content"]))
    (own,) = read_ratings([str(folder / "saved.json")])
    assert own.audit in (folder / "report.html").read_text(encoding="utf-8")
