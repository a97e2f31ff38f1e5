"""The published schemas, for tests that look at what was written."""

import json
from pathlib import Path
from typing import Any

import jsonschema

FOLDER = Path(__file__).parents[1] / "docs" / "schemas"
SCHEMAS = {path.name.split(".")[0]: json.loads(path.read_text()) for path in FOLDER.glob("*.json")}


def fits(name: str, content: Any) -> None:
    """Raise where the content of ``scores.json`` or ``audit.json`` does not fit its schema."""
    worst = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(SCHEMAS[name]).iter_errors(content))
    assert worst is None, f"{name}.json: {worst.json_path}: {worst.message[:200]}"
