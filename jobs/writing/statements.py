"""The sentences of one talk that can stand in a text about many talks, and what they are about.

Transcript → sentences → those that tell something, stand alone and were heard well, measured.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jobs.chapters import moderator
from jobs.german import Spoken, bare, is_finished, spoken_sentences
from jobs.proof.content import stem
from jobs.recap import Quote
from jobs.transcript import Transcript
from jobs.writing.house_style import HouseStyle, allows_sentence
from jobs.writing.material import SELF_CONTAINED
from jobs.writing.phrases import ADDRESSES, FIRST_PERSON, SPEAKS_ABOUT, any_of
from jobs.writing.worth import Instruments, Kind, Reading, Worth, read, worth

#: Shorter ones say nothing, longer ones are no sentence.
WORDS = range(5, 41)
#: The best of a talk; what its other sentences say is said better by these.
MOST = 120
#: A word that the recognizer was less sure of may be another one.
HEARD = 0.4
#: Words before a name; what follows them is a person.
_TITLES = frozenset({"frau", "herr", "herrn", "mr", "mrs", "ms", "dr", "doktor", "professor", "professorin"})

#: Somebody tells what others say.
_NOT_OWN = any_of(
    r"(?:viele|manche|einige|alle|andere|leute|kritiker\w*|man|jemand|optimisten|pessimisten)(?: \w+){0,2} "
    r"(?:sag|behaupt|glaub|mein|denk|hör|fürcht|ruf|schreib)\w*",
    r"(?:sagen|behaupten|glauben|meinen|denken|fürchten) (?:viele|manche|einige|alle|andere|leute|kritiker\w*)",
    r"angeblich\w*|es heißt|heißt es|hieß es",
    r"(?:many|some|most|people|critics|they|others) (?:\w+ )?(?:say|claim|believe|think|fear)|allegedly",
)
#: The speaker takes it back with the next sentence.
_TAKEN_BACK = any_of(
    r"(?:aber |doch |und )?das (?:stimmt|ist|glaube|sehe|halte|war) (?:\w+ ){0,3}(?:nicht|falsch|unsinn|anders|quatsch|"
    r"irrtum|mythos|märchen|zu einfach)",
    r"nein|falsch|unsinn|quatsch|im gegenteil|von wegen|denkste|irrtum|leider nicht",
    r"(?:but )?(?:that|this|it) is(?:n't| not| wrong| nonsense| a myth)|no|wrong|nonsense|on the contrary|not so",
    first=True,
)


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence that can be quoted without what was said before it."""

    recording_id: str
    reading: Reading
    #: How good a quote it makes, above 0.0.
    strength: float
    #: The nouns it holds: stem → how they are said, as they stand alone.
    nouns: Mapping[str, str]
    #: Said by whoever leads through the talk.
    by_host: bool
    #: Whether its speaker stands for it: doesn't tell what others say, nor take it back with the next sentence.
    own: bool

    @property
    def text(self) -> str:
        """As it was said."""
        return self.reading.spoken.text

    @property
    def quote(self) -> Quote:
        """Its words with speaker and time."""
        spoken = self.reading.spoken
        return Quote(spoken.text, spoken.speaker, spoken.span, spoken.language, spoken.evidence)


@dataclass(frozen=True, slots=True)
class Speech:
    """One talk, measured."""

    recording_id: str
    #: In time order.
    statements: tuple[Statement, ...]
    #: Meaning of each statement, shape (n, dim), rows of length 1.
    vectors: NDArray[np.float32]
    #: How often each noun's stem is said in the whole talk.
    nouns: Mapping[str, int]
    #: All words of the talk, doubtful ones aside.
    words: int


def measured(
    transcript: Transcript, *, instruments: Instruments, people: Collection[str], style: HouseStyle | None = None
) -> Speech:
    """Look for the statements of a talk.

    Args:
        transcript: doubtful utterances are never used; without speech there are no statements.
        instruments: what sentences are measured with.
        people: full names of those who may be spoken of; they are no topics.
        style: what it forbids, and sentences that are too long for it, are no statements; None forbids nothing.
    """
    sentences = spoken_sentences(transcript)
    host = moderator(sentences)
    names = frozenset(stem(word) for name in people for word in name.split())
    spelt = frozenset(word.casefold() for name in people for word in name.split())
    readings = [read(one, tag=instruments.tag, frequency=instruments.frequency, spelt=spelt) for one in sentences]
    nouns = [nouns_of(reading, names) for reading in readings]
    found = []
    for place, reading in enumerate(readings):
        by_host = host is not None and reading.spoken.speaker == host
        own = _is_own(sentences, place)
        strength = _strength(reading, worth(reading)) * (0.25 if by_host else 1.0) * (1.0 if own else 0.3)
        if strength > 0 and (style is None or allows_sentence(reading.spoken.text, style)):
            found.append(Statement(transcript.recording_id, reading, strength, nouns[place], by_host, own))
    best = sorted(found, key=lambda one: -one.strength)[:MOST]
    kept = tuple(sorted(best, key=lambda one: one.reading.spoken.span.start))
    said = Counter(key for each in nouns for key in each)
    vectors = instruments.embed([one.text for one in kept]) if kept else np.zeros((0, 1), dtype=np.float32)
    return Speech(transcript.recording_id, kept, vectors, said, sum(len(one.words) for one in sentences))


def nouns_of(reading: Reading, names: Collection[str]) -> dict[str, str]:
    """The nouns of a sentence that may be a topic: no people, no slips, nothing that everybody says all the time."""
    found: dict[str, str] = {}
    for place, (kind, base, rarity) in enumerate(zip(reading.kinds, reading.bases, reading.rarity, strict=True)):
        word = reading.spoken.words[place]
        before = bare(reading.spoken.words[place - 1].text).lower() if place else ""
        # A noun written small in German is a slip of the recognizer.
        written = reading.spoken.language == "en" or base[:1].isupper()
        told = kind in (Kind.NOUN, Kind.NAME) and rarity > 0.1 and len(base) > 1 and written
        if told and word.probability >= HEARD and before not in _TITLES and stem(base) not in names:
            found.setdefault(stem(base), base)
    return found


def _strength(reading: Reading, judged: Worth) -> float:
    """How good a quote a sentence makes; 0.0 for none."""
    text = reading.text
    fits = len(reading.spoken.words) in WORDS and is_finished(text) and not text.endswith("?")
    clear = judged.independence >= SELF_CONTAINED and judged.confidence >= 0.5 and not reading.unheard
    if not fits or not clear:
        return 0.0
    score = judged.independence * judged.confidence * judged.matter * judged.general
    score *= (0.25 + judged.stance) * (0.25 + judged.information)
    # Said to somebody in the room.
    score *= 0.6 if ADDRESSES.search(text) else 1.0
    # "Ich spreche heute über …" is about the talk itself.
    return 0.0 if SPEAKS_ABOUT.search(text) and FIRST_PERSON.search(text) else score


def _is_own(sentences: Sequence[Spoken], place: int) -> bool:
    following = sentences[place + 1 : place + 2]
    goes_on = following and following[0].speaker == sentences[place].speaker
    taken_back = goes_on and _TAKEN_BACK.match(following[0].text)
    return not taken_back and not _NOT_OWN.search(sentences[place].text)
