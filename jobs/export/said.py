"""One utterance as a reader sees it, be it in the transcript or as evidence."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from jobs.export.labels import Labels, sentence
from jobs.export.readable import clean
from jobs.german import time_code
from jobs.timeline import Seconds
from jobs.transcript import Utterance, Word

_GERMAN = "de"


@dataclass(frozen=True, slots=True)
class Spelt:
    """Words in a row. Cleaned (see `readable.clean`), not escaped, never empty."""

    text: str
    #: What the recognizer heard in their place, where they were put right; None where they stand as they were heard.
    heard: str | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """Cleaned (see `readable.clean`), not escaped."""

    time: str
    text: str
    #: The same text piece by piece, with a blank between them.
    pieces: tuple[Spelt, ...]
    #: ISO 639-1 where it isn't German; None where it is.
    language: str | None
    #: Why it shouldn't be trusted, in German; None where nothing speaks against it.
    doubt: str | None


def said(utterance: Utterance, labels: Labels) -> Said:
    """Lay an utterance out for reading."""
    return Said(
        time=time_code(utterance.span.start),
        text=clean(utterance.text),
        pieces=tuple(_pieces(utterance.words)),
        language=foreign(utterance.language),
        doubt=None if utterance.doubt is None else sentence(labels, "doubt", utterance.doubt.value, {}),
    )


def _pieces(words: Sequence[Word]) -> Iterator[Spelt]:
    for heard, run in groupby(words, key=lambda word: word.heard):
        # Two names in a row are two pieces, each with what was heard for it.
        for part in ([word] for word in run) if heard else (list(run),):
            text, instead = clean(" ".join(word.text for word in part)), clean(heard or "")
            if text:
                yield Spelt(text, instead if instead not in ("", text) else None)


def plainly(passage: Said, labels: Labels) -> str:
    """What was said as plain text; what is doubtful stands in brackets, with the reason before it."""
    if passage.doubt is None:
        return passage.text
    return f"[{labels['export.doubtful']}, {passage.doubt}: {passage.text}]"


def foreign(language: str) -> str | None:
    """The language where it has to be marked; None for German."""
    return None if language == _GERMAN else clean(language)


def anchor(start: Seconds) -> str:
    """The name of the place in the transcript's page where the utterances of that second begin: "t=12"."""
    return f"t={int(start)}"
