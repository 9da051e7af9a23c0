"""What gives a passage away as unreliable. It is marked, kept and shown, and never becomes evidence.

Lists of phrases and words are data (`config/doubt.toml`); limits stand here with their sources.
"""

import re
import unicodedata
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from rapidfuzz import fuzz, process

from jobs.timeline import Seconds, Span
from jobs.transcribe import Recognition, Segment
from jobs.transcript import Doubt, Turn, Utterance

#: Whisper's own limits for a failed decoding and for silence (arXiv:2212.04356, section 4.5).
MAX_COMPRESSION_RATIO = 2.4
MIN_LOGPROB = -1.0
MAX_NO_SPEECH = 0.6
#: Mean word probability below which base to large models are wrong more often than right; read off whisper-base on
#: clean and reverberant German.
MIN_PROBABILITY = 0.3
#: Languages are spoken at 4 to 9 syllables a second (Coupé et al. 2019, doi:10.1126/sciadv.aaw2594); nobody keeps up
#: more than this, word times being a little off.
MAX_SYLLABLES_PER_S = 12.0
#: An utterance of fewer syllables says too little of its own rate.
MIN_RATED_SYLLABLES = 10
#: How far from every turn an utterance lies before it counts as text over music or noise.
MAX_TURN_GAP_S: Seconds = 1.0
#: Less of an utterance than this within speech: nobody speaks there.
MIN_HEARD = 0.1
#: What has no neighbour within this distance stands alone.
ISOLATED_S: Seconds = 5.0
#: How often words must come back to back before nobody means them, by their number; four or more: `_LONG_REPEATS`.
#: "Nein, nein, nein", "sehr, sehr, sehr" and a slogan said three times are real.
_REPEATS = {1: 7, 2: 5, 3: 4}
_LONG_REPEATS = 3
#: Slow loops repeat a whole sentence, at most so many words long.
_LONGEST_PERIOD = 40
#: How alike, of 100, an utterance and a known phrase are: a letter or an ending may differ.
_MIN_LIKENESS = 88.0
#: Credits name at most so many words after their opening; people who talk of subtitles go on.
_CREDITED_WORDS = 6
#: Signs that nobody spoke which a farewell needs: one happens to real ones.
_FAREWELL_SIGNS = 2
#: So many function words of another language, and so many times those of its own, make an utterance foreign.
_FOREIGN_WORDS = 5
_FOREIGN_FACTOR = 4


@dataclass(frozen=True, slots=True)
class Rules:
    """What recognizers invent, and what tells languages apart. Phrases and words as `plain` gives them."""

    #: Nobody says these on a stage.
    credits: frozenset[str] = frozenset()
    #: How credits of anybody at all begin.
    openings: frozenset[str] = frozenset()
    #: People do say these.
    farewells: frozenset[str] = frozenset()
    #: ISO 639-1 codes of languages in Latin letters.
    latin: frozenset[str] = frozenset()
    #: Language → words that only it has.
    function_words: Mapping[str, frozenset[str]] | None = None


def rules(table: Mapping[str, Mapping[str, object]]) -> Rules:
    """Read the rules from the tables `boilerplate` and `language` of `config/doubt.toml`.

    Raises:
        KeyError: a list is missing.
    """
    phrases, language = table["boilerplate"], table["language"]
    words = language["function_words"]
    if not isinstance(words, Mapping):
        message = "language.function_words needs a text for each language"
        raise TypeError(message)
    return Rules(
        credits=frozenset(plain(phrase) for phrase in _texts(phrases["credits"])),
        openings=frozenset(plain(phrase) for phrase in _texts(phrases["openings"])),
        farewells=frozenset(plain(phrase) for phrase in _texts(phrases["farewells"])),
        latin=frozenset(_texts(language["latin"])),
        function_words={code: frozenset(str(text).split()) for code, text in words.items()},
    )


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, (list, tuple)) else (str(value),)


def plain(text: str) -> str:
    """A text's words alone: small letters, no signs, no figures.

    Examples:
        >>> plain("Untertitelung des ZDF, 2020")
        'untertitelung des zdf'
    """
    return " ".join(re.findall(r"[^\W\d_]+", text.casefold()))


@dataclass(frozen=True, slots=True)
class _Scene:
    """All that is known around an utterance."""

    rules: Rules
    #: The hotwords in one line, as the recognizer is given them.
    prompt: str
    turns: "_Stretches"
    speech: "_Stretches"


