"""What several talks of a day speak of: nouns that are said in more than one of them, in sentences of like meaning.

Speeches → Day (all statements, their meaning centred) → themes, the clearest first.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from jobs.german import bare
from jobs.proof.content import stem
from jobs.writing.statements import HEARD, Speech, Statement
from jobs.writing.worth import Frequency, Kind, Reading

#: Sentences of a theme that are shown.
SHOWN = range(2, 5)
#: Themes of the largest day.
MOST = 8
#: How near talks come to each other in the statements of a theme, times the logarithm (base 2) of how many these are:
#: two that hold the same word by chance are no theme. Cosines of centred meanings: unrelated statements lie between
#: -0.19 and 0.21 (5th and 95th percentile, 984 pairs of seven talks in two languages), those that say the same at 0.7.
_COHERENT = 0.34
#: So near to the middle of a theme is a statement of it that doesn't hold its word, in another language for example.
_NEAR = 0.42
#: Two candidates that share more of their statements than this are one theme.
_SAME = 0.5
#: A noun this many times (log2) as frequent as elsewhere is as telling as any.
_TELLING = 8.0
#: Zipf frequency of words that nobody has counted.
_UNCOUNTED = 1.5
#: Words of a title.
_LONGEST = 4
_NOUNS = frozenset({Kind.NOUN, Kind.NAME})
_WITHIN = _NOUNS | {Kind.ADJECTIVE, Kind.PREPOSITION, Kind.DETERMINER}
#: Nouns that measure, which are about nothing by themselves.
_MEASURES = frozenset(
    stem(word)
    for words in (
        "Prozent Euro Cent Dollar Million Millionen Milliarde Milliarden Monat Monate Minute Stunde Hälfte Drittel",
        "Viertel Meter Kilometer Kilo Gramm Tonne Liter Grad Zahl Mehrheit",
        "percent million billion month hour minute week half",
    )
    for word in words.split()
)


class Day:
    """All statements of all talks."""

    def __init__(self, speeches: Sequence[Speech]) -> None:
        self.speeches = tuple(speeches)
        self.statements: tuple[Statement, ...] = tuple(one for speech in speeches for one in speech.statements)
        #: Place of each statement's talk in `speeches`, shape (n,).
        self.talks: NDArray[np.int_] = np.repeat(
            np.arange(len(speeches)), [len(speech.statements) for speech in speeches]
        )

    @cached_property
    def units(self) -> NDArray[np.float32]:
        """Meaning of each statement, less what all of its language share; shape (n, dim), rows of length 1."""
        vectors = np.concatenate([speech.vectors for speech in self.speeches if len(speech.statements)])
        languages = np.array([one.reading.spoken.language for one in self.statements])
        centred = vectors - vectors.mean(axis=0)
        for language in sorted(set(languages.tolist())):
            own = languages == language
            if own.sum() >= 5:
                centred[own] = vectors[own] - vectors[own].mean(axis=0)
        units: NDArray[np.float32] = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9)
        return units

    @cached_property
    def holders(self) -> Mapping[str, tuple[int, ...]]:
        """Stem of a noun → the statements that hold it."""
        found: dict[str, list[int]] = {}
        for index, statement in enumerate(self.statements):
            for key in statement.nouns:
                found.setdefault(key, []).append(index)
        return {key: tuple(indices) for key, indices in found.items()}

    def talks_of(self, indices: Sequence[int]) -> frozenset[int]:
        """The talks that some statements belong to."""
        return frozenset(int(talk) for talk in self.talks[list(indices)])

    def middle(self, indices: Sequence[int]) -> NDArray[np.float32]:
        """The mean of some statements' meaning, of length 1; shape (dim,)."""
        mean = self.units[list(indices)].mean(axis=0)
        unit: NDArray[np.float32] = mean / max(float(np.linalg.norm(mean)), 1e-9)
        return unit


