"""What the site adds to the pages: the notebooks, and the files outside ``docs/`` that pages link to."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
LINKED = ("examples", "configs")
"""Folders whose files are part of the site."""
LINK = re.compile(r"\]\(\.\./((?:examples|configs)/[^)#]+)\)")
NOTEBOOK = re.compile(r"\]\(((?:notebooks/)?\w+)\.ipynb\)(?!\{)")
ANSI = re.compile(r"\x1b\[[\d;]*m")


def on_files(files: Files, config: Any) -> Files:
    """Add the examples and the configs, and each notebook as a page with its pictures."""
    for folder in LINKED:
        for path in sorted((ROOT / folder).glob("*.*")):
            files.append(File.generated(config, f"{folder}/{path.name}", abs_src_path=str(path)))
    for path in sorted((ROOT / "docs" / "notebooks").glob("*.ipynb")):
        page, pictures = notebook_page(path)
        files.append(File.generated(config, f"notebooks/{path.stem}.md", content=page))
        for name, picture in pictures.items():
            files.append(File.generated(config, f"notebooks/{name}", content=picture))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Point links that leave ``docs/`` to where the site has these files, and links to notebooks to their pages."""
    return NOTEBOOK.sub(r"](\1.md)", LINK.sub(r"](\1)", markdown))


def notebook_page(path: Path) -> tuple[str, dict[str, bytes]]:
    """Return a notebook, as it was run, in Markdown, and its pictures (PNG) by name.

    Args:
        path: the notebook.

    Raises:
        ValueError: when it holds an output that the page could not show.
    """
    parts: list[str] = []
    pictures: dict[str, bytes] = {}
    for cell in json.loads(path.read_bytes())["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(source)
            continue
        parts.append(_fenced(source, "python"))
        for output in cell["outputs"]:
            data = output.get("data", {})
            if "image/png" in data:
                name = f"{path.stem}-{len(pictures)}.png"
                pictures[name] = base64.b64decode("".join(data["image/png"]))
                parts.append(f"![output of the cell above]({name})")
            elif output["output_type"] == "stream" or "text/plain" in data:
                parts.append(_fenced(ANSI.sub("", "".join(output.get("text") or data["text/plain"])), "text"))
            else:
                raise ValueError(f"{path}: no page can show an output of the kind {output['output_type']}.")
    parts.insert(1, f"[Download this notebook]({path.name}){{download}}")
    return "\n\n".join(parts) + "\n", pictures


def _fenced(text: str, language: str) -> str:
    return f"```{language}\n{text.strip()}\n```"
