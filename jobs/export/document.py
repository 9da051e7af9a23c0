"""The JSON documents that stand beside a recording, and the JSON Schemas that describe them."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from jobs.artifacts import Failure, Manifest, canonical_json
from jobs.export.labels import Labels
from jobs.export.origin import COMPOSED, WRITTEN, digital_source_type
from jobs.recap import Recap
from jobs.transcript import Transcript

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def document(schema: str, value: Transcript | Recap, labels: Labels) -> bytes:
    """Write a value with the name of its schema and the label of machine-made drafts in front.

    Reading it back with pydantic's `TypeAdapter` gives an equal value, times rounded to a millisecond.
    """
    head = {
        "schema": schema,
        "label": labels["draft.label"],
        "machine_generated": True,
        "digital_source_type": digital_source_type(value),
    }
    return canonical_json(head | {name: getattr(value, name) for name in value.__dataclass_fields__})


def json_schemas() -> Mapping[str, bytes]:
    """The published schemas by file name, generated from the types (JSON Schema 2020-12)."""
    head = {
        "label": {"type": "string"},
        "machine_generated": {"const": True},
        "digital_source_type": {"enum": [WRITTEN, COMPOSED]},
    }
    return {
        "transcript.schema.json": _schema("nachlese/transcript/1", Transcript, head),
        "recap.schema.json": _schema("nachlese/recap/1", Recap, head),
        "manifest.schema.json": _schema("nachlese/manifest/1", Manifest, {}),
        "failure.schema.json": _schema("nachlese/failure/1", Failure, {}),
    }


def _schema(name: str, kind: type, head: Mapping[str, Any]) -> bytes:
    generated = TypeAdapter(kind).json_schema()
    described = {
        "$schema": DIALECT,
        "$id": name,
        **generated,
        "properties": {**generated["properties"], "schema": {"const": name}, **head},
        "required": [*generated["required"], "schema", *head],
    }
    return (json.dumps(described, ensure_ascii=False, indent=1) + "\n").encode()
