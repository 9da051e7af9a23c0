"""Many talks in one text: themes, agreement and dissent, the best quotes, a line for each talk. Chosen, never written.

Contributions + speeches (the same talks, measured) → Digest, as far as everything in it is borne out.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from jobs.digest import Comparison, Contribution, Digest, Entry, Frame, Missing, Passage, Said, Theme
from jobs.export.labels import Labels
from jobs.german import counted, enumeration
from jobs.proof.assembly import borne_out
from jobs.recap import Quote
from jobs.recording import Provenance
from jobs.writing.contrasts import Pair, pairs
from jobs.writing.framing import namings
from jobs.writing.questions import open_questions
from jobs.writing.statements import Speech
from jobs.writing.themes import Day, Topic, topics
from jobs.writing.worth import Frequency

#: Quotes of the largest day.
MOST_QUOTES = 8
#: Of one person.
QUOTES_OF_ONE = 2
#: A lead that names more people or themes is a list.
NAMES_IN_LEAD, THEMES_IN_LEAD = 12, 3
#: What a quote that a talk's own recap has chosen is worth beside one that hasn't been.
_CHOSEN_BEFORE = 1.3


@dataclass(frozen=True, slots=True)
class Event:
    """What there is to say besides the talks themselves."""

    #: What all keys begin with.
    prefix: str
    missing: tuple[Missing, ...] = ()
    #: Sensitive talks that were left out.
    withheld: int = 0


def write_digest(  # noqa: PLR0913  # material, and what it is worked with
    contributions: Sequence[Contribution], speeches: Sequence[Speech], event: Event, *, frequency: Frequency,
    labels: Labels, provenance: Provenance,
) -> Digest:  # fmt: skip
    """Draft a look back over many talks.

    Args:
        contributions: of talks in which something was said, at least one.
        speeches: the same talks in the same order, measured.
        event: where they come from, and what isn't among them.
        frequency: how often a word is said elsewhere.
        labels: German sentences, of which those under "digest." frame the draft.
        provenance: what the digest is stored with.
    """
    order = sorted(range(len(contributions)), key=lambda place: _when(contributions[place]))
    talks = [contributions[place] for place in order]
    day = Day([speeches[place] for place in order])
    called = {one.transcript.recording_id: _known(one, labels) for one in talks}
    voices = _voices(day, called)
    compared = pairs(day, voices=voices)
    beside = {index for one in compared for index in (one.one, one.other)}
    found = topics(day, frequency=frequency, shown_elsewhere=beside)
    themes = tuple(_theme(day, topic) for topic in found)
    used = beside.union(*(topic.shown for topic in found))
    drafted = Digest(
        prefix=event.prefix,
        headline=_headline(talks, themes, labels),
        lead=tuple(_lead(talks, called, labels)),
        themes=themes,
        comparisons=tuple(_comparison(day, pair, found) for pair in compared),
        quotes=_quotes(day, talks, voices, used),
        talks=tuple(map(_entry, talks)),
        missing=event.missing,
        withheld=event.withheld,
        provenance=provenance,
    )
    # What fails is gone: the frames speak of what is left.
    kept = borne_out(drafted, talks)
    proven = [topic for topic, theme in zip(found, themes, strict=True) if theme.title in _titles(kept.themes)]
    lead = kept.lead + _common(day, proven, labels)
    return replace(kept, headline=_headline(talks, kept.themes, labels), lead=lead)


def _titles(themes: Sequence[Theme]) -> tuple[Frame, ...]:
    return tuple(theme.title for theme in themes)


def _when(one: Contribution) -> tuple[bool, str, bool, str, str, str]:
    """Day, time and stage of the programme; a talk without comes after the others, by its key."""
    talk = one.talk
    day, begins = talk.day, talk.begins
    return day is None, str(day or ""), begins is None, str(begins or ""), talk.stage or "", one.key


def _known(one: Contribution, labels: Labels) -> Mapping[str, str]:
    """Speaker label → name, those that somebody must confirm marked as such."""
    found = namings(one.transcript, one.talk, labels)
    return {label: naming.name for label, naming in found.items() if naming.is_known}


def _voices(day: Day, called: Mapping[str, Mapping[str, str]]) -> tuple[str, ...]:
    """Who makes each statement; whoever has no name is somebody else in every talk."""
    spoken = ((one.recording_id, one.reading.spoken.speaker) for one in day.statements)
    return tuple(called[recording].get(speaker or "") or f"{recording} {speaker}" for recording, speaker in spoken)


def _said(day: Day, index: int) -> Said:
    statement = day.statements[index]
    return Said(statement.recording_id, statement.quote)


def _theme(day: Day, topic: Topic) -> Theme:
    return Theme(_named(day, topic.title, topic.named_in), tuple(_said(day, index) for index in topic.shown))


def _named(day: Day, title: str, index: int) -> Frame:
    statement = day.statements[index]
    passage = Passage(statement.recording_id, statement.reading.spoken.evidence)
    return Frame(title, (passage,), statement.reading.spoken.language)


def _comparison(day: Day, pair: Pair, found: Sequence[Topic]) -> Comparison:
    """Two statements under the theme that holds both, else under the most telling noun they share."""
    sides = (_said(day, pair.one), _said(day, pair.other))
    theme = next((topic for topic in found if {pair.one, pair.other} <= {*topic.members}), None)
    if theme is not None:
        return Comparison(_named(day, theme.title, theme.named_in), pair.stand, sides)
    one = day.statements[pair.one]
    rarity = dict(zip(one.reading.bases, one.reading.rarity, strict=True))
    nouns = {key: noun for key, noun in one.nouns.items() if key in pair.about} or dict(one.nouns)
    noun = max(sorted(nouns.values()), key=lambda word: rarity.get(word, 0.0), default=one.text)
    return Comparison(_named(day, noun[:1].upper() + noun[1:], pair.one), pair.stand, sides)


def _quotes(day: Day, talks: Sequence[Contribution], voices: Sequence[str], used: set[int]) -> tuple[Said, ...]:
    """The best quotes, one a talk before there is a second of any, in the order of the day."""
    ranked = sorted(_candidates(day, talks, voices, used), key=lambda one: (-one.score, one.said.recording_id))
    most = min(MOST_QUOTES, max(3, len(talks)))
    picked: list[_Candidate] = []
    for round_ in (1, 2):
        for one in ranked:
            of_talk = sum(other.said.recording_id == one.said.recording_id for other in picked)
            of_voice = sum(other.voice == one.voice for other in picked)
            room = len(picked) < most and of_talk < round_ and of_voice < QUOTES_OF_ONE
            if room and not any(_overlap(one.said, other.said) for other in picked):
                picked.append(one)
    places = {one.transcript.recording_id: place for place, one in enumerate(talks)}
    shown = sorted(picked, key=lambda one: (places[one.said.recording_id], one.said.quote.span.start))
    return tuple(one.said for one in shown)


@dataclass(frozen=True, slots=True)
class _Candidate:
    said: Said
    voice: str
    score: float


def _candidates(day: Day, talks: Sequence[Contribution], voices: Sequence[str], used: set[int]) -> Iterator[_Candidate]:
    """What each recap quotes, and every statement that stands nowhere else in the digest.

    Of a talk whose recap somebody has approved only its quotes are: they were chosen, and the others weren't.
    """
    taken = [_said(day, index) for index in used]
    settled = {one.transcript.recording_id for one in talks if one.recap is not None and one.recap.approval is not None}
    told = {one.transcript.recording_id: one.recap.quotes for one in talks if one.recap is not None}
    for index, statement in enumerate(day.statements):
        said, score = _said(day, index), statement.strength
        better = next((quote for quote in told.get(said.recording_id, ()) if _holds(quote, said.quote)), None)
        if better is not None:
            said, score = Said(said.recording_id, better), score * _CHOSEN_BEFORE
        elif said.recording_id in settled:
            continue
        if not any(_overlap(said, other) for other in taken):
            yield _Candidate(said, voices[index], score)


def _holds(quote: Quote, other: Quote) -> bool:
    return quote.speaker == other.speaker and other.text in quote.text and {*other.evidence} <= {*quote.evidence}


def _overlap(one: Said, other: Said) -> bool:
    spans = one.quote.span, other.quote.span
    return one.recording_id == other.recording_id and spans[0].overlap(spans[1]) > 0


def _entry(one: Contribution) -> Entry:
    names = (one.transcript.names.get(speaker) for speaker in one.transcript.speakers)
    questions = open_questions(one.transcript, one.talk) if one.recap is None else one.recap.open_questions
    return Entry(
        recording_id=one.transcript.recording_id,
        key=one.key,
        title=one.talk.title,
        day=one.talk.day,
        begins=one.talk.begins,
        stage=one.talk.stage,
        duration_s=one.transcript.duration_s,
        speakers=tuple(dict.fromkeys(filter(None, names))),
        headline=None if one.recap is None else one.recap.headline,
        open_questions=questions,
        source=one.source,
        sensitive=one.talk.sensitive,
    )


def _headline(talks: Sequence[Contribution], themes: Sequence[Theme], labels: Labels) -> Frame:
    count = counted(len(talks), labels["digest.one_talk"], labels["digest.talks"])
    titles = [theme.title for theme in themes if theme.title.language == "de"][:THEMES_IN_LEAD]
    if not titles:
        return Frame(labels["digest.headline_plain"].format(talks=count), _openings(talks))
    text = labels["digest.headline"].format(talks=count, themes=enumeration([one.text for one in titles]))
    return Frame(text, tuple(passage for one in titles for passage in one.evidence))


def _lead(talks: Sequence[Contribution], called: Mapping[str, Mapping[str, str]], labels: Labels) -> Iterator[Frame]:
    """When and where, and who; the programme's guests where nobody who is heard has a name."""
    count = counted(len(talks), labels["digest.one_talk"], labels["digest.talks"])
    days = sorted({one.talk.day for one in talks if one.talk.day is not None})
    stages = dict.fromkeys(one.talk.stage for one in talks if one.talk.stage is not None)
    when = labels["digest.on_day"].format(day=_dated(days[0])) if days else ""
    if len(days) > 1:
        when = labels["digest.on_days"].format(first=_dated(days[0]), last=_dated(days[-1]))
    on = "digest.on_stage" if len(stages) == 1 else "digest.on_stages"
    where = labels[on].format(stages=enumeration(list(stages))) if stages else ""
    yield Frame(labels["digest.held"].format(talks=count, when=when, where=where), _openings(talks))
    heard = dict(_first_heard(talks, called))
    announced = dict.fromkeys(guest.name for one in talks for guest in one.talk.guests)
    names = list(heard or announced)
    if names:
        shown = names[:NAMES_IN_LEAD]
        which = ("digest.voices" if heard else "digest.announced") + "_among_others" * (len(shown) < len(names))
        evidence = tuple(heard[name] for name in shown) if heard else _openings(talks)
        yield Frame(labels[which].format(names=enumeration(shown)), evidence)


