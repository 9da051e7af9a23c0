"""Names and terms of the programme that the recognizer nearly got right, put right; what it heard stays beside them."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

from rapidfuzz.distance import Levenshtein
from wordfreq import zipf_frequency

from jobs.phonetics import cologne
from jobs.programme import Talk
from jobs.transcript import Transcript, Utterance, Word

#: Names of so many words are looked for at once.
MAX_WINDOW = 3
#: On wordfreq's Zipf scale (log10 of occurrences in a billion words): from here on everybody knows a word, and it
#: stays whatever the programme says. "Berger" 4.0, "Lindner" 3.9, "linden" 3.7.
COMMON = 3.3
#: From here on it stays where the recognizer was sure.
KNOWN = 2.0
_SURE = 0.5
#: Words that only make sense beside others: a name isn't made of these alone.
_EVERYDAY = 4.8
#: Shorter ones are like too many others.
_MIN_LETTERS = 4
_MIN_LETTERS_JOINED = 6
#: Letters by which a name that was torn apart may have grown or shrunk.
_MAX_TORN = 3
#: Likeness (1 minus edit distance over the longer length) from which a word may be a name misheard: where both sound
#: the same, where they nearly do, and whatever they sound like.
_SOUNDS_SAME, _SOUNDS_NEAR, _LOOKS_SAME = 0.6, 0.78, 0.86
#: Likeness of what is heard counts so much of likeness in writing.
_ONLY_SPOKEN = 0.95
_NEAR_SOUND = 0.75
#: Two candidates closer than this are both possible, so neither is taken.
_CLEARLY = 0.08

_PARTICLES = frozenset({"von", "van", "der", "den", "de", "zu", "dr", "prof", "doktor", "professor", "professorin"})
_TITLES = frozenset({"dr", "prof", "doktor", "professor", "professorin", "frau", "herr"})
#: A name that has one of these is spelt right.
_ENDINGS = ("", "s", "es", "e", "en", "n", "er", "ern")
_DOUBLE = re.compile(r"([bdfgklmnprstz])\1")
_SHAPE = re.compile(r"^(\W*)(.*?)((?:['’]s)?\W*)$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Found:
    """What a stretch of words may be meant to be."""

    words: tuple[str, ...]
    score: float


def repaired(transcript: Transcript, talk: Talk) -> Transcript:
    """Give the guests' names and the terms of `talk` their spelling wherever they were nearly heard.

    A word that everybody knows is never replaced, unless a first name beside it says who is meant; nor is one that
    could be two names. A genitive s, parts of a hyphenated word and punctuation stay as they are. Doubtful utterances
    stay as they were heard. `Word.heard` keeps what the recognizer wrote; words that were torn apart become one.
    """
    speller = _Speller(talk)
    if not speller.entries:
        return transcript
    return replace(transcript, utterances=tuple(speller.utterance(one) for one in transcript.utterances))


class _Speller:
    """The spellings of one programme."""

    def __init__(self, talk: Talk) -> None:
        names = [_untitled(guest.name.split()) for guest in talk.guests]
        parts = [(word,) for name in names for word in name if word.lower() not in _PARTICLES]
        whole = [*names, *(tuple(term.split()) for term in talk.terms), *parts]
        self.entries = tuple(dict.fromkeys(e for e in whole if e and len(_plain("".join(e))) >= _MIN_LETTERS))
        roles = (guest.role or "" for guest in talk.guests)
        said = " ".join((*(" ".join(entry) for entry in whole), talk.title or "", *roles))
        self._right = frozenset(_plain(word) for word in re.findall(r"\w+", said)) | {_plain("".join(e)) for e in whole}

    def utterance(self, utterance: Utterance) -> Utterance:
        """The utterance with its names put right."""
        if utterance.doubt is not None:
            return utterance
        words = tuple(self._words(utterance.words))
        return utterance if words == utterance.words else replace(utterance, words=words)

    def _words(self, words: Sequence[Word]) -> Iterator[Word]:
        start = 0
        while start < len(words):
            for size in range(min(MAX_WINDOW, len(words) - start), 0, -1):
                window = words[start : start + size]
                put_right = self._window(window)
                if put_right:
                    yield from put_right
                    break
            else:
                size = 1
                yield words[start]
            start += size

    def _window(self, window: Sequence[Word]) -> tuple[Word, ...]:
        """The window with its name put right; empty where nothing is to be repaired."""
        shapes = [_shape(word.text) for word in window]
        if any(word.heard is not None or re.search(r"\d", word.text) for word in window) or not _together(shapes):
            return ()
        cores = tuple(core for _, core, _ in shapes)
        sure = min(word.probability for word in window) >= _SURE
        meant = self._meant(cores, sure=sure)
        if meant is None or meant == cores:
            return ()
        lead, trail = shapes[0][0], shapes[-1][2]
        if len(meant) == 1:
            return (_joined(window, lead + meant[0] + trail),)
        texts = [before + new + after for (before, _, after), new in zip(shapes, meant, strict=True)]
        changed = (
            w if w.text == text else replace(w, text=text, heard=w.text) for w, text in zip(window, texts, strict=True)
        )
        return tuple(changed)

    def _meant(self, cores: tuple[str, ...], *, sure: bool) -> tuple[str, ...] | None:
        if len(cores) > 1:
            return _clear(self._several(cores))
        (core,) = cores
        if self._is_right(core):
            return None
        meant = _clear(self._single(core, sure=sure))
        if meant is not None or "-" not in core:
            return meant
        parts = core.split("-")
        better = [part if self._is_right(part) else self._part(part, sure=sure) for part in parts]
        return ("-".join(better),)

    def _part(self, part: str, *, sure: bool) -> str:
        meant = _clear(self._single(part, sure=sure))
        return part if meant is None else meant[0]

    def _is_right(self, word: str) -> bool:
        plain = _plain(word)
        return any(plain.endswith(ending) and plain.removesuffix(ending) in self._right for ending in _ENDINGS)

    def _single(self, heard: str, *, sure: bool) -> Iterator[_Found]:
        plain, frequency = _plain(heard), _frequency(heard)
        if len(plain) < _MIN_LETTERS or frequency >= (KNOWN if sure else COMMON):
            return
        for entry in self.entries:
            if len(entry) == 1 and (heard[0].isupper() or entry[0][0].islower()):
                yield from _inflected(heard, entry[0])

    def _several(self, heard: tuple[str, ...]) -> Iterator[_Found]:
        if not heard[0][0].isupper():
            return
        new = not any(self._is_right(word) for word in heard)
        for entry in self.entries:
            if len(entry) == len(heard):
                yield from _full_name(heard, entry)
            elif len(entry) == 1 and new:
                yield from _torn(heard, entry[0])


def _full_name(heard: tuple[str, ...], name: tuple[str, ...]) -> Iterator[_Found]:
    """A name of several words: with one of them heard exactly, the others may be common words with a capital letter."""
    if not all(word[0].isupper() or word.lower() in _PARTICLES for word in heard):
        return
    last = tuple(_inflected(heard[-1], name[-1], exact=True))
    before = [_likeness(_plain(one), _plain(other)) for one, other in zip(heard[:-1], name[:-1], strict=True)]
    if not last or not all(before):
        return
    likeness = [*before, last[0].score]
    anchored = any(
        _plain(one) == _plain(other) and len(one) >= 3 and one.lower() not in _PARTICLES
        for one, other in zip(heard, (*name[:-1], *last[0].words), strict=True)
    )
    rare = min(map(_frequency, heard)) < COMMON
    if anchored or rare:
        yield _Found((*name[:-1], *last[0].words), sum(likeness) / len(likeness))


def _torn(heard: tuple[str, ...], name: str) -> Iterator[_Found]:
    """One long word that was heard as several: "Weizen Baum"."""
    plain = _plain(name)
    if abs(sum(map(len, heard)) - len(plain)) > _MAX_TORN:
        return
    frequencies = [_frequency(word) for word in heard]
    long = len(plain) >= _MIN_LETTERS_JOINED and _frequency(name) < COMMON
    if not long or min(frequencies) >= _EVERYDAY or any(word.lower() in _PARTICLES for word in heard):
        return
    for found in _inflected("".join(heard), name, exact=True):
        if found.score >= _LOOKS_SAME:
            yield found


def _inflected(heard: str, name: str, *, exact: bool = False) -> Iterator[_Found]:
    """The name as it may be meant by one word, with a genitive s where there is one more than in the name."""
    plain, wanted = _plain(heard), _plain(name)
    bare = plain[:-1] if plain.endswith("s") and not wanted.endswith(("s", "ß", "z", "x")) else ""
    as_is, genitive = _likeness(plain, wanted), _likeness(bare, wanted)
    best = max(as_is, genitive)
    if best and (exact or best < 1.0 or heard != name):
        yield _Found((name + "s" if genitive > as_is else name,), best)


@cache
def _likeness(heard: str, name: str) -> float:
    """How well a word fits a name, 0.0 where it can't be meant; 1.0 where it is the same."""
    if heard == name:
        return 1.0
    shorter, longer = sorted((len(heard), len(name)))
    if shorter < _MIN_LETTERS or shorter < _SOUNDS_SAME * longer:
        return 0.0
    spoken = _spoken(heard), _spoken(name)
    likeness = Levenshtein.normalized_similarity(heard, name)
    likeness = max(likeness, _ONLY_SPOKEN * Levenshtein.normalized_similarity(*spoken))
    if likeness < _SOUNDS_SAME:
        return 0.0
    one, other = (cologne(text) for text in spoken)
    needed = _LOOKS_SAME
    if one == other:
        needed = _SOUNDS_SAME
    elif Levenshtein.normalized_similarity(one, other) >= _NEAR_SOUND:
        needed = _SOUNDS_NEAR
    return likeness if likeness >= needed else 0.0


