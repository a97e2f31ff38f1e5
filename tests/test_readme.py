"""What the README shows works as it stands."""

import json
import re
from pathlib import Path

import pytest
import yaml
from processes import run

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md")}


def python(page: str) -> str:
    """Return the first Python example of a page."""
    return re.findall(r"```python\n(.*?)```", page, re.DOTALL)[0]


def test_the_python_example_runs(tmp_path: Path) -> None:
    example = python(README).replace("=25", "=3").replace("RateEncoder(25)", "RateEncoder(3)")
    (tmp_path / "example.py").write_text(example)
    assert "'class': 8" in run(["example.py"], tmp_path)


def test_own_classes_are_found_by_class_path_from_the_working_directory(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(python(PAGES["extending"]))
    lines = re.findall(r"^python -m brainleaks_pl (.* own\.\S+)$", PAGES["extending"], re.MULTILINE)
    assert [line.split()[0] for line in lines] == ["fit", "invert"]
    for line in lines:
        run([*line.split(), "--trainer.max_epochs=1"], tmp_path)
    scores = json.loads((tmp_path / "results" / "Stripes-DeepSNN" / "scores.json").read_text(encoding="utf-8"))
    assert scores["data"]["class"] == "Stripes"
    assert scores["attack"]["class_path"] == "own.GreedyV1"


def test_every_config_is_in_the_table_and_every_named_config_exists() -> None:
    shipped = {path.name for path in (ROOT / "configs").glob("*.yaml")}
    table = re.findall(r"^\| (`.+?) \|", PAGES["command_line"], re.MULTILINE)
    assert {name for row in table for name in re.findall(r"`(\w+\.yaml)`", row)} == shipped
    for page in (README, *PAGES.values()):
        assert set(re.findall(r"configs/(\w+\.yaml)", page)) <= shipped


def test_the_readme_is_one_page() -> None:
    assert len(README.splitlines()) <= 150


@pytest.mark.parametrize("page", sorted(path.name for path in ROOT.glob("*.md")))
def test_links_of_pages_beside_the_readme_lead_somewhere(page: str) -> None:
    for link in re.findall(r"\]\(([^)\s]+)", (ROOT / page).read_text(encoding="utf-8")):
        if link.startswith("https://"):
            continue
        name, _, anchor = link.partition("#")
        target = ROOT / (name or page)
        assert target.exists(), link
        assert not anchor or anchor in anchors(target.read_text(encoding="utf-8")), link


def anchors(page: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.*)$", page, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("config", sorted((ROOT / "configs").glob("[!a]*.yaml")), ids=lambda path: path.stem)
def test_a_config_names_its_own_commands(config: Path) -> None:
    text = config.read_text(encoding="utf-8")
    for subcommand in ("fit",) if config.name.startswith("prior_") else ("fit", "invert"):
        assert f"#   brainleaks {subcommand} --config configs/{config.name}\n" in text
    assert set(yaml.safe_load(text)) <= {
        "base", "seed_everything", "checkpoints", "data", "model", "judges", "attack", "scoring", "trainer",
    }  # fmt: skip