@dataclass(frozen=True, slots=True)
class _Passage:
    """One utterance, and what was measured on it."""

    said: Utterance
    #: The recognizer's segments that its words come from.
    origin: tuple[Segment, ...]
    scene: _Scene
    #: Whether it repeats what stands around it.
    in_loop: bool
    isolated: bool

    @property
    def signs(self) -> int:
        """Signs that nobody spoke; the diarizer and the detector of speech know best and count twice."""
        mean = sum(word.probability for word in self.said.words) / len(self.said.words)
        span = self.said.span
        return (
            2 * (self.scene.turns.share(span) < 0.5)
            + 2 * (self.scene.speech.share(span) < 0.5)
            + any(segment.no_speech_probability > MAX_NO_SPEECH for segment in self.origin)
            + (mean < 0.5)
            + self.isolated
        )


class _Stretches:
    """Spans in time order, disjoint, where those near a time are found without a look at the others."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self._spans = spans
        self._ends = [span.end for span in spans]

    def gap(self, span: Span) -> Seconds:
        """Distance to the nearest; infinite where there is none."""
        at = bisect_left(self._ends, span.start)
        return min((near.gap(span) for near in self._spans[max(0, at - 1) : at + 1]), default=float("inf"))

    def share(self, span: Span) -> float:
        """How much of `span` they cover, 0.0 to 1.0; of a point, whether they hold it."""
        if span.duration == 0:
            return float(self.gap(span) == 0)
        covered = 0.0
        for near in self._spans[bisect_left(self._ends, span.start) :]:
            if near.start >= span.end:
                break
            covered += near.overlap(span)
        return covered / span.duration


def marked(
    utterances: Sequence[Utterance], recognition: Recognition, turns: Sequence[Turn], rules: Rules,
    *, hotwords: Sequence[str] = (),
) -> tuple[Utterance, ...]:  # fmt: skip
    """The same utterances, each with the reason why it shouldn't be trusted, if there is one.

    `utterances` hold the recognition's words in the same order; `turns` are exclusive and in time order.
    """
    scene = _Scene(
        rules, plain(" ".join(hotwords)), _Stretches([turn.span for turn in turns]), _Stretches(recognition.speech)
    )
    segments = [segment for segment in recognition.segments for _ in segment.words]
    looped = _whole(_looped([word.text for utterance in utterances for word in utterance.words]), segments)
    found, at = [], 0
    for place, utterance in enumerate(utterances):
        until = at + len(utterance.words)
        passage = _Passage(
            said=utterance,
            origin=tuple({id(segment): segment for segment in segments[at:until]}.values()),
            scene=scene,
            in_loop=2 * sum(looped[at:until]) > until - at,
            isolated=_is_isolated(utterances, place),
        )
        found.append(replace(utterance, doubt=next(iter(reasons(passage)), None)))
        at = until
    return tuple(found)


def reasons(passage: _Passage) -> tuple[Doubt, ...]:
    """Every reason to doubt a passage, the most telling first."""
    return tuple(doubt for doubt, holds in _RULES if holds(passage))


def _is_isolated(utterances: Sequence[Utterance], place: int) -> bool:
    around = [utterances[at] for at in (place - 1, place + 1) if 0 <= at < len(utterances)]
    return all(other.span.gap(utterances[place].span) >= ISOLATED_S for other in around)


def _looped(words: Sequence[str]) -> list[bool]:
    """Which words belong to a run of parts said over and over; a loop may also lie within one word ("Face-Face-Face").

    A part belongs to a run when it equals those one period before or after, for any period.
    """
    parts = [(part, place) for place, word in enumerate(words) for part in re.findall(r"\w+", word.casefold())]
    looped = [False] * len(words)
    for period in range(1, min(_LONGEST_PERIOD, len(parts) // 2) + 1):
        least = period * (_REPEATS.get(period, _LONG_REPEATS) - 1)
        run = 0
        for at in range(period, len(parts) + 1):
            if at < len(parts) and parts[at][0] == parts[at - period][0]:
                run += 1
                continue
            if run >= least:
                for _, place in parts[at - run - period : at]:
                    looped[place] = True
            run = 0
    return looped


def _whole(looped: Sequence[bool], segments: Sequence[Segment]) -> list[bool]:
    """The same, and all of a segment that mostly goes round in circles: its rest was invented in the same go.

    `segments` holds the segment of each word.
    """
    count = Counter(id(segment) for segment, in_loop in zip(segments, looped, strict=True) if in_loop)
    return [
        in_loop or 2 * count[id(segment)] > len(segment.words)
        for segment, in_loop in zip(segments, looped, strict=True)
    ]


def _is_loop(passage: _Passage) -> bool:
    return passage.in_loop or any(segment.compression_ratio > MAX_COMPRESSION_RATIO for segment in passage.origin)


def _is_boilerplate(passage: _Passage) -> bool:
    text, known = plain(passage.said.text), passage.scene.rules
    if _alike(text, known.credits) or any(_is_credit(text, opening) for opening in known.openings):
        return True
    return _alike(text, known.farewells) and passage.signs >= _FAREWELL_SIGNS


def _is_credit(text: str, opening: str) -> bool:
    words, begun = text.split(), opening.split()
    return words[: len(begun)] == begun and len(words) <= len(begun) + _CREDITED_WORDS


def _alike(text: str, phrases: frozenset[str]) -> bool:
    return process.extractOne(text, phrases, scorer=fuzz.ratio, score_cutoff=_MIN_LIKENESS) is not None


def _is_echo(passage: _Passage) -> bool:
    """The hotwords come back as they were given; guests introduced by name are spoken for by the diarizer."""
    text, prompt = plain(passage.said.text), passage.scene.prompt
    if " " not in text or len(text) > len(prompt) * 1.2:
        return False
    return fuzz.partial_ratio(text, prompt, score_cutoff=_MIN_LIKENESS) > 0 and passage.signs >= _FAREWELL_SIGNS


def _is_without_speech(passage: _Passage) -> bool:
    span, scene = passage.said.span, passage.scene
    nobody = scene.turns.gap(span) > MAX_TURN_GAP_S
    return nobody or (scene.turns.share(span) < MIN_HEARD and scene.speech.share(span) < MIN_HEARD)


def _is_in_foreign_letters(passage: _Passage) -> bool:
    """Letters that aren't Latin; a single one is a sign, as in "β-Version"."""
    if passage.said.language not in passage.scene.rules.latin:
        return False
    return any(
        not a.isascii() and not b.isascii() and _is_foreign(a) and _is_foreign(b)
        for word in passage.said.words
        for a, b in pairwise(word.text)
    )


