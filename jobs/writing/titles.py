"""Short titles for chapters, in words that were said there; nouns and their adjectives as they stand alone."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from jobs.german import bare
from jobs.writing.phrases import ADDRESSES, EMPTY, POINTS_BACK, SPEAKS_ABOUT, is_chatter, topic_opening
from jobs.writing.worth import Kind, Reading, dangling, part

MAX_TITLE_WORDS = 12
#: A topic is named when it is opened, or not at all.
OPENING_SENTENCES = 4
#: A host's question still names a chapter when it is asked among so many sentences.
QUESTION_SENTENCES = 8

_NOUNS = frozenset({Kind.NOUN, Kind.NAME})
_WITHIN = frozenset({Kind.NOUN, Kind.NAME, Kind.ADJECTIVE, Kind.DETERMINER, Kind.NUMBER})
#: What these lead to is looked at first.
_ABOUT = frozenset({"über", "about"})
_TOPIC_PREPOSITIONS = frozenset({"über", "zu", "zum", "zur", "um", "about", "on"})
#: These lead to a topic only behind "kommen wir" and its like: "Wir sprechen auf Englisch".
_AFTER_OPENING = frozenset({"auf", "to"})
#: The accusative after these looks like the nominative, but for masculine words with "-en".
_WITH_ACCUSATIVE = frozenset({"über", "um", "auf", "about", "on", "to"})
#: After a noun, these go on with it: "Werbung für Glücksspiel".
_ATTACHED = frozenset({"in", "im", "von", "of", "für", "for", "ohne"})

#: What follows is often no thing at all: "im Schnitt", "am Ende", "zum Beispiel".
_SET_PHRASE = frozenset({"beim", "im", "am", "zum", "zur", "vom"})
#: Before a noun these show the form that a title can stand in; after a preposition they don't.
_UPRIGHT = frozenset(
    {"die", "das", "der", "ein", "eine", "unser", "unsere", "mein", "meine", "the", "a", "an", "our", "my"}
)
_GENITIVE = re.compile(r"(?:des|der|(?:ein|kein|unser|mein|ihr|sein)e[sr])$", re.IGNORECASE)
#: Nouns that are always feminine: before them "der" isn't the nominative.
_FEMININE = re.compile(r"(?:in|ung|heit|keit|schaft|ion|tät|enz|anz)$")
#: Who is called Frau or Herr, and what these are called, is no topic.
_TITLE_OF_PERSON = frozenset({"frau", "herr", "herrn", "mr", "mrs", "ms", "dr", "doktor", "professor", "professorin"})
#: What stands before a question and isn't part of it: "Meine erste Frage lautet: ", "Ja, Frau Berger, ".
_PREFACE = re.compile(
    r"^(?:(?:meine|die|eine|my) (?:\w+ )?(?:frage|question)(?: \w+)?[,:] )?"
    r"(?:(?:und|aber|ja|gut|also|so|and|but)[, ]+)*(?:(?:frau|herrn?|ms\.?|mr\.?) \S+, |(?-i:[A-ZÄÖÜ])\w+, )?",
    re.IGNORECASE,
)
#: A title has nobody before it whom these could mean.
_WHOSE = re.compile(r"(?:sein|ihr)(?:e[rsmn]?)?$|his$|her$|their$", re.IGNORECASE)
_VAGUE = re.compile(r"\b(?:das|damit|dazu|daran|davon|dabei|es|dies\w*|ihn|ihm|ihnen|that|this|it)\b", re.IGNORECASE)

Counts = Mapping[str, int]
#: Whether the house style allows a title.
Allowed = Callable[[str], bool]


def _anything(_text: str) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class _Phrase:
    """A noun phrase that could be a title."""

    text: str
    score: float
    reading: Reading


def chapter_title(
    chapter: Sequence[Reading], *, counts: Counts, asks: str | None, people: AbstractSet[str] = frozenset(),
    allowed: Allowed = _anything,
) -> tuple[str, tuple[str, ...], str]:  # fmt: skip
    """Name a chapter: by its announced topic, by the question it answers, or by its most telling words.

    Args:
        chapter: its sentences in time order, at least one.
        counts: how often each noun is said in the whole recording, see `noun_counts`.
        asks: label of the voice whose questions open topics; None where a single voice asks itself.
        people: words of the names of those who speak; none of them is a topic.
        allowed: whether the house style allows a title. A chapter of which it allows nothing is named all the same.

    Returns:
        The title, the ids of the utterances its words stand in, and its language. Its words were said there,
        but for endings: "zur künstlichen Intelligenz" names "Künstliche Intelligenz".
    """
    # A host's next question names a chapter better than a noun does.
    asked = chapter[: OPENING_SENTENCES if asks is None else QUESTION_SENTENCES]
    for find, opening in (
        (announced_topic, chapter[:OPENING_SENTENCES]),
        (lambda reading: _question(reading, asks), asked),
    ):
        for reading in opening:
            title = find(reading)
            if title and allowed(_capital(title)):
                return _capital(title), reading.spoken.evidence, reading.spoken.language
    return _keywords(chapter, counts, people, allowed)


def noun_counts(readings: Sequence[Reading]) -> Counter[str]:
    """How often each noun and name is said, by its lower-case form that stands alone."""
    return Counter(
        base.lower()
        for reading in readings
        for base, kind in zip(reading.bases, reading.kinds, strict=True)
        if kind in _NOUNS
    )


def announced_topic(reading: Reading) -> str | None:
    """What a sentence announces, if it does.

    That is the phrase after "über", or after another such preposition, or in apposition to it ("zum letzten
    Thema, der künstlichen Intelligenz"), or the sentence's most telling noun.
    """
    opening = topic_opening(reading.text)
    if opening is None and (not SPEAKS_ABOUT.search(reading.text) or reading.text.endswith("?")):
        return None
    first = len(reading.text[: opening or 0].split())
    leading = _TOPIC_PREPOSITIONS if opening is None else _TOPIC_PREPOSITIONS | _AFTER_OPENING
    places = [
        i
        for i in range(first, len(reading.kinds))
        if reading.kinds[i] is Kind.PREPOSITION and _lower(reading, i) in leading
    ]
    for index in sorted(places, key=lambda i: _lower(reading, i) not in _ABOUT):
        topic = _topic_after(reading, index)
        if topic:
            return topic
    nouns = [i for i in range(first, len(reading.kinds)) if _telling(reading, range(i, i + 1))]
    if opening is None or reading.text.endswith("?") or not nouns:
        return None
    phrases = {i: _around(reading, i, numbers=True) for i in nouns}
    return phrases[max(nouns, key=lambda i: (" " in phrases[i], reading.rarity[i]))]


def plain_question(text: str) -> str:
    """A question without what stands before it: "Meine Frage lautet, warum ist das so?" → "Warum ist das so?"."""
    return _capital(_PREFACE.sub("", text.rsplit(": ", 1)[-1]))


def _topic_after(reading: Reading, index: int) -> str | None:
    """The telling phrase that a preposition at `index` leads to."""
    end = _phrase_end(reading, index + 1)
    if any(_WHOSE.match(bare(word.text)) for word in reading.spoken.words[index + 1 : end]):
        return None
    if _telling(reading, range(index + 1, end)):
        return _upright(reading, index, end) or _text(reading, range(index, end))
    comma = end > index + 1 and reading.spoken.words[end - 1].text.endswith((",", ":"))
    apposition = _phrase_end(reading, end)
    if comma and _telling(reading, range(end, apposition)):
        return _upright(reading, index, apposition, start=end) or _text(reading, range(end, apposition))
    return None


def _upright(reading: Reading, preposition: int, end: int, *, start: int | None = None) -> str | None:
    """A phrase as it stands alone, without the preposition: "(zur) künstlichen Intelligenz" → "künstliche Intelligenz".

    Args:
        reading: the sentence.
        preposition: place of the preposition that governs the phrase.
        end: first place after the phrase.
        start: where the phrase starts, if not after the preposition.

    Returns:
        None where gender or number leave more than one answer.
    """
    within = range(preposition + 1 if start is None else start, end)
    if _lower(reading, preposition) in _WITH_ACCUSATIVE:
        heads = [_lower(reading, i) for i in within if reading.kinds[i] in (Kind.DETERMINER, Kind.ADJECTIVE)][:1]
        certain = not heads or heads[0].endswith(("e", "das")) or reading.spoken.language == "en"
        return _text(reading, within) if certain else None
    return _from_dative(reading, within, article=_lower(reading, preposition), apposition=start is not None)


def _from_dative(reading: Reading, within: range, *, article: str, apposition: bool) -> str | None:
    """The nominative of a phrase after "zu", "zum", "zur"; in apposition it brings its own article."""
    owner = ""
    if reading.kinds[within.start] is Kind.DETERMINER:
        article, within = _lower(reading, within.start), within[1:]
        owner = next((stem for stem in ("unser", "mein") if article in (stem + "er", stem + "em")), "")
    elif apposition or article not in {"zum", "zur"}:
        return None
    feminine = article in {"zur", "der"} or article == owner + "er"
    if not (feminine or owner or article in {"zum", "dem"}):
        return None
    noun = next(i for i in within if reading.kinds[i] in _NOUNS)
    said = [bare(reading.spoken.words[i].text) for i in within]
    adjectives = noun - within.start
    if any(
        reading.kinds[i] is not Kind.ADJECTIVE or not _lower(reading, i).endswith("en") for i in within[:adjectives]
    ):
        return None
    # Masculine or neuter? "-er" or "-es"? And "zum Menschen" is no nominative.
    if not feminine and (adjectives or reading.bases[noun] != said[0] or _weak(said[0])):
        return None
    plain = [word.removesuffix("n") if place < adjectives else word for place, word in enumerate(said)]
    return " ".join(([owner + "e" * feminine] if owner else []) + plain)


def _weak(noun: str) -> bool:
    """Whether a masculine noun may have got this ending from its case: "zum Menschen", "zum Kollegen"."""
    return noun.endswith(("en", "n")) and not noun.endswith(("ein", "ion", "on", "an", "un", "in", "ben", "gen"))


def _phrase_end(reading: Reading, start: int) -> int:
    """Where a noun phrase that starts at `start` ends: with its noun, a genitive and one phrase of place or time."""
    end, noun, index = start, False, start
    words, kinds = reading.spoken.words, reading.kinds
    while index < len(words) and index - start < 8:
        kind = kinds[index]
        attached = noun and kind is Kind.PREPOSITION and _lower(reading, index) in _ATTACHED
        joins = noun and _lower(reading, index) in {"und", "and"} and kinds[index + 1 : index + 2] == (kinds[end - 1],)
        if (kind not in _WITHIN and not attached and not joins) or _lower(reading, index) in _TITLE_OF_PERSON:
            break
        if POINTS_BACK.match(words[index].text):
            break
        if noun and kind is Kind.DETERMINER and end == index and not _GENITIVE.match(bare(words[index].text)):
            break
        if kind in _NOUNS:
            noun, end = True, index + 1
        if words[index].text.endswith((",", ".", ";", ":", "?", "!")):
            break
        index += 1
    return end


def _telling(reading: Reading, within: range) -> bool:
    """Whether a phrase holds a noun about the matter rather than about the talk."""
    return any(
        reading.kinds[i] in _NOUNS
        and bare(reading.spoken.words[i].text).lower() not in EMPTY
        and reading.rarity[i] > 0.1
        and not _person(reading, i)
        # A noun written small in German is a slip of the recognizer.
        and (reading.spoken.language != "de" or reading.spoken.words[i].text[:1].isupper())
        for i in within
    )


def _person(reading: Reading, index: int) -> bool:
    """Whether a word names a person: "Frau Berger", or two names in a row."""
    before = _lower(reading, index - 1) if index else ""
    near = reading.kinds[max(0, index - 1) : index] + reading.kinds[index + 1 : index + 2]
    return before in _TITLE_OF_PERSON or (reading.kinds[index] is Kind.NAME and Kind.NAME in near)


def _doubtful(reading: Reading, index: int) -> bool:
    """Whether the recognizer may have misheard a word: it was unsure, or nobody ever wrote it."""
    word = reading.spoken.words[index]
    return word.probability < 0.4 or bare(word.text) in reading.unheard


def _question(reading: Reading, asks: str | None) -> str | None:
    """A question, without "Frau Berger, " in front of it, if it is short and says what it is about."""
    if not reading.text.endswith("?") or (asks is not None and reading.spoken.speaker != asks):
        return None
    text = plain_question(reading.text)
    words = text.split()
    asked = part(reading, range(len(reading.kinds) - len(words), len(reading.kinds)))
    about = _telling(asked, range(len(words))) or not ADDRESSES.search(text)
    fits = 3 <= len(words) <= MAX_TITLE_WORDS + 2
    return text if fits and about and not _VAGUE.search(text) and not dangling(asked) else None


def _keywords(
    chapter: Sequence[Reading], counts: Counts, people: AbstractSet[str], allowed: Allowed
) -> tuple[str, tuple[str, ...], str]:
    """The phrase that tells most and is said here rather than elsewhere.

    A single noun takes the next best one with it if one sentence holds both: two words of two sentences are a riddle.
    """
    languages = Counter(r.spoken.language for r in chapter for _ in r.kinds)
    chapter = [r for r in chapter if r.spoken.language == languages.most_common(1)[0][0]]
    found = (phrase for phrase in _phrases(chapter, counts, people) if allowed(_capital(phrase.text)))
    ranked = sorted(found, key=lambda phrase: -phrase.score)
    if not ranked:
        first = next((r for r in chapter if allowed(_text(r, range(min(6, len(r.kinds)))))), chapter[0])
        return _capital(_text(first, range(min(6, len(first.kinds))))), first.spoken.evidence, first.spoken.language
    best = ranked[0]
    text = best.text
    if " " not in text:
        near = [p for p in ranked if p.reading is best.reading and p.text != text and p.score >= 0.5 * best.score]
        joint = "and" if best.reading.spoken.language == "en" else "und"
        both = f"{text} {joint} {near[0].text}" if near and " " not in near[0].text else text
        text = both if allowed(_capital(both)) else text
    return _capital(text), best.reading.spoken.evidence, best.reading.spoken.language


def _phrases(chapter: Sequence[Reading], counts: Counts, people: AbstractSet[str]) -> Iterator[_Phrase]:
    """Every noun phrase of a chapter; the nouns that go on with its head count half."""
    here = noun_counts(chapter)
    for place, reading in enumerate(chapter):
        if is_chatter(reading.text):
            continue
        nouns = {
            index: _distinction(reading, index, here, counts)
            for index, word in enumerate(reading.spoken.words)
            if word.probability >= 0.4 and bare(word.text) not in people and _telling(reading, range(index, index + 1))
        }
        for index, score in nouns.items():
            text = _around(reading, index)
            inside = set(text.split()) - {bare(reading.spoken.words[index].text)}
            more = sum(nouns[i] for i in nouns if bare(reading.spoken.words[i].text) in inside)
            # Three words say more than one, if the noun deserves it.
            bonus = (1.15 if place < OPENING_SENTENCES else 1.0) * (1.2 if " " in text else 1.0)
            yield _Phrase(text, bonus * (score + 0.5 * more), reading)


def _distinction(reading: Reading, index: int, here: Counts, counts: Counts) -> float:
    """How rare a noun is, how often it is said here, and how seldom elsewhere."""
    key = reading.bases[index].lower()
    share = here[key] / max(counts.get(key, 1), 1)
    score = reading.rarity[index] * float(here[key] ** 0.7 * share**0.5)
    return score * (0.4 if index and _lower(reading, index - 1) in _SET_PHRASE else 1.0)


def _around(reading: Reading, index: int, *, numbers: bool = False) -> str:
    """The noun with its article, adjectives and what goes on with it, if they can stand alone; else the noun alone."""
    start, alone = index, reading.bases[index]
    while start and reading.kinds[start - 1] in (Kind.ADJECTIVE, Kind.NUMBER, Kind.NAME):
        start -= 1
    end = _phrase_end(reading, index)
    if any(_person(reading, i) or _doubtful(reading, i) for i in range(start, end)):
        return alone
    before = _lower(reading, start - 1) if start else ""
    preceding = reading.kinds[max(0, start - 2)] if start else Kind.OTHER
    oblique = (start > 1 and preceding in (Kind.PREPOSITION, *_NOUNS)) or (before == "der" and _FEMININE.search(alone))
    governed = bool(start) and reading.kinds[start - 1] is Kind.PREPOSITION
    if start < index and reading.kinds[start] is Kind.NUMBER:
        return _text(reading, range(start, end)) if numbers and not governed else alone
    if before in _UPRIGHT and not oblique and (start < index or end > index + 1):
        return _text(reading, range(start - 1, end))
    bare_noun = start == index and reading.kinds[start - 1 if start else 0] is not Kind.DETERMINER
    if bare_noun and end > index + 1 and alone == bare(reading.spoken.words[index].text):
        return _text(reading, range(index, end))
    return alone


def _lower(reading: Reading, index: int) -> str:
    return bare(reading.spoken.words[index].text).lower()


def _text(reading: Reading, within: range) -> str:
    return " ".join(word.text for word in reading.spoken.words[within.start : within.stop]).rstrip(" .,;:!")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
