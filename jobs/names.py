"""Who a voice may be, told from what was said and whom it sounds like. Only a suggestion: an editor confirms it.

Transcript + programme → claims (somebody introduces themselves, is addressed, sounds like a profile) → suggestions.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

from jobs.german import Spoken, is_finished, spoken_sentences
from jobs.programme import Guest, Talk
from jobs.timeline import Seconds
from jobs.transcript import Likeness, Transcript
from jobs.writing.phrases import ADDRESSES, PRESENTS


class Reason(StrEnum):
    """What speaks for a name."""

    #: "Ich bin Jonas Brandt."
    INTRODUCES_SELF = "introduces-self"
    #: It sounds like the voice of a person who has agreed to be recognised.
    RESEMBLES = "resembles"
    #: "Frau Hartmann, wer hört Ihnen zu?", and the next voice answers; or the one before is thanked by name.
    ADDRESSED = "addressed"
    #: "Herzlich willkommen, Anna Lindner", and the next voice is hers.
    WELCOMED = "welcomed"
    #: "Ich begrüße Sie im Namen …", "I'm your host": the programme announces one who hosts.
    HOSTS = "hosts"
    #: One voice, and the programme announces one guest.
    ANNOUNCED_ALONE = "announced-alone"
    #: As many voices as the programme announces guests, and all others have their names.
    LEFT_OVER = "left-over"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A name that a voice probably has."""

    #: Diarization label.
    speaker: str
    #: As the programme spells it if it can be meant, else as it was said: "Frau Hartmann".
    name: str
    reason: Reason
    #: Ids of the utterances in which the name was said, at least one; the voice's own first one if it never was.
    evidence: tuple[str, ...]
    #: When it was said first; where the voice is first heard if it never was.
    time: Seconds
    #: The name as it was said there.
    heard: str
    #: The voice profile that speaks for it, whatever the first reason is.
    likeness: Likeness | None = None


@dataclass(frozen=True, slots=True)
class Conflict:
    """A name that may be that of several voices."""

    name: str
    #: Diarization labels in order of first appearance, at least two.
    speakers: tuple[str, ...]
    #: Ids of the utterances in which the name was said.
    evidence: tuple[str, ...]


#: Longer silences end an exchange: whoever speaks then doesn't answer.
MAX_ANSWER_S: Seconds = 8.0
#: Sentences at the end of a turn that may address whoever comes next.
_LAST_SENTENCES = 3
#: Likeness of two words (Ratcliff and Obershelp's, from difflib) from which they may be one name heard twice:
#: "Hartman" and "Hartmann" 0.93, "Lindner" and "Linda" 0.67.
_SAME_WORD = 0.8
#: Who says who they are is believed more than a host who hands over, since somebody else may answer; a voice profile
#: stands in between.
_WEIGHT = {Reason.INTRODUCES_SELF: 3, Reason.RESEMBLES: 2, Reason.ADDRESSED: 1, Reason.WELCOMED: 1, Reason.HOSTS: 1}

