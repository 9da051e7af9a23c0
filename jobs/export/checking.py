"""What checking a draft came to, part by part: the same for programs and for whoever reads it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from jobs.export.labels import Labels, sentence
from jobs.programme import Talk
from jobs.proof.checks import Check, Verdict, verdict_of
from jobs.proof.evidence import Part, verify
from jobs.recap import Recap
from jobs.transcript import Transcript


@dataclass(frozen=True, slots=True)
class Checked:
    """One part of a draft and how it stands."""

    #: Where it stands: "headline", "lead/0", "quotes/2", "chapters/1" (its title), "chapters/1/sentences/0".
    part: str
    verdict: Verdict
    #: What speaks against it and what to do about it, in German; none where it passes.
    reasons: tuple[str, ...] = ()


#: What speaks against each part, by its identity: parts that are alike may stand in two places.
Objections = Mapping[int, tuple[Check, ...]]


def objections(recap: Recap, transcript: Transcript, talk: Talk) -> Objections:
    """What speaks against each part of a draft; nothing where somebody has approved it.

    Whoever approved it has weighed all that, and it stands with the signature.
    """
    found: dict[int, tuple[Check, ...]] = {}
    for finding in verify(recap, transcript, talk) if recap.approval is None else ():
        found[id(finding.part)] = (*found.get(id(finding.part), ()), finding.check)
    return found


def reason(check: Check, labels: Labels) -> str:
    """What is wrong and what to do about it, in German."""
    return sentence(labels, "check", check.flaw.value, check.fields)


def checks(recap: Recap, transcript: Transcript, talk: Talk, labels: Labels) -> tuple[Checked, ...]:
    """Every part of a draft but its open questions, in the order they are read; none of an approved one."""
    if recap.approval is not None:
        return ()
    found = objections(recap, transcript, talk)
    return tuple(
        Checked(name, verdict_of(against), tuple(reason(check, labels) for check in against))
        for name, part in _parts(recap)
        for against in (found.get(id(part), ()),)
    )


def tally(recap: Recap, found: Objections, labels: Labels) -> str:
    """How many parts of a draft nothing speaks against, in a sentence; "" where there are none, or it is approved."""
    every = [part for _, part in _parts(recap)]
    if recap.approval is not None or not every:
        return ""
    return labels["export.checked"].format(passed=sum(id(part) not in found for part in every), count=len(every))


def _parts(recap: Recap) -> Iterator[tuple[str, Part]]:
    if recap.headline is not None:
        yield "headline", recap.headline
    yield from ((f"lead/{place}", one) for place, one in enumerate(recap.lead))
    yield from ((f"quotes/{place}", one) for place, one in enumerate(recap.quotes))
    for number, chapter in enumerate(recap.chapters):
        yield f"chapters/{number}", chapter
        yield from ((f"chapters/{number}/sentences/{place}", one) for place, one in enumerate(chapter.sentences))