def _is_foreign(letter: str) -> bool:
    return letter.isalpha() and not unicodedata.name(letter, "").startswith(("LATIN", "MODIFIER", "FEMININE", "MASC"))


def _is_too_fast(passage: _Passage) -> bool:
    count = sum(syllables(word.text) for word in passage.said.words)
    return count >= MIN_RATED_SYLLABLES and count > MAX_SYLLABLES_PER_S * max(passage.said.span.duration, 0.001)


def syllables(word: str) -> int:
    """About how many syllables a German or English word has: its groups of vowels; two a figure, three a sign.

    Examples:
        >>> [syllables(word) for word in ("Zeitung", "Leserinnen", "beobachten", "2024", "ZDF")]
        [2, 4, 4, 8, 3]
    """
    if word.isupper() and 1 < len(word) < 6 and word.isalpha():
        return len(word)
    # Two vowels that aren't a diphthong are two syllables: "be-obachten", "the-ater".
    groups = re.findall(r"ei|ai|ie|au|äu|eu|ou|oo|ee|aa|ea|ay|ey|ui|[aeiouyäöü]", word.lower())
    spelled = 2 * sum(letter.isdecimal() for letter in word) + 3 * sum(letter in "§%€$" for letter in word)
    return max(1, len(groups) + spelled)


def _is_in_another_language(passage: _Passage) -> bool:
    words = plain(passage.said.text).split()
    counts = {
        code: sum(word in known for word in words) for code, known in (passage.scene.rules.function_words or {}).items()
    }
    own = counts.pop(passage.said.language, None)
    return own is not None and any(
        count >= _FOREIGN_WORDS and count >= _FOREIGN_FACTOR * own for count in counts.values()
    )


def _is_unsure(passage: _Passage) -> bool:
    words = passage.said.words
    mean = sum(word.probability for word in words) / len(words)
    return mean < MIN_PROBABILITY or any(segment.average_logprob < MIN_LOGPROB for segment in passage.origin)


_RULES: tuple[tuple[Doubt, Callable[[_Passage], bool]], ...] = (
    (Doubt.ECHO, _is_echo),
    (Doubt.BOILERPLATE, _is_boilerplate),
    (Doubt.LOOP, _is_loop),
    (Doubt.NO_SPEECH, _is_without_speech),
    (Doubt.SCRIPT, _is_in_foreign_letters),
    (Doubt.IMPOSSIBLE_RATE, _is_too_fast),
    (Doubt.LANGUAGE, _is_in_another_language),
    (Doubt.LOW_CONFIDENCE, _is_unsure),
)
