"""What an editor must settle before a draft is published."""

from collections.abc import Mapping, Sequence

from jobs.german import enumeration, printed_date, time_code
from jobs.names import Conflict, Reason, Suggestion, conflicts, suggestions
from jobs.programme import Talk
from jobs.recap import Question
from jobs.transcript import Likeness, Transcript, Utterance

#: Nobody works through more; on big panels some are put together.
MAX_QUESTIONS = 6
#: From this share of doubtful words on, the editor is asked to listen.
MUCH_DOUBT = 0.05

_CODES = {
    Reason.INTRODUCES_SELF: "speaker-introduces-self",
    Reason.RESEMBLES: "speaker-resembles",
    Reason.ADDRESSED: "speaker-addressed",
    Reason.WELCOMED: "speaker-welcomed",
    Reason.HOSTS: "speaker-hosts",
    Reason.ANNOUNCED_ALONE: "speaker-announced-alone",
    Reason.LEFT_OVER: "speaker-left-over",
}
_Fields = Mapping[str, str | int | float]


def open_questions(transcript: Transcript, talk: Talk) -> tuple[Question, ...]:
    """Voices without a name or with the same, guests without one, too much that is in doubt; `MAX_QUESTIONS` at most.

    A voice that somebody named in the recording is asked about as "probably …"; its guest then counts as heard.
    """
    found = suggestions(transcript, talk)
    numbers = {label: number for number, label in enumerate(transcript.speakers, start=1)}
    torn = conflicts(transcript, talk)
    suggested = [*(_torn(numbers, one) for one in torn), *(_suggested(numbers[one.speaker], one) for one in found)]
    named = {one.speaker for one in found} | set(transcript.names) | {v for one in torn for v in one.speakers}
    first = {u.speaker: u for u in reversed(transcript.utterances)}
    unnamed = [(number, first[label]) for label, number in numbers.items() if label not in named]
    heard = {one.name for one in found} | {one.name for one in torn} | set(transcript.names.values())
    missing = [guest.name for guest in talk.guests if guest.name not in heard]
    doubt = _much_doubt(transcript)
    room = MAX_QUESTIONS - len(doubt)
    short = len(suggested) + len(unnamed) + len(missing) > room
    voices = _voices(unnamed, together=short)
    guests = _guests(missing, together=short)
    return (*_first(suggested, room - len(voices) - len(guests)), *voices, *guests, *doubt)


def _torn(numbers: Mapping[str, int], conflict: Conflict) -> Question:
    voices = enumeration([str(numbers[speaker]) for speaker in conflict.speakers])
    return Question("speakers-share-name", {"number": voices, "name": conflict.name}, conflict.evidence)


def _suggested(number: int, suggestion: Suggestion) -> Question:
    fields: _Fields = {
        "number": number,
        "name": suggestion.name,
        "heard": suggestion.heard,
        "time": time_code(suggestion.time),
        **_resemblance(suggestion.likeness),
    }
    return Question(_CODES[suggestion.reason], fields, suggestion.evidence)


def _resemblance(likeness: Likeness | None) -> _Fields:
    if likeness is None:
        return {}
    similarity = f"{likeness.similarity:.2f}".replace(".", ",")
    return {"similarity": similarity, "enrolled": printed_date(likeness.enrolled_at.date())}


def _first(suggested: Sequence[Question], room: int) -> tuple[Question, ...]:
    """As many as there is room for; those left over are asked about in one."""
    if len(suggested) <= room:
        return tuple(suggested)
    kept, rest = suggested[: room - 1], suggested[room - 1 :]
    names = enumeration([f"{question.fields['number']}: {question.fields['name']}" for question in rest])
    evidence = tuple(dict.fromkeys(one for question in rest for one in question.evidence))
    return (*kept, Question("speakers-suggested", {"names": names}, evidence))


def _voices(unnamed: Sequence[tuple[int, Utterance]], *, together: bool) -> list[Question]:
    if together and len(unnamed) > 1:
        numbers = enumeration([str(number) for number, _ in unnamed])
        fields: _Fields = {"numbers": numbers, "time": time_code(unnamed[0][1].span.start)}
        return [Question("unnamed-speakers", fields, tuple(first.id for _, first in unnamed))]
    return [
        Question("unnamed-speaker", {"number": number, "time": time_code(first.span.start)}, (first.id,))
        for number, first in unnamed
    ]


def _guests(missing: Sequence[str], *, together: bool) -> list[Question]:
    if together and len(missing) > 1:
        return [Question("guests-not-heard", {"guests": enumeration(missing)})]
    return [Question("guest-not-heard", {"guest": name}) for name in missing]


def _much_doubt(transcript: Transcript) -> list[Question]:
    words = sum(len(u.words) for u in transcript.utterances)
    doubtful = [u for u in transcript.utterances if u.doubt is not None]
    share = sum(len(u.words) for u in doubtful) / words if words else 0.0
    if share < MUCH_DOUBT:
        return []
    fields: _Fields = {
        "percent": round(100 * share),
        "count": len(doubtful),
        "time": time_code(doubtful[0].span.start),
    }
    return [Question("much-doubt", fields, tuple(u.id for u in doubtful[:20]))]