_CAPITAL = r"[A-ZÄÖÜ][\w’'-]+"
_FULL = rf"{_CAPITAL}(?: (?:von|van|de|zu) )? {_CAPITAL}"
_SEVERAL = re.compile(rf"{_CAPITAL}(?:(?: (?:von|van|de|zu))? {_CAPITAL}){{1,3}}")
_TITLED = rf"(?:Frau|Herr|Mrs?\.?|Ms\.?|Miss)(?: (?:Dr\.|Doktor|Prof\.|Professor(?:in)?))* {_CAPITAL}"
#: Up to four words: a trade or a second first name may stand before ("Ich bin Chefredakteurin Anna Berger").
_SELF = re.compile(
    r"\b(?:ich bin(?: (?:die|der))?|ich hei(?:ß|ss)e|mein name ist|hier spricht|i['’]m|i am|my name(?: is|['’]s))"
    rf" (?:(?:doktor|professor(?:in)?|dr\.|prof\.) )*(?-i:({_CAPITAL}(?:(?: (?:von|van|de|zu))? {_CAPITAL}){{0,3}}))",
    re.IGNORECASE,
)
#: After these, one word is a name as well; after "ich bin" it may be a trade.
_SELF_NAMED = re.compile(r"(?:hei(?:ß|ss)e|name ist|name is|name['’]s) \S+$", re.IGNORECASE)
#: "Anna Lindner mein Name." "Jonas Brandt ist mein Name."
_NAMED_LAST = re.compile(rf"(?:^|[,.] )({_FULL})(?: ist|,)? mein Name\b")
#: What a host says to the person who is to speak next.
_WELCOMES = re.compile(
    r"\b(?:willkommen|begrüßen? (?:sie|wir)|ich begrüße|einen (?:großen |herzlichen )?applaus für|bühne frei für"
    r"|(?:please|let'?s) welcome|a warm welcome|give it up for|schön, dass (?:du|sie))\b",
    re.IGNORECASE,
)
#: Only who hosts says this.
_HOSTING = re.compile(
    r"\b(?:ich (?:begrüße (?:sie|euch)|moderiere|führe (?:sie|euch)?\s*durch|heiße (?:sie|euch) .*willkommen)"
    r"|durch (?:den abend|das programm|die sendung) führ\w+ ich|mein (?:erster|nächster) gast"
    r"|i['’]?(?:m| am) your (?:host|moderator)|(?:my|our) (?:first|next) guest)\b",
    re.IGNORECASE,
)
_HOST_ROLE = re.compile(r"\b(?:moderat|host\b|gastgeber|präsentiert|presenter)", re.IGNORECASE)
_CALLED = rf"(?:{_TITLED}|{_FULL}|{_CAPITAL})"
#: A name that stands apart: "Frau Ott, wer …?", "…, Frau Ott?", "…, Frau Ott, darf …?", "Frau Ott?".
_VOCATIVE = re.compile(rf"(?:^(?:(?i:und|and|aber|also|ja|gut|so),? )?|[,.] )({_CALLED})(?=[,?!.]|$)")
#: One first name is one only if "du" follows at once; else it is "Okay, …" or "Leute, …".
_FIRST_NAME = re.compile(
    rf"^({_CAPITAL}), (?:(?:(?:hast|bist|warst|kannst|magst|willst|was \w+|wie \w+) )?du|(?:(?:did|do|are|can) )?you)\b"
)
_INTERJECTIONS = frozenset(
    word
    for words in (
        "ach aha alles also alter also boah cool danke doch echt ehrlich ey genau gut hallo hey hi ja jetzt klar krass",
        "leute mama mann mensch moment na naja natürlich nee nein nun ok okay papa richtig sag schatz schau schön so",
        "sicher sorry stimmt super tja toll und vielleicht wahnsinn warte weißt wirklich wow hello man no oh right",
        "sure well yeah yes",
    )
    for word in words.split()
)
_THANKS = re.compile(
    r"^(?:(?:Vielen|Herzlichen|Besten) Dank|Danke(?: schön| Ihnen| dir)?|Thank you(?: very much)?|Thanks),? "
    rf"({_CALLED})[.,!]"
)
_FORMS = frozenset({"frau", "herr", "herrn", "mr", "mrs", "ms", "miss"})
_DEGREES = frozenset({"dr", "doktor", "prof", "professor", "professorin", "von", "van", "de", "zu", "der", "die"})


@dataclass(frozen=True, slots=True)
class _Claim:
    """One moment in which a voice seems to be somebody."""

    speaker: str
    heard: str
    reason: Reason
    evidence: tuple[str, ...]
    time: Seconds


def suggestions(transcript: Transcript, talk: Talk) -> tuple[Suggestion, ...]:
    """Suggest names for voices that have none yet, in order of first appearance.

    With a programme only announced guests are suggested, near misses of the recognizer allowed, and people whom a voice
    sounds like; without one, names as they were said, in full where a host or the voice itself says them in full. What
    is claimed of two voices, or two names of one voice, must be claimed more often than all that contradicts it.
    """
    named = _named(transcript, talk)
    votes = _votes(named)
    found = {
        speaker: _suggestion(speaker, name, named, transcript)
        for (speaker, name), votes_for in votes.items()
        if votes_for > _against(speaker, name, votes) and name not in transcript.names.values()
    }
    last = _left_over(transcript, talk.guests, found)
    if last is not None:
        found[last.speaker] = last
    return tuple(found[label] for label in transcript.speakers if label in found and label not in transcript.names)


