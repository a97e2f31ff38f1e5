"""The site: everything public is in its reference, and the files that are written fit their published schemas."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from schemas import SCHEMAS

import brainleaks_pl
import brainleaks_pl.audit

DOCS = Path(__file__).parents[1] / "docs"


def test_the_reference_names_everything_that_is_public() -> None:
    named = re.findall(r"^::: (brainleaks_pl\S+)$", (DOCS / "reference.md").read_text(), re.MULTILINE)
    public = {
        f"{getattr(module, name).__module__}.{name}"
        for module in (brainleaks_pl, brainleaks_pl.audit)
        for name in module.__all__
    }
    assert set(named) == public
    assert len(named) == len(set(named))


def test_the_schemas_are_schemas() -> None:
    assert set(SCHEMAS) == {"scores", "audit"}
    for schema in SCHEMAS.values():
        jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("name", ["audit_mnist", "audit_att_faces", "audit_simulated_nmnist"])
def test_published_audits_fit_the_schema_but_for_their_format(name: str) -> None:
    document = json.loads((DOCS / "results" / f"{name}.json").read_text())
    if document["format"] == "brainleaks_pl.audit/2":
        document = {**document, "format": "brainleaks_pl.audit/3", "runs": [], "measures": {}}
    jsonschema.validate(document, SCHEMAS["audit"])


@pytest.mark.parametrize(
    ("path", "value"),
    [(["format"], "brainleaks_pl.audit/2"), (["cells", 0, "seed"], "0"), (["summary", 0, "mean"], None)],
)
def test_an_audit_that_is_damaged_does_not_fit(path: list[Any], value: Any) -> None:
    document = json.loads((DOCS / "results" / "audit_mnist.json").read_text())
    document = {**document, "format": "brainleaks_pl.audit/3", "runs": [], "measures": {}}
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, SCHEMAS["audit"])
