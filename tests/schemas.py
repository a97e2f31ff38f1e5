"""The published schemas, for tests that look at what was written."""

import json
from pathlib import Path
from typing import Any

import jsonschema

SCHEMAS = Path(__file__).parents[1] / "docs" / "schemas"


def fits(name: str, content: Any) -> None:
    """Raise where the content of ``scores.json`` or ``audit.json`` does not fit its schema."""
    schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text())
    worst = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(schema).iter_errors(content))
    assert worst is None, f"{name}.json: {worst.json_path}: {worst.message[:200]}"