def conflicts(transcript: Transcript, talk: Talk) -> tuple[Conflict, ...]:
    """Names that speak for several voices without a name, for none more than for all others; in order of the names."""
    settled = {one.name for one in suggestions(transcript, talk)} | set(transcript.names.values())
    named = [(c, n) for c, n in _named(transcript, talk) if n not in settled and c.speaker not in transcript.names]
    found = []
    for name in dict.fromkeys(name for _, name in named):
        claims = [claim for claim, meant in named if meant == name]
        voices = {claim.speaker for claim in claims}
        if len(voices) > 1:
            evidence = tuple(dict.fromkeys(one for claim in claims for one in claim.evidence))
            found.append(Conflict(name, tuple(v for v in transcript.speakers if v in voices), evidence))
    return tuple(found)


def _named(transcript: Transcript, talk: Talk) -> list[tuple[_Claim, str]]:
    """Every moment in which a voice seems to be somebody, and whom the programme can mean by it."""
    turns = _turns(transcript)
    announced = tuple(guest.name for guest in talk.guests) or _presented(turns)
    claims = (*_claims(turns, announced), *_hosting(turns, talk.guests))
    known = announced if talk.guests else (*announced, *_introduced(claims))
    alike = tuple((claim, _as_announced(claim.heard, known)) for claim in _resembling(transcript))
    # A profile is somebody known, as the programme is: what was said may mean either.
    known = (*known, *(name for _, name in alike))
    return [
        *((claim, name) for claim in claims if (name := _resolved(claim, known, strict=bool(talk.guests)))),
        *alike,
    ]


def _as_announced(name: str, known: Sequence[str]) -> str:
    """How the programme writes the very same name: with a title, perhaps."""
    return next((one for one in known if _parts(one) == _parts(name)), name)


def _resembling(transcript: Transcript) -> Iterator[_Claim]:
    """Voices that sound like a profile, from where they are first heard."""
    for likeness in transcript.likenesses:
        first = next((u for u in transcript.utterances if u.speaker == likeness.speaker and u.doubt is None), None)
        if first is not None:
            yield _Claim(likeness.speaker, likeness.name, Reason.RESEMBLES, (first.id,), first.span.start)


def _votes(named: Sequence[tuple[_Claim, str]]) -> Counter[tuple[str, str]]:
    votes: Counter[tuple[str, str]] = Counter()
    for claim, name in named:
        votes[claim.speaker, name] += _WEIGHT[claim.reason]
    return votes


def _against(speaker: str, name: str, votes: Counter[tuple[str, str]]) -> int:
    return sum(count for (voice, other), count in votes.items() if (voice == speaker) != (other == name))


def _suggestion(speaker: str, name: str, named: Sequence[tuple[_Claim, str]], transcript: Transcript) -> Suggestion:
    own = [claim for claim, meant in named if (claim.speaker, meant) == (speaker, name)]
    first = min(own, key=lambda claim: (-_WEIGHT[claim.reason], claim.time))
    evidence = tuple(dict.fromkeys(one for claim in own if claim.reason is first.reason for one in claim.evidence))
    heard_as = {claim.heard for claim in own if claim.reason is Reason.RESEMBLES}
    alike = (one for one in transcript.likenesses if one.speaker == speaker and one.name in heard_as)
    return Suggestion(speaker, name, first.reason, evidence, first.time, first.heard, next(alike, None))


def _left_over(transcript: Transcript, guests: Sequence[Guest], found: Mapping[str, Suggestion]) -> Suggestion | None:
    """The last announced guest for the last voice, where there are as many of either.

    Who hosts must be among the guests: else one voice is a host's whom the programme doesn't name.
    """
    taken = {*transcript.names.values(), *(one.name for one in found.values())}
    names = [guest.name for guest in guests if guest.name not in taken]
    voices = [voice for voice in transcript.speakers if voice not in found and voice not in transcript.names]
    sound = [u for u in transcript.utterances if u.doubt is None and [u.speaker] == voices]
    complete = len(guests) == 1 or any(_HOST_ROLE.search(guest.role or "") for guest in guests)
    if len(guests) != len(transcript.speakers) or len(names) != 1 or not sound or not complete:
        return None
    reason = Reason.ANNOUNCED_ALONE if len(guests) == 1 else Reason.LEFT_OVER
    return Suggestion(voices[0], names[0], reason, (sound[0].id,), sound[0].span.start, names[0])


