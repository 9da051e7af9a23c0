"""What stands at the top and the bottom of every file that a person opens."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from jobs.export.labels import Labels, sentence
from jobs.export.origin import digital_source_type, marks
from jobs.export.readable import clean
from jobs.export.voices import voices_of
from jobs.german import enumeration, time_code
from jobs.programme import Talk
from jobs.recap import Approval, Recap, Usage
from jobs.recording import Provenance
from jobs.transcript import Notice, Transcript


@dataclass(frozen=True, slots=True)
class Heading:
    """Cleaned (see `readable.clean`), not escaped; times as the reader sees them."""

    title: str
    #: That a machine made this and nobody checked it; of an approved recap, who answers for it.
    label: str
    #: Where it came from, for programs: see `digital_source_type`.
    origin: str
    #: Sentences about the whole recording.
    notices: tuple[str, ...]
    duration: str
    voices: tuple[str, ...]
    #: When and with what the file was made; of a recap also at what cost, and how its checks ended.
    made: str
    #: When the latest part was made; None where the provenance isn't known.
    made_at: datetime | None
    #: None of what nobody has signed.
    approval: Approval | None = None
    #: Which draft this is or came from, see `Recap.draft`; "" where it is none.
    draft: str = ""

    @property
    def marks(self) -> Mapping[str, str | bool]:
        """The label for programs, see `origin.marks`."""
        return marks(self.approval)


def transcript_heading(transcript: Transcript, talk: Talk, labels: Labels) -> Heading:
    """Head a transcript; one without utterances has a notice that says why."""
    return _heading(transcript, transcript, clean(talk.title or ""), transcript.provenance, labels)


def recap_heading(recap: Recap, transcript: Transcript, talk: Talk, labels: Labels, *, checked: str = "") -> Heading:
    """Head a recap: with the title that was approved, else the programme's, else the proposed one.

    Args:
        recap: draft or approved text.
        transcript: what it was made from.
        talk: who was announced.
        labels: German words.
        checked: a sentence on what checking it came to, for the foot of the file.
    """
    proposed = "" if recap.headline is None else recap.headline.text
    approved = "" if recap.approval is None else recap.approval.title or ""
    title = clean(approved) or clean(talk.title or "") or clean(proposed)
    heading = _heading(recap, transcript, title, (*transcript.provenance, recap.provenance), labels)
    foot = (heading.made, _asked(recap.usage, labels), checked)
    return replace(heading, made=" ".join(line for line in foot if line))


def _asked(usage: Usage | None, labels: Labels) -> str:
    """What a language model was asked for a draft; "" where none has answered."""
    if usage is None or not usage.requests:
        return ""
    counted = usage.tokens_in is not None and usage.tokens_out is not None
    tokens = labels[f"export.tokens{'' if counted else '_unknown'}"]
    cost = "" if usage.cost_cents is None else labels["export.cost"]
    return labels["export.asked"].format(
        requests=_grouped(usage.requests),
        tokens=tokens.format(read=_grouped(usage.tokens_in or 0), written=_grouped(usage.tokens_out or 0)),
        cost=cost.format(cost=f"{(usage.cost_cents or 0.0) / 100:.2f}".replace(".", ",")),
    )


def _heading(
    made: Transcript | Recap, transcript: Transcript, title: str, provenance: Sequence[Provenance], labels: Labels
) -> Heading:
    voices = voices_of(transcript, labels)
    approval = made.approval if isinstance(made, Recap) else None
    return Heading(
        title=title or labels["export.untitled"],
        label=label_of(approval, labels),
        origin=digital_source_type(made),
        notices=tuple(_notices(transcript, labels)),
        duration=time_code(transcript.duration_s),
        voices=tuple(map(voices.name, transcript.speakers)),
        made=made_with(provenance, labels),
        made_at=max((one.created_at for one in provenance), default=None),
        approval=approval,
        draft=made.draft if isinstance(made, Recap) else "",
    )


def label_of(approval: Approval | None, labels: Labels) -> str:
    """What stands above everything: that it is a draft, or who has approved it, and when."""
    if approval is None:
        return labels["draft.label"]
    return labels["approved.label"].format(by=clean(approval.by), date=_moment(approval.at))


def _notices(transcript: Transcript, labels: Labels) -> Iterator[str]:
    notices = transcript.notices
    if not transcript.utterances and all(notice.code != "no-speech" for notice in notices):
        notices = (*notices, Notice("no-speech"))
    for notice in notices:
        yield clean(sentence(labels, "notice", notice.code, notice.fields))


def made_with(provenance: Sequence[Provenance], labels: Labels) -> str:
    """When and with what something was made; "" where nobody knows."""
    if not provenance:
        return ""
    latest = max(provenance, key=lambda one: one.created_at)
    engines = dict.fromkeys(clean(f"{one.engine} {one.version}") for one in provenance)
    return labels["export.made"].format(
        date=_moment(latest.created_at),
        engines=enumeration(tuple(engines)),
        version=clean(latest.app_version),
    )


def _grouped(number: int) -> str:
    return f"{number:,}".replace(",", ".")


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%d.%m.%Y, %H:%M UTC")
