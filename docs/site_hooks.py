"""What the site adds to the pages: the files outside ``docs/`` that they link to."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
LINKED = ("examples", "configs")
"""Folders whose files are part of the site."""
LINK = re.compile(r"\]\(\.\./((?:examples|configs)/[^)#]+)\)")


def on_files(files: Files, config: Any) -> Files:
    """Add the examples and the configs."""
    for folder in LINKED:
        for path in sorted((ROOT / folder).glob("*.*")):
            files.append(File.generated(config, f"{folder}/{path.name}", abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Point links that leave ``docs/`` to where the site has these files."""
    return LINK.sub(r"](\1)", markdown)
