"""The JSON documents: what is written can be read back, and the published schemas are those of the types."""

import json
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from jobs.audio import AudioTrack, MediaInfo
from jobs.export import recap_json, transcript_json
from jobs.export.document import json_schemas
from jobs.programme import Talk
from jobs.recap import Approval, Basis, Chapter, Question, Quote, Recap, Sentence, Status
from jobs.recording import Provenance
from jobs.timeline import Span
from jobs.transcript import Doubt, Likeness, Notice, Transcript, Turn, Utterance, Word

SCHEMAS = Path(__file__).parents[2] / "config" / "schema"
LABELS = {"draft.label": "ENTWURF", "approved.label": "Freigegeben von {by} am {date}"}

texts = st.text(max_size=12)
some_texts = st.lists(texts, min_size=1, max_size=3).map(tuple)
fields = st.dictionaries(texts, texts | st.integers() | st.integers(0, 9999).map(lambda n: n / 1000), max_size=2)
seconds = st.integers(0, 10**8).map(lambda ms: ms / 1000)
spans = st.tuples(seconds, seconds).map(sorted).map(lambda pair: Span(*pair))
shares = st.integers(0, 1000).map(lambda n: n / 1000)
moments = st.datetimes(timezones=st.just(UTC))
provenances = st.builds(Provenance, texts, texts, st.none() | texts, texts, texts, moments)
words = st.builds(Word, texts, spans, shares, st.none() | texts)
utterances = st.builds(
    Utterance,
    texts,
    st.lists(words, min_size=1, max_size=3).map(tuple),
    st.none() | texts,
    texts,
    st.none() | st.sampled_from(Doubt),
)
tracks = st.builds(
    AudioTrack,
    st.integers(0),
    texts,
    st.integers(1),
    st.integers(1),
    st.none() | texts,
    st.none() | texts,
    st.booleans(),
)
media = st.builds(
    MediaInfo, texts, st.none() | seconds, seconds, st.lists(tracks, max_size=2).map(tuple), st.integers(0)
)
transcripts = st.builds(
    Transcript,
    texts,
    seconds,
    texts,
    st.lists(utterances, max_size=3).map(tuple),
    st.lists(st.builds(Turn, spans, texts), max_size=3).map(tuple),
    st.dictionaries(texts, texts, max_size=3),
    likenesses=st.lists(st.builds(Likeness, texts, texts, shares, moments), max_size=2).map(tuple),
    notices=st.lists(st.builds(Notice, texts, fields), max_size=2).map(tuple),
    media=st.none() | media,
    provenance=st.lists(provenances, max_size=2).map(tuple),
)
sentences = st.builds(Sentence, texts, some_texts, st.sampled_from(Basis), texts)
many = st.lists(sentences, max_size=2).map(tuple)
recaps = st.builds(
    Recap,
    texts,
    st.none() | sentences,
    many,
    st.lists(st.builds(Quote, texts, st.none() | texts, spans, texts, some_texts, st.none() | texts), max_size=2).map(
        tuple
    ),
    st.lists(st.builds(Chapter, texts, spans, some_texts, many, texts), max_size=2).map(tuple),
    st.lists(st.builds(Question, texts, fields, some_texts), max_size=2).map(tuple),
    provenances,
)
approvals = st.builds(Approval, texts, moments, st.integers(1, 9), st.none() | texts)


@given(transcripts)
def test_a_transcript_comes_back_as_it_was(transcript: Transcript) -> None:
    data = transcript_json.write(transcript, Talk(), LABELS).data
    assert TypeAdapter(Transcript).validate_json(data) == transcript


@given(recaps, st.none() | approvals)
def test_a_recap_comes_back_as_it_was(recap: Recap, approval: Approval | None) -> None:
    status = Status.DRAFT if approval is None else Status.APPROVED
    recap = replace(recap, status=status, approval=approval)
    nobody = Transcript("r-1", 0.0, "und", ())
    data = recap_json.write(recap, nobody, Talk(), LABELS).data
    assert TypeAdapter(Recap).validate_json(data) == recap


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_times_finer_than_a_millisecond_are_rounded_once_and_for_all(one: float, other: float) -> None:
    turn = Turn(Span(min(one, other), max(one, other)), "SPEAKER_00")
    data = transcript_json.write(Transcript("r-1", 1e6, "de", (), turns=(turn,)), Talk(), LABELS).data
    read = TypeAdapter(Transcript).validate_json(data)
    assert transcript_json.write(read, Talk(), LABELS).data == data
    assert abs(read.turns[0].span.start - turn.span.start) <= 0.000501


@pytest.mark.parametrize("name", sorted(json_schemas()))
def test_published_schemas_are_those_of_the_types(name: str) -> None:
    published = (SCHEMAS / name).read_bytes()
    assert published == json_schemas()[name], "run tests/golden/regenerate.py and read the diff"


def test_nothing_else_is_published() -> None:
    assert {path.name for path in SCHEMAS.iterdir()} == set(json_schemas())


def test_the_schemas_describe_the_documents(sample_transcript: Transcript, sample_recap: Recap) -> None:
    nobody = replace(sample_transcript, media=None)
    for name, data in (
        ("transcript", transcript_json.write(sample_transcript, Talk(), LABELS).data),
        ("transcript", transcript_json.write(nobody, Talk(), LABELS).data),
        ("recap", recap_json.write(sample_recap, nobody, Talk(), LABELS).data),
    ):
        schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text("utf-8"))
        document = json.loads(data)
        assert document["schema"] == schema["$id"] == f"nachlese/{name}/1"
        assert list(mismatches(document, schema, schema)) == []
        assert list(mismatches({**document, "schema": "nachlese/other/1"}, schema, schema)) == ["schema"]
        del document["recording_id"]
        assert list(mismatches(document, schema, schema)) == [""]


KINDS: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
    "null": type(None),
}


def mismatches(value: Any, schema: dict[str, Any], root: dict[str, Any], path: str = "") -> Any:
    """The paths where a document isn't what its schema says; knows the words that our schemas use."""
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        if all(list(mismatches(value, option, root)) for option in schema["anyOf"]):
            yield path
        return
    wrong_kind = "type" in schema and not isinstance(value, KINDS[schema["type"]])
    wrong_value = ("const" in schema and value != schema["const"]) or ("enum" in schema and value not in schema["enum"])
    if wrong_kind or wrong_value or (isinstance(value, dict) and not set(schema.get("required", ())) <= set(value)):
        yield path
        return
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from mismatches(item, schema.get("items", {}), root, f"{path}[{index}]")
    if isinstance(value, dict):
        others = schema.get("additionalProperties", {})
        for key, item in value.items():
            yield from mismatches(
                item, schema.get("properties", {}).get(key, others), root, f"{path}.{key}".lstrip(".")
            )
