"""What checking a sentence against its evidence can come to: a flaw, how grave it is, and what to tell the editor."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Verdict(StrEnum):
    """How a sentence stands after checking."""

    #: Nothing speaks against it.
    PASS = "pass"  # noqa: S105  # no password
    #: It may stand, marked; an editor decides.
    WARNING = "warning"
    #: It must not stand as a fact.
    FAIL = "fail"


class Flaw(StrEnum):
    """What is wrong with a part of a recap; the reason stands in `config/labels.de.toml` under `check.<flaw>`."""

    #: It points at an utterance that isn't there, or at none.
    UNKNOWN_EVIDENCE = "unknown-evidence"
    #: Somebody wrote it without saying where it was said.
    WITHOUT_EVIDENCE = "without-evidence"
    #: It rests on an utterance that is marked as doubtful.
    DOUBTFUL_EVIDENCE = "doubtful-evidence"
    #: These words don't stand one after the other in its evidence, or not from one speaker.
    NOT_SAID = "not-said"
    #: Somebody else said it.
    WRONG_SPEAKER = "wrong-speaker"
    #: Nobody knows whether the one it is ascribed to said it. Fields: name.
    UNCLEAR_SPEAKER = "unclear-speaker"
    #: It was said at another time.
    WRONG_SPAN = "wrong-span"
    #: It holds a number, date or time that is neither in its evidence nor a fact of the recording. Fields: what.
    UNBACKED_NUMBER = "unbacked-number"
    #: The number is in its evidence, with another unit. Fields: what, said.
    WRONG_UNIT = "wrong-unit"
    #: It denies what was said, or says what was denied. Fields: said.
    NEGATION = "negation"
    #: It says the opposite of what was said, by a word such as "gestiegen" for "gesunken". Fields: what, said.
    OPPOSITE = "opposite"
    #: It names somebody or something that the evidence doesn't. Fields: name.
    UNBACKED_NAME = "unbacked-name"
    #: Hardly a word of it, or of one part of it, stands in its evidence. Fields: what.
    UNRELATED_EVIDENCE = "unrelated-evidence"


@dataclass(frozen=True, slots=True)
class Check:
    """One objection to a sentence."""

    flaw: Flaw
    #: WARNING or FAIL; what passes raises no objection.
    verdict: Verdict
    #: What the German reason names.
    fields: Mapping[str, str] = field(default_factory=dict)


def verdict_of(checks: Iterable[Check]) -> Verdict:
    """The gravest verdict; PASS where there is no objection."""
    return max((check.verdict for check in checks), key=_GRAVITY.__getitem__, default=Verdict.PASS)


_GRAVITY = {verdict: place for place, verdict in enumerate(Verdict)}
