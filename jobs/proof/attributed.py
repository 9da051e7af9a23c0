"""Whether words that are ascribed to somebody were said so, and by them.

„Von Werbung allein kann man nicht leben“, sagt Anna Lindner. What stands in quotation marks is compared word by word;
without any, what stands before the last comma is indirect speech, see `jobs.writing.indirect`.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from jobs.german import time_code
from jobs.proof.checks import Check, Flaw, Verdict
from jobs.proof.record import Record
from jobs.transcript import Word
from jobs.writing.indirect import SUBJUNCTIVE

_QUOTED = re.compile(r"„([^„“]*)“")
_MARKS = str.maketrans(dict.fromkeys('„“”"»«‚‘’', ""))
_TIME = re.compile(r"\b\d+:\d\d(?::\d\d)?\b")
_VOICE = re.compile(r"\bStimme (\d+)\b")


@dataclass(frozen=True, slots=True)
class _Piece:
    """Words that the sentence gives as said."""

    tokens: tuple[str, ...]
    #: In indirect speech: one verb stands in the subjunctive.
    is_reported: bool


def attribution_flaws(text: str, ids: Sequence[str], record: Record) -> Iterator[Check]:
    """Check a sentence made of words of its evidence and of who says them.

    - Every quotation, or the indirect speech, stands in the speech of one voice of the evidence.
    - Whoever is named beside them is the voice of what isn't a question.
    - The only numbers of the frame are those of voices, of names, of the talk's title, and times at which a word of the
      evidence begins.

    Args:
        text: the sentence.
        ids: its evidence; all of them are there.
        record: what was said.
    """
    pieces, frame = _cut(text)
    if record.talk.title:
        frame = frame.replace(record.talk.title, "")
    voices: set[str | None] = set()
    for piece in pieces:
        found = {voice for voice, words in _speech(ids, record) if _said(piece, words)}
        if not found:
            yield Check(Flaw.NOT_SAID, Verdict.FAIL)
            return
        if not piece.tokens[-1].endswith("?") or len(pieces) == 1:
            voices |= found
    if _names_another(frame, voices, record):
        yield Check(Flaw.WRONG_SPEAKER, Verdict.FAIL)
    begins = {time_code(word.span.start) for one in ids for word in record.utterances[one].words}
    if any(time not in begins for time in _TIME.findall(frame)):
        yield Check(Flaw.WRONG_SPAN, Verdict.FAIL)
    rest = _VOICE.sub("", _TIME.sub("", frame))
    for name in (person.name for person in record.people):
        rest = rest.replace(name, "")
    number = re.search(r"\d[\d.,]*", rest)
    if number is not None:
        yield Check(Flaw.UNBACKED_NUMBER, Verdict.FAIL, {"what": number.group()})


def _cut(text: str) -> tuple[tuple[_Piece, ...], str]:
    """What is given as said, and the frame around it."""
    quotations = [_Piece(tokens, is_reported=False) for one in _QUOTED.findall(text) if (tokens := _tokens(one))]
    if quotations:
        return tuple(quotations), _QUOTED.sub(" ", text)
    clause, _, frame = text.rpartition(", ")
    return (_Piece(_tokens(clause) or ("",), is_reported=True),), frame


def _tokens(text: str) -> tuple[str, ...]:
    return tuple(plain for token in text.split() if (plain := token.translate(_MARKS)))


def _speech(ids: Sequence[str], record: Record) -> Iterator[tuple[str | None, tuple[Word, ...]]]:
    """What of the evidence was said in one piece, with its voice."""
    of: dict[str | None, list[str]] = {}
    for utterance in record.sound(ids):
        of.setdefault(utterance.speaker, []).append(utterance.id)
    for voice, own in of.items():
        for start, end in combinations(range(len(own) + 1), 2):
            yield voice, record.passage(own[start:end])


def _said(piece: _Piece, words: Sequence[Word]) -> bool:
    """Whether exactly these words are said; the first may have got a capital, the last may lack its stop or comma."""
    heard = [token for word in words for token in _tokens(word.text)]
    wanted = list(piece.tokens)
    size = len(wanted)
    return any(_same(wanted, heard[i : i + size], reported=piece.is_reported) for i in range(len(heard) - size + 1))


def _same(wanted: Sequence[str], heard: Sequence[str], *, reported: bool) -> bool:
    pairs = list(zip(_heading(wanted), _heading(heard), strict=True))
    changed = [(told, said) for told, said in pairs if told != said]
    if reported:
        return len(changed) == 1 and SUBJUNCTIVE.get(changed[0][1]) == changed[0][0]
    return not changed


def _heading(tokens: Sequence[str]) -> list[str]:
    first = tokens[0][:1].upper() + tokens[0][1:]
    whole = [first, *tokens[1:]]
    return [*whole[:-1], whole[-1].rstrip(".,")]


def _names_another(frame: str, voices: set[str | None], record: Record) -> bool:
    """Whether the frame names a voice, or somebody who is known, that isn't among `voices`."""
    speakers = record.transcript.speakers
    numbered = {speakers[int(n) - 1] if 0 < int(n) <= len(speakers) else None for n in _VOICE.findall(frame)}
    if numbered - voices:
        return True
    words = set(re.findall(r"\w+", frame))
    named = [person for person in record.people if (parts := re.findall(r"\w+", person.name)) and parts[-1] in words]
    return bool(named) and not any(set(person.voices) & voices for person in named)