@dataclass(frozen=True, slots=True)
class Topic:
    """One theme, as places in `Day.statements`."""

    title: str
    #: The statement that the title's words stand in.
    named_in: int
    #: All that belong to it, of two talks or more.
    members: tuple[int, ...]
    #: Those that show it best, `SHOWN` of them, in the order of the day.
    shown: tuple[int, ...]


def topics(day: Day, *, frequency: Frequency, shown_elsewhere: Collection[int] = ()) -> tuple[Topic, ...]:
    """The themes of a day, the one of most talks first; no statement is shown twice.

    Args:
        day: all statements.
        frequency: how often a word is said elsewhere.
        shown_elsewhere: statements that serve only where a talk has no other.
    """
    if len(set(day.talks.tolist())) < 2:
        return ()
    chosen: list[Topic] = []
    for candidate in sorted(_candidates(day, frequency), key=lambda one: (-one.score, one.seed)):
        if len(chosen) == min(MOST, 2 + len(day.speeches) // 2):
            break
        if any(_shared(candidate.members, other.members) > _SAME for other in chosen):
            continue
        taken = {index for topic in chosen for index in topic.shown}
        shown = _shown(day, candidate, taken=taken, rather_not=shown_elsewhere)
        if len(day.talks_of(shown)) > 1:
            chosen.append(Topic(*_title(day, candidate), candidate.members, shown))
    return tuple(sorted(chosen, key=lambda one: -len(day.talks_of(one.members))))


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A noun, and the statements that it stands for."""

    seed: str
    #: Those that hold it or a compound with it.
    holders: tuple[int, ...]
    members: tuple[int, ...]
    score: float


def _candidates(day: Day, frequency: Frequency) -> Iterator[_Candidate]:
    said: Counter[str] = Counter()
    for speech in day.speeches:
        said.update(speech.nouns)
    words = sum(speech.words for speech in day.speeches)
    for seed, family in sorted(_families(day.holders.keys()).items()):
        holders = tuple(sorted({index for key in family for index in day.holders[key]}))
        if len(day.talks_of(holders)) < 2:
            continue
        coherence = _coherence(day, holders)
        keyness = _keyness(day, seed, sum(said[key] for key in family), words, frequency)
        if coherence * np.log2(len(holders)) < _COHERENT or keyness <= 0:
            continue
        near = np.flatnonzero(day.units @ day.middle(holders) >= _NEAR)
        members = tuple(sorted({*holders, *map(int, near)}))
        breadth = np.log2(1 + len(day.talks_of(holders)))
        yield _Candidate(seed, holders, members, float(keyness * breadth * coherence))


def _families(keys: Collection[str]) -> Mapping[str, Sequence[str]]:
    """For each noun, itself and all compounds with it; measures aside."""
    found: dict[str, list[str]] = {}
    for key in sorted(keys):
        parts = {part for cut in range(len(key) + 1) for part in (key[:cut], key[cut:]) if part in keys}
        for seed in parts - _MEASURES:
            if _covers(seed, key):
                found.setdefault(seed, []).append(key)
    return found


def _covers(seed: str, key: str) -> bool:
    """Whether a noun is the other one or a compound with it: "Zeitung" covers "Lokalzeitung".

    Examples:
        >>> _covers("zeitung", "lokalzeitung"), _covers("podcast", "podcastwerbung"), _covers("redaktion", "reaktion")
        (True, True, False)
    """
    return seed == key or (len(seed) > 4 and key.endswith(seed)) or (len(seed) > 5 and key.startswith(seed))


def _keyness(day: Day, seed: str, count: int, words: int, frequency: Frequency) -> float:
    """How much more often a noun is said than elsewhere, 0.0 to 1.0."""
    first = day.statements[day.holders[seed][0]]
    zipf = frequency(first.nouns[seed], first.reading.spoken.language) or _UNCOUNTED
    expected = words * 10 ** (zipf - 9)
    return float(np.clip(np.log2(count / expected) / _TELLING, 0.0, 1.0)) if count else 0.0


def _coherence(day: Day, holders: Sequence[int]) -> float:
    """How near the talks come to each other: cosine of each one's best statement and the others' middle, on average."""
    talks = day.talks[list(holders)]
    best = []
    for talk in np.unique(talks):
        own, others = (np.array(holders)[talks == talk], np.array(holders)[talks != talk])
        best.append(float((day.units[own] @ day.middle(others)).max()))
    return float(np.mean(best))


def _shared(one: Sequence[int], other: Sequence[int]) -> float:
    """Share of the smaller set that lies in the other."""
    return len({*one} & {*other}) / min(len(one), len(other))


def _shown(day: Day, candidate: _Candidate, *, taken: set[int], rather_not: Collection[int]) -> tuple[int, ...]:
    """The best statement of each talk, of as many talks as there is room for; in the order of the day."""
    near = day.units @ day.middle(candidate.holders)
    score = {
        index: (day.statements[index].strength ** 0.2)
        * (0.2 + max(0.0, float(near[index])))
        * (0.2 if index in rather_not else 1.0)
        for index in candidate.members
        if index not in taken
    }
    best: dict[int, int] = {}
    for index in sorted(score, key=lambda one: (-score[one], one)):
        best.setdefault(int(day.talks[index]), index)
    return tuple(sorted(sorted(best.values(), key=lambda one: (-score[one], one))[: SHOWN.stop - 1]))


def _title(day: Day, candidate: _Candidate) -> tuple[str, int]:
    """The longest phrase with the noun that half of its talks say, else the noun; in the form that is said most.

    Returns:
        The title and the statement that it stands in.
    """
    languages = Counter(day.statements[index].reading.spoken.language for index in candidate.holders)
    language = "de" if "de" in languages else min(languages, key=lambda one: (-languages[one], one))
    forms: dict[frozenset[str], Counter[str]] = {}
    talks: dict[frozenset[str], set[int]] = {}
    first: dict[str, int] = {}
    for index in candidate.holders:
        reading = day.statements[index].reading
        for form in _phrases(reading, candidate.seed) if reading.spoken.language == language else ():
            key = frozenset(stem(word) for word in form.split())
            forms.setdefault(key, Counter())[form] += 1
            talks.setdefault(key, set()).add(int(day.talks[index]))
            first.setdefault(form, index)
    least = max(2, len(day.talks_of(candidate.holders)) / 2)
    said = [key for key in forms if len(key) == 1 or len(talks[key]) >= least]
    best = max(said, key=lambda key: (len(key), len(talks[key]), sorted(key)))
    title = min(forms[best], key=lambda form: (-forms[best][form], form))
    return title[:1].upper() + title[1:], first[title]


def _phrases(reading: Reading, seed: str) -> Iterator[str]:
    """The noun as it stands alone, and what is said around it and can stand alone: "künstliche Intelligenz"."""
    words, kinds = reading.spoken.words, reading.kinds
    for place, base in enumerate(reading.bases):
        if kinds[place] not in _NOUNS or not _covers(seed, stem(base)):
            continue
        yield base
        for start in range(max(0, place - _LONGEST + 1), place + 1):
            for stop in range(max(start + 2, place + 1), min(len(words), start + _LONGEST) + 1):
                if _stands_alone(reading, range(start, stop)):
                    yield " ".join(bare(word.text) for word in words[start:stop])


def _stands_alone(reading: Reading, within: range) -> bool:
    """Whether some words are a noun with an adjective before it, or with what hangs on it: "Werbung im Podcast"."""
    words, kinds = reading.spoken.words, reading.kinds
    broken = any(bare(words[i].text) != words[i].text for i in within[:-1])
    first, last = within[0], within[-1]
    # The ending of an adjective tells the case: after "mit der" it isn't one that a title can stand in.
    upright = kinds[first] in _NOUNS or (
        kinds[first] is Kind.ADJECTIVE and not words[first].text.endswith(("en", "em")) and kinds[first + 1] in _NOUNS
    )
    inner = all(kinds[i] in _WITHIN for i in within[1:-1])
    heard = all(words[i].probability >= HEARD for i in within)
    return upright and kinds[last] in _NOUNS and inner and heard and not broken