def _turns(transcript: Transcript) -> list[list[Spoken]]:
    """Sentences in time order, those of one voice in a row together."""
    turns: list[list[Spoken]] = []
    for sentence in spoken_sentences(transcript):
        if not turns or turns[-1][-1].speaker != sentence.speaker:
            turns.append([])
        turns[-1].append(sentence)
    return turns


def _claims(turns: Sequence[list[Spoken]], known: Sequence[str]) -> Iterator[_Claim]:
    for index, turn in enumerate(turns):
        for sentence in turn:
            yield from _self_introduction(sentence)
        if index + 1 < len(turns):
            yield from _handover(turn, turns[index + 1], known)
            yield from _welcomed(turn, turns[index + 1], known)
        if index:
            yield from _thanks(turn, turns[index - 1], known)


def _self_introduction(sentence: Spoken) -> Iterator[_Claim]:
    for match in _SELF.finditer(sentence.text):
        if sentence.speaker is not None and (" " in match.group(1) or _SELF_NAMED.search(match.group())):
            yield _claim(sentence.speaker, match.group(1), Reason.INTRODUCES_SELF, sentence)
    for match in _NAMED_LAST.finditer(sentence.text):
        if sentence.speaker is not None:
            yield _claim(sentence.speaker, match.group(1), Reason.INTRODUCES_SELF, sentence)


def _welcomed(turn: Sequence[Spoken], answer: Sequence[Spoken], known: Sequence[str]) -> Iterator[_Claim]:
    """Who is welcomed by name at the end of a turn speaks next; of several who are welcomed, nobody knows which."""
    if not _answers(turn, answer):
        return
    for sentence in reversed(turn[-_LAST_SENTENCES:]):
        # Called by name as well, it counts as that.
        if _WELCOMES.search(sentence.text) and not _called(sentence.text, known):
            names = {name for match in _SEVERAL.finditer(sentence.text) if (name := _meant(match.group(), known))}
            if len(names) == 1 and answer[0].speaker is not None:
                yield _claim(answer[0].speaker, names.pop(), Reason.WELCOMED, sentence)
            return


def _meant(heard: str, known: Sequence[str]) -> str | None:
    """The end of what was heard that is somebody known: "Willkommen Anna Lindner" is Anna Lindner."""
    words = heard.split()
    ends = (" ".join(words[start:]) for start in range(len(words) - 1))
    return next((end for end in ends if any(_likeness(end, name) for name in known)), None)


def _hosting(turns: Sequence[list[Spoken]], guests: Sequence[Guest]) -> Iterator[_Claim]:
    """The voice that leads through the talk is whoever the programme announces for that, if it is one."""
    hosts = [guest.name for guest in guests if _HOST_ROLE.search(guest.role or "")]
    said = [sentence for turn in turns for sentence in turn if _HOSTING.search(sentence.text)]
    voices = {sentence.speaker for sentence in said}
    if len(hosts) == 1 and len(voices) == 1 and said[0].speaker is not None:
        yield _claim(said[0].speaker, hosts[0], Reason.HOSTS, said[0])


def _handover(turn: Sequence[Spoken], answer: Sequence[Spoken], known: Sequence[str]) -> Iterator[_Claim]:
    """The last name called in a turn is that of the voice that speaks next; more than one in a sentence is nobody's."""
    speaker = answer[0].speaker
    if speaker is None or not _answers(turn, answer):
        return
    for sentence in reversed(turn[-_LAST_SENTENCES:]):
        names = _called(sentence.text, known)
        if names:
            if len(names) == 1:
                yield _claim(speaker, names[0], Reason.ADDRESSED, sentence)
            return


def _answers(turn: Sequence[Spoken], answer: Sequence[Spoken]) -> bool:
    """Whether a voice takes over soon, and with more than the "mhm" that comes from anybody."""
    late = answer[0].span.start - turn[-1].span.end > MAX_ANSWER_S
    return not late and sum(len(sentence.words) for sentence in answer) >= 3


