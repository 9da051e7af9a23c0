"""A draft that somebody answers for: what they changed, what speaks against it, and what it was made from.

draft + edited file ─► `jobs.revision` ─► `objections` ─► `approved` ─► Signature, `difference`
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import unified_diff
from hashlib import sha256
from typing import cast

from jobs.artifacts import Entry, digest
from jobs.export.readable import clean
from jobs.german import time_code
from jobs.pairing import Text, paired
from jobs.programme import Talk
from jobs.proof.checks import Check, Flaw, Verdict
from jobs.proof.evidence import Finding, verify
from jobs.proof.quotes import locate
from jobs.proof.record import Record
from jobs.recap import Approval, Basis, Chapter, Question, Quote, Recap, Sentence, Status
from jobs.timeline import Seconds
from jobs.transcript import Transcript

#: Fewer words in quotation marks are a name or a manner of speaking, not what somebody said.
MIN_QUOTED_WORDS = 4
_QUOTED = re.compile(r"[„»“\"]([^„“”»«\"]+)[“”«\"]")


@dataclass(frozen=True, slots=True)
class Passage:
    """One text of a recap and what it rests on."""

    #: "headline", "lead", "quote", "translation", "chapter" or "sentence".
    part: str
    text: str
    #: Utterance ids; none where nobody said it.
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one passage of the draft."""

    #: None: it wasn't in the draft.
    before: Passage | None
    #: None: it isn't there any more.
    after: Passage | None


@dataclass(frozen=True, slots=True)
class Objection:
    """What speaks against a passage that was approved nevertheless."""

    text: str
    flaw: Flaw
    verdict: Verdict
    #: What the German reason names.
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Origin:
    """What a recap was approved on."""

    #: `Recap.draft`, and the SHA-256 of the file `recap.json`.
    draft: str
    draft_sha256: str
    #: Version of the transcript, 0 is the machine's, and the SHA-256 of the file `transcript.json`.
    transcript_version: int
    transcript_sha256: str
    #: `content` of both.
    content: str


@dataclass(frozen=True, slots=True)
class Signature:
    """That somebody answers for a recap; numbered, never overwritten."""

    recording_id: str
    origin: Origin
    #: Of `text`, UTF-8.
    approved_sha256: str
    #: The SHA-256 of the file that was given; None where the draft was approved as it was.
    given_sha256: str | None
    #: Why it was approved though some of it failed its check; None where nothing did.
    anyway: str | None
    objections: tuple[Objection, ...]
    #: Open questions of the draft that were left standing, as they were worded.
    left_open: tuple[str, ...]
    #: What differs from the draft; what stayed stands in `recap` alone.
    changes: tuple[Change, ...]
    #: With its evidence; its `approval` says who approved it, and when.
    recap: Recap
    #: Speaker label → name, where the editor gave a voice one.
    names: Mapping[str, str] = field(default_factory=dict)
    #: The approved files that lie beside this.
    files: tuple[Entry, ...] = ()
    schema: str = "nachlese/signature/1"

    def __post_init__(self) -> None:
        if self.recap.approval is None:
            message = "a signature without an approval"
            raise ValueError(message)

    @property
    def approval(self) -> Approval:
        """Who approved it, and when."""
        return cast(Approval, self.recap.approval)

    def numbered(self, number: int) -> "Signature":
        """The same under another number."""
        return replace(self, recap=replace(self.recap, approval=replace(self.approval, number=number)))


def approved(recap: Recap, approval: Approval) -> Recap:
    """The same recap, approved: nothing is open any more, and all of it is laid out."""
    return replace(recap, status=Status.APPROVED, approval=approval, open_questions=(), provisional=False, shape=None)


def content(recap: Recap, transcript: Transcript) -> str:
    """Name what a recap says, its evidence, and what was said by whom: 16 hexadecimal characters.

    Made anew from the same words, it is the same, whatever made it and when.
    """
    return digest(recap.headline, recap.lead, recap.quotes, recap.chapters, transcript.utterances, transcript.names)


