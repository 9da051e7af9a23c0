"""Interjections of listeners: "mhm" in the middle of somebody's sentence doesn't break it apart.

The sentence stays one utterance and the interjection follows it, with its own times: it lies inside the other in time.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from jobs.align import MAX_PAUSE_S
from jobs.german import is_sentence_end
from jobs.transcript import Utterance

#: Longer ones are turns of their own.
MAX_WORDS = 2


@dataclass(frozen=True, slots=True)
class Backchannels:
    """What listeners throw in, as `_plain` gives it."""

    #: Never an answer.
    hums: frozenset[str] = frozenset()
    #: An answer at times.
    assents: frozenset[str] = frozenset()


def backchannels(table: Mapping[str, object]) -> Backchannels:
    """Read the lists of `config/backchannels.toml`.

    Raises:
        KeyError: a list is missing.
    """
    return Backchannels(_listed(table["hums"]), _listed(table["assents"]))


def _listed(value: object) -> frozenset[str]:
    return frozenset(_plain(str(entry)) for entry in value) if isinstance(value, (list, tuple)) else frozenset()


def _plain(text: str) -> str:
    """A text's words alone, in small letters: "Uh-huh." is "uh huh"."""
    return " ".join(re.findall(r"[^\W\d_]+", text.casefold()))


def undivided(utterances: Sequence[Utterance], known: Backchannels) -> tuple[Utterance, ...]:
    """Join what one voice says before and after an interjection, where its sentence goes on, and number all anew.

    No word is lost; each voice's words keep their order. Utterances are ordered by start, as they were.
    """
    found: list[Utterance] = []
    at = 0
    while at < len(utterances):
        host, heard = utterances[at], list[Utterance]()
        at += 1
        while (resumed := _resumed(host, utterances, at, known)) is not None:
            heard += utterances[at:resumed]
            host = replace(host, words=(*host.words, *utterances[resumed].words))
            at = resumed + 1
        found += [host, *heard]
    return tuple(replace(one, id=f"u{number:04d}") for number, one in enumerate(found, start=1))


def _resumed(host: Utterance, utterances: Sequence[Utterance], at: int, known: Backchannels) -> int | None:
    """Where `host` goes on, with nothing but an interjection before it; None where it doesn't."""
    resumed, words = at, 0
    while resumed < len(utterances) and utterances[resumed].speaker not in (None, host.speaker):
        words += len(utterances[resumed].words)
        resumed += 1
        if words > MAX_WORDS:
            return None
    if not words or host.speaker is None or resumed == len(utterances):
        return None
    after = utterances[resumed]
    if (after.speaker, after.language, after.doubt) != (host.speaker, host.language, host.doubt):
        return None
    last, near = host.words[-1], (*host.words[-2:], after.words[0])
    if last.span.gap(after.words[0].span) > MAX_PAUSE_S or is_sentence_end(near, len(near) - 2):
        return None
    allowed = known.hums | known.assents if last.text[-1:].isalnum() else known.hums
    return resumed if all(_is_one(one, allowed) for one in utterances[at:resumed]) else None


def _is_one(utterance: Utterance, allowed: frozenset[str]) -> bool:
    """Whether it says one of these, or nothing but these ("Ja, genau.")."""
    return _plain(utterance.text) in allowed or all(_plain(word.text) in allowed for word in utterance.words)


def as_heard(utterances: Sequence[Utterance]) -> Iterator[tuple[int, Utterance]]:
    """The same words in the order of time: an utterance is cut where a short one of another voice lies inside it.

    Gives parts of utterances, each with the place of the one that it is part of.
    """
    at = 0
    while at < len(utterances):
        place, host, begin = at, utterances[at], 0
        at += 1
        while at < len(utterances) and _lies_inside(utterances[at], host):
            cut = bisect_right(host.words, utterances[at].span.start, begin, key=lambda word: word.span.start)
            if cut > begin:
                yield place, replace(host, words=host.words[begin:cut])
            yield at, utterances[at]
            at, begin = at + 1, cut
        yield place, replace(host, words=host.words[begin:]) if begin else host


def _lies_inside(one: Utterance, host: Utterance) -> bool:
    return (
        one.speaker != host.speaker
        and len(one.words) <= MAX_WORDS
        and host.span.start <= one.span.start < host.words[-1].span.start
    )