def _spoken(plain: str) -> str:
    """The word without what isn't heard: doubled consonants, h after t, and "-er" that sounds like "-a"."""
    single = _DOUBLE.sub(r"\1", plain).replace("th", "t").replace("dt", "t")
    return f"{single[:-2]}a" if single.endswith("er") else single


def _clear(found: Iterable[_Found]) -> tuple[str, ...] | None:
    """The best one, unless another is nearly as good."""
    best = sorted(found, key=lambda one: -one.score)
    rivals = [one for one in best[1:] if one.words != best[0].words]
    if not best or (rivals and best[0].score - rivals[0].score < _CLEARLY):
        return None
    return best[0].words


def _joined(window: Sequence[Word], text: str) -> Word:
    first, last = window[0], window[-1]
    probability = min(word.probability for word in window)
    heard = " ".join(word.text for word in window)
    return replace(first, text=text, span=first.span.hull(last.span), probability=probability, heard=heard)


def _together(shapes: Sequence[tuple[str, str, str]]) -> bool:
    """Whether these words can be one name: no sign stands between them."""
    inner = [trail for _, _, trail in shapes[:-1]] + [lead for lead, _, _ in shapes[1:]]
    return all(core for _, core, _ in shapes) and not any(inner)


def _shape(text: str) -> tuple[str, str, str]:
    """Signs before a word, the word, and what is attached to it.

    Examples:
        >>> _shape("„Lindner's,"), _shape("Frevert.")
        (('„', 'Lindner', "'s,"), ('', 'Frevert', '.'))
    """
    match = _SHAPE.match(text)
    return (match.group(1), match.group(2), match.group(3)) if match else ("", text, "")


def _untitled(name: Sequence[str]) -> tuple[str, ...]:
    return tuple(word for word in name if word.strip(".,").lower() not in _TITLES)


@cache
def _plain(word: str) -> str:
    return "".join(letter for letter in word.casefold() if letter.isalpha())


@cache
def _frequency(word: str) -> float:
    """The Zipf frequency of a word or of its stem without s, in German or English, whichever is higher."""
    forms = {word, word.removesuffix("s")}
    return max(float(zipf_frequency(form, language)) for form in forms for language in ("de", "en"))
