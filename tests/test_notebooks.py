"""The notebooks are committed as they were run, small, and are part of the site; continuous integration runs them."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_short_and_shows_what_it_came_to(path: Path) -> None:
    notebook: dict[str, Any] = json.loads(path.read_bytes())
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    outputs = [output for cell in code for output in cell["outputs"]]
    pictures = [base64.b64decode(own["data"]["image/png"]) for own in outputs if "image/png" in own.get("data", {})]
    assert len(notebook["cells"]) <= 25
    assert path.stat().st_size <= 150_000
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    assert pictures
    assert all(picture.startswith(b"\x89PNG") for picture in pictures)
    assert {own["output_type"] for own in outputs} <= {"stream", "display_data", "execute_result"}
    assert not [own for own in outputs if own.get("name") == "stderr"]
    assert not any(part["metadata"] for part in (*notebook["cells"], *outputs) if "metadata" in part)  # no times
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"  # of the environment that runs it


def test_the_site_has_them_all_and_no_link_that_leads_nowhere() -> None:
    config = yaml.safe_load((ROOT / "mkdocs.yml").read_text())
    named = next(part["Notebooks"] for part in config["nav"] if "Notebooks" in part)
    pages = [page for entry in named for page in entry.values()]
    assert sorted(pages) == [f"notebooks/{path.stem}.md" for path in NOTEBOOKS]
    assert len(pages) >= 3
    links = config["validation"]["links"]
    assert {links[kind] for kind in ("not_found", "anchors", "unrecognized_links")} == {"warn"}  # errors if strict