def _called(text: str, known: Sequence[str]) -> list[str]:
    """Names by which a sentence calls somebody: it must be whole, and speak to them."""
    if not is_finished(text) or _THANKS.match(text):
        return []
    first = _FIRST_NAME.match(text)
    if first is not None and first.group(1).lower() not in _INTERJECTIONS:
        return [first.group(1)]
    names = [match.group(1) for match in _VOCATIVE.finditer(text)]
    names = [name for name in names if _credible(name, known)]
    speaks_to = text.endswith("?") or ADDRESSES.search(text) is not None
    return names if speaks_to or text.rstrip(".!?") in names else []


def _credible(name: str, known: Sequence[str]) -> bool:
    """Whether a capitalised word or two are somebody: called Frau or Herr, or announced to be here."""
    return _titled(name) or any(_likeness(name, full) for full in known)


def _titled(name: str) -> bool:
    return name.partition(" ")[0].rstrip(".").lower() in _FORMS


def _thanks(turn: Sequence[Spoken], before: Sequence[Spoken], known: Sequence[str]) -> Iterator[_Claim]:
    """Who is thanked by name as soon as they stop has just spoken."""
    match, speaker = _THANKS.match(turn[0].text), before[0].speaker
    soon = turn[0].span.start - before[-1].span.end <= MAX_ANSWER_S
    if match is not None and speaker is not None and soon and _credible(match.group(1), known):
        yield _claim(speaker, match.group(1), Reason.ADDRESSED, turn[0])


def _claim(speaker: str, heard: str, reason: Reason, sentence: Spoken) -> _Claim:
    return _Claim(speaker, heard, reason, sentence.evidence, sentence.span.start)


def _presented(turns: Sequence[list[Spoken]]) -> tuple[str, ...]:
    """Full names of those whom a host says to be here."""
    spoken = [sentence.text for turn in turns for sentence in turn if PRESENTS.search(sentence.text)]
    return tuple(dict.fromkeys(_short(match.group()) for text in spoken for match in _SEVERAL.finditer(text)))


def _introduced(claims: Sequence[_Claim]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_short(c.heard) for c in claims if c.reason is Reason.INTRODUCES_SELF))


def _short(heard: str) -> str:
    """The last two words of a name that nobody announced; those before may be a trade. "Herrn Ott" is Herr Ott."""
    return re.sub(r"^Herrn\b", "Herr", heard) if _titled(heard) else " ".join(heard.split()[-2:])


def _resolved(claim: _Claim, known: Sequence[str], *, strict: bool) -> str | None:
    """The known name that a claim means; what was heard if none is and nothing better is known; None if two are."""
    likeness = {name: _likeness(claim.heard, name) for name in dict.fromkeys(known)}
    best = max(likeness.values(), default=0.0)
    meant = [name for name in likeness if likeness[name] == best > 0]
    if not meant:
        return None if strict else _short(claim.heard)
    return meant[0] if len(meant) == 1 else None


def _likeness(heard: str, name: str) -> float:
    """How well a name as heard fits a full name, 0.0 to 1.0; "Frau Ott" is compared with surnames only."""
    said, full = _parts(heard), _parts(name)
    if not said or not full:
        return 0.0
    if len(said) == 1:
        return _alike(said[0], full[-1 if _titled(heard) else 0])
    first, last = max(_alike(word, full[0]) for word in said[:-1]), _alike(said[-1], full[-1])
    return (first + last) / 2 if first and last else 0.0


def _parts(name: str) -> list[str]:
    words = [word.strip(".,").casefold() for word in name.split()]
    return [word for word in words if word not in _FORMS | _DEGREES]


def _alike(one: str, other: str) -> float:
    """Ratcliff and Obershelp's likeness if it is high enough to be the same word misheard, else 0.0.

    Words of three letters and less must be equal.
    """
    if one == other:
        return 1.0
    ratio = SequenceMatcher(None, one, other, autojunk=False).ratio() if min(len(one), len(other)) > 3 else 0.0
    return ratio if ratio >= _SAME_WORD else 0.0
