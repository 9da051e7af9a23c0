"""Who speaks where and when, under which title: what a programme and the names of the voices tell, in our words."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from jobs.german import counted, enumeration, printed_date, quoted
from jobs.programme import Talk
from jobs.recap import Basis, Sentence
from jobs.timeline import Seconds
from jobs.transcript import Transcript
from jobs.writing.framing import Naming

_HOSTS = re.compile(r"\b(?:moderat|moderier|gastgeber|host|durch den abend)", re.IGNORECASE)
#: Rooms by their gender, which decides between "auf der", "in der" and "im".
_ON = re.compile(r"(?:^|.*)(?:bühne|stage)(?: [\w.-]+)?", re.IGNORECASE)
#: "Halle 3", "Saal B": they go without an article.
_NUMBERED = re.compile(r".*\w (?:\d{1,3}|[A-Z])")
#: "Große Bühne", "Kleiner Saal": behind the article they end in "-en".
_STRONG = re.compile(
    r"^((?:groß|klein|alt|neu|ober|unter|rot|blau|grün|gelb|schwarz|weiß|erst|zweit|dritt)e)[rs]? ", re.IGNORECASE
)
_IN_SHE = re.compile(r".*(?:halle|lounge|arena|aula|kirche|galerie|bibliothek|akademie)(?: [\w.-]+)?", re.IGNORECASE)
_IN_IT = re.compile(
    r".*(?:saal|raum|foyer|zelt|studio|theater|kino|haus|club|keller|forum|auditorium)(?: [\w.-]+)?", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class _Person:
    """Somebody who is to be named."""

    #: With a mark where nobody has confirmed it.
    name: str
    role: str | None
    hosts: bool
    evidence: tuple[str, ...]


def occasion(
    transcript: Transcript,
    talk: Talk,
    namings: Mapping[str, Naming],
    *,
    presented: Sequence[str],
    labels: Mapping[str, str],
) -> tuple[Sentence, ...]:
    """One or two sentences on who speaks where and when under which title, as far as it is known; perhaps none.

    Whoever is announced and neither has a voice nor is presented by name is told apart: announced isn't heard.

    Args:
        transcript: of the talk, with at least one sound utterance.
        talk: what the programme says.
        namings: what voices are called.
        presented: ids of the utterances in which somebody says who is here.
        labels: German sentences, those under "recap.".
    """
    first = _first(transcript)
    anyone = next(u.id for u in transcript.utterances if u.doubt is None)
    said = " ".join(u.text for u in transcript.utterances if u.id in presented)
    heard = list(_heard(talk, namings, first))
    named = {naming.plain for naming in namings.values()}
    left = [guest for guest in talk.guests if guest.name not in named]
    here = [guest for guest in left if re.search(rf"\b{re.escape(guest.name)}\b", said)]
    if len(here) > len(first) - len(heard):
        # There is no voice that could be theirs.
        here = []
    heard += [_Person(g.name, g.role, _hosts(g.role), tuple(presented)) for g in here]
    absent = tuple(_Person(g.name, g.role, _hosts(g.role), (anyone,)) for g in left if g not in here)
    writing = _Writing(talk, labels)
    if heard and (talk.guests or writing.circumstances):
        more = writing.also(absent) if absent else ()
        return (writing.who(heard), *more)
    if absent:
        return (writing.who(absent, announced=True),)
    return writing.title(anyone)


def length(transcript: Transcript, talk: Talk, namings: Mapping[str, Naming], labels: Mapping[str, str]) -> Sentence:
    """How long the recording is and how many voices there are; where no programme names anybody, whose."""
    first = _first(transcript)
    anyone = next(u.id for u in transcript.utterances if u.doubt is None)
    known = [naming.name for label, naming in namings.items() if naming.is_known and label in first]
    voices = counted(max(1, len(first)), "eine Stimme", "Stimmen")
    if known and not talk.guests:
        left = len(first) - len(known)
        others = [labels["recap.another" if left == 1 else "recap.others"]] if left else []
        voices = enumeration([*known, *others])
    text = labels["recap.length"].format(length=_length(transcript.duration_s), voices=voices)
    return Sentence(text, tuple(first.values()) or (anyone,), Basis.FRAME)


def _first(transcript: Transcript) -> Mapping[str, str]:
    """Voice → id of the first utterance of it that nobody doubts."""
    return {u.speaker: u.id for u in reversed(transcript.utterances) if u.speaker is not None and u.doubt is None}


def _heard(talk: Talk, namings: Mapping[str, Naming], first: Mapping[str, str]) -> Iterator[_Person]:
    """Those whose voice has a name, in the programme's order, then the others."""
    roles = {guest.name: guest.role for guest in talk.guests}
    order = {guest.name: place for place, guest in enumerate(talk.guests)}
    known = [
        (naming.plain, naming.name, first[label])
        for label, naming in namings.items()
        if naming.plain is not None and label in first
    ]
    for plain, name, evidence in sorted(known, key=lambda one: order.get(one[0], len(order))):
        # Whoever is announced is certain; which voice is theirs may not be.
        yield _Person(plain if plain in roles else name, roles.get(plain), _hosts(roles.get(plain)), (evidence,))