def _common(day: Day, found: Sequence[Topic], labels: Labels) -> tuple[Frame, ...]:
    """What several talks speak of."""
    if not found:
        return ()
    told = enumeration([_told(day, topic, labels) for topic in found])
    evidence = tuple(_said(day, topic.named_in).passage for topic in found)
    return (Frame(labels["digest.themes"].format(themes=told), evidence),)


def _told(day: Day, topic: Topic, labels: Labels) -> str:
    talks = counted(len(day.talks_of(topic.members)), "", labels["digest.in_talks"])
    return labels["digest.theme"].format(title=topic.title, talks=talks)


def _first_heard(
    talks: Sequence[Contribution], called: Mapping[str, Mapping[str, str]]
) -> Iterator[tuple[str, Passage]]:
    """Everybody with a name, and where they first say something that nobody doubts."""
    seen: set[str] = set()
    for one in talks:
        names = called[one.transcript.recording_id]
        for utterance in one.transcript.utterances:
            name = names.get(utterance.speaker or "")
            if name and utterance.doubt is None and name not in seen:
                seen.add(name)
                yield name, Passage(one.transcript.recording_id, (utterance.id,))


def _openings(talks: Sequence[Contribution]) -> tuple[Passage, ...]:
    """The first words of every talk."""
    return tuple(
        Passage(one.transcript.recording_id, (next(u.id for u in one.transcript.utterances if u.doubt is None),))
        for one in talks
    )


def _dated(day: date) -> str:
    return f"{day.day}.{day.month}.{day.year}"
