"""The JSON documents that stand beside a recording, and the JSON Schemas that describe them."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from jobs.artifacts import Failure, Manifest, canonical_json
from jobs.digest import Digest
from jobs.export.heading import label_of
from jobs.export.labels import Labels
from jobs.export.origin import COMPOSED, WRITTEN, digital_source_type, marks
from jobs.proof.checks import Verdict
from jobs.recap import Recap
from jobs.transcript import Transcript

_CHECKS = {
    "description": "How each part of a draft stands, in the order they are read; empty once somebody has approved it.",
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "part": {
                "description": "Where it stands in this document: headline, lead/0, quotes/2, chapters/1 (its title), "
                "chapters/1/sentences/0.",
                "type": "string",
                "pattern": r"^(headline|(lead|quotes)/\d+|chapters/\d+(/sentences/\d+)?)$",
            },
            "verdict": {"enum": [verdict.value for verdict in Verdict]},
            "reasons": {
                "description": "What speaks against it and what to do about it, in German; none where it passes.",
                "type": "array",
                "items": {"type": "string"},
            },
        },
        "required": ["part", "verdict", "reasons"],
    },
}

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def document(
    schema: str, value: Transcript | Recap | Digest, labels: Labels, more: Mapping[str, object] | None = None
) -> bytes:
    """Write a value with the name of its schema in front, and the label: of a draft, or of what somebody has approved.

    Reading it back with pydantic's `TypeAdapter` gives an equal value, times rounded to a millisecond; what `more` adds
    at the end is told, and not read back.
    """
    approval = value.approval if isinstance(value, Recap) else None
    head = {
        "schema": schema,
        "label": label_of(approval, labels),
        **marks(approval),
        "digital_source_type": digital_source_type(value),
    }
    return canonical_json(head | {name: getattr(value, name) for name in value.__dataclass_fields__} | dict(more or {}))


def json_schemas() -> Mapping[str, bytes]:
    """The published schemas by file name, generated from the types (JSON Schema 2020-12)."""
    head = {"label": {"type": "string"}, "digital_source_type": {"enum": [WRITTEN, COMPOSED]}}
    drafted: dict[str, Any] = {"machine_generated": {"const": True}}
    approved: dict[str, Any] = {
        "human_reviewed": {"const": True},
        "editorial_responsibility": {"type": "string"},
        "reviewed_at": {"type": "string", "format": "date-time"},
    }
    return {
        "transcript.schema.json": _schema("nachlese/transcript/1", Transcript, head | drafted),
        "recap.schema.json": _schema("nachlese/recap/1", Recap, head | {"checks": _CHECKS}, drafted, approved),
        "digest.schema.json": _schema("nachlese/digest/1", Digest, head | drafted),
        "manifest.schema.json": _schema("nachlese/manifest/1", Manifest, {}),
        "failure.schema.json": _schema("nachlese/failure/1", Failure, {}),
    }


def _schema(name: str, kind: type, head: Mapping[str, Any], *either: Mapping[str, Any]) -> bytes:
    """The schema of a type with more properties: all of `head`, and the whole of one of `either`."""
    generated = TypeAdapter(kind).json_schema()
    one_of = {key: value for one in either for key, value in one.items()}
    described = {
        "$schema": DIALECT,
        "$id": name,
        **generated,
        "properties": {**generated["properties"], "schema": {"const": name}, **head, **one_of},
        "required": [*generated["required"], "schema", *head],
        **({"oneOf": [{"required": list(one)} for one in either]} if either else {}),
    }
    return (json.dumps(described, ensure_ascii=False, indent=1) + "\n").encode()