def _hosts(role: str | None) -> bool:
    return _HOSTS.search(role or "") is not None


@dataclass(frozen=True, slots=True)
class _Writing:
    talk: Talk
    labels: Mapping[str, str]

    @property
    def circumstances(self) -> bool:
        """Whether the programme tells a title, a day or a place."""
        return bool(self.talk.title or self.talk.day or self.talk.stage)

    def who(self, people: Sequence[_Person], *, announced: bool = False) -> Sentence:
        """Who speaks when and where under which title, and who hosts; at least one person."""
        guests = [person for person in people if not person.hosts] or list(people)
        hosts = [person for person in people if person not in guests]
        tense = "past" if self.talk.day is not None else "present"
        verb = self.labels[f"recap.speak_{tense}_{'one' if len(guests) == 1 else 'many'}"]
        names = enumeration([_introduced(person) for person in guests])
        start = [self.labels["recap.announced"], verb, names] if announced else [names, verb]
        title = [] if self.talk.title is None else [self.labels["recap.titled"].format(title=quoted(self.talk.title))]
        text = " ".join((*start, *self._circumstances(), *title))
        if hosts:
            text += self.labels["recap.hosted"].format(names=enumeration([person.name for person in hosts]))
        evidence = tuple(dict.fromkeys(one for person in (*guests, *hosts) for one in person.evidence))
        return Sentence(text + ".", evidence, Basis.FRAME)

    def also(self, people: Sequence[_Person]) -> tuple[Sentence]:
        """Who is announced besides those who are heard."""
        names = enumeration([_introduced(person) for person in people])
        return (Sentence(self.labels["recap.announced_too"].format(names=names), people[0].evidence, Basis.FRAME),)

    def title(self, anyone: str) -> tuple[Sentence, ...]:
        """What the programme tells where it names nobody."""
        circumstances = " ".join(self._circumstances())
        if self.talk.title is None:
            return ()
        text = self.labels["recap.only_title"].format(title=quoted(self.talk.title))
        text += f" ({circumstances})" if circumstances else ""
        return (Sentence(text + ".", (anyone,), Basis.FRAME),)

    def _circumstances(self) -> Iterator[str]:
        if self.talk.day is not None:
            yield self.labels["recap.day"].format(day=printed_date(self.talk.day))
        if self.talk.stage:
            yield self._place(self.talk.stage)

    def _place(self, stage: str) -> str:
        if _NUMBERED.fullmatch(stage):
            return self.labels["recap.stage_on_number" if _ON.fullmatch(stage) else "recap.stage_in_number"].format(
                stage=stage
            )
        stage = _STRONG.sub(r"\1n ", stage)
        kinds = ((_ON, "stage_on"), (_IN_SHE, "stage_in_she"), (_IN_IT, "stage_in_it"))
        kind = next((key for pattern, key in kinds if pattern.fullmatch(stage)), "stage_other")
        return self.labels[f"recap.{kind}"].format(stage=stage)


def _introduced(person: _Person) -> str:
    return f"{person.name} ({person.role})" if person.role else person.name


def _length(duration_s: Seconds) -> str:
    if duration_s < 90:
        return counted(round(duration_s), "eine Sekunde", "Sekunden")
    hours, minutes = divmod(round(duration_s / 60), 60)
    parts = [counted(hours, "eine Stunde", "Stunden")] * (hours > 0) + [counted(minutes, "eine Minute", "Minuten")] * (
        minutes > 0
    )
    return enumeration(parts)