def objections(recap: Recap, transcript: Transcript, talk: Talk) -> tuple[Finding, ...]:
    """What speaks against a recap that somebody has edited: all that `verify` finds, and words nobody said.

    Words in quotation marks within an edited sentence must have been said, by whomever.
    """
    record = Record(transcript, talk)
    edited = [part for part in _sentences(recap) if part.basis is Basis.EDITED]
    invented = (part for part in edited if any(_invented(part, record)))
    found = (Finding(part, Check(Flaw.NOT_SAID, Verdict.FAIL)) for part in invented)
    return (*verify(recap, transcript, talk), *found)


def _invented(sentence: Sentence, record: Record) -> Iterator[str]:
    for words in _QUOTED.findall(sentence.text):
        if len(words.split()) >= MIN_QUOTED_WORDS and locate(words, sentence.evidence, record) is None:
            yield words


def _sentences(recap: Recap) -> Iterator[Sentence]:
    yield from () if recap.headline is None else (recap.headline,)
    yield from recap.lead
    for chapter in recap.chapters:
        yield from chapter.sentences


def passages(recap: Recap) -> tuple[Passage, ...]:
    """All texts of a recap but its open questions, in the order they are read."""
    return tuple(one for one in _passages(recap) if one.text)


def _passages(recap: Recap) -> Iterator[Passage]:
    if recap.headline is not None:
        yield passage(recap.headline, "headline")
    yield from (passage(one, "lead") for one in recap.lead)
    for quote in recap.quotes:
        yield passage(quote, "quote")
        yield Passage("translation", clean(quote.translation or ""), quote.evidence)
    for chapter in recap.chapters:
        yield passage(chapter, "chapter")
        yield from (passage(one, "sentence") for one in chapter.sentences)


def passage(part: Sentence | Quote | Chapter, name: str) -> Passage:
    """A part of a recap by its text."""
    return Passage(name, clean(part.title if isinstance(part, Chapter) else part.text), part.evidence)


def text(recap: Recap) -> str:
    """What a recap says, a passage a line."""
    return "".join(f"{one.text}\n" for one in passages(recap))


def changes(draft: Recap, recap: Recap) -> tuple[Change, ...]:
    """What differs, in the order of `recap`; what was left out comes last."""
    before, after = passages(draft), passages(recap)
    pairs = paired(tuple(map(_searched, before)), tuple(map(_searched, after)))
    told = [Change(before[pairs[new]] if new in pairs else None, one) for new, one in enumerate(after)]
    gone = [Change(one, None) for old, one in enumerate(before) if old not in pairs.values()]
    return tuple(change for change in (*told, *gone) if change.before != change.after)


def _searched(one: Passage) -> Text:
    # A sentence may move anywhere; a quote stays a quote.
    kind = one.part if one.part in {"quote", "translation", "chapter"} else "sentence"
    return Text(kind, one.text, one.evidence)


def difference(draft: Recap, recap: Recap, transcript: Transcript) -> str:
    """What differs as a unified diff, a passage a line with the time it was said; "" where nothing does."""
    starts = {utterance.id: utterance.span.start for utterance in transcript.utterances}
    before, after = ([_dated(one, starts) for one in passages(version)] for version in (draft, recap))
    lines = unified_diff(before, after, fromfile=f"draft {draft.draft}", tofile="approved", lineterm="", n=1)
    return "".join(f"{line}\n" for line in lines)


def _dated(one: Passage, starts: Mapping[str, Seconds]) -> str:
    times = [time_code(starts[name]) for name in one.evidence if name in starts]
    return f"{one.text} ({', '.join(times)})" if times else one.text


def sha256_of(recap: Recap) -> str:
    """SHA-256 of `text`."""
    return sha256(text(recap).encode()).hexdigest()


def told(findings: Sequence[Finding]) -> tuple[Objection, ...]:
    """Findings as they are stored; those about open questions aside."""
    parts = ((one.part, one) for one in findings)
    return tuple(
        Objection(passage(part, "").text, one.flaw, one.verdict, one.check.fields)
        for part, one in parts
        if not isinstance(part, Question)
    )
