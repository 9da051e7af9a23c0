"""Whether a sentence that a language model wrote may stand: the evidence's checks and the house style's, as reasons.

The reasons are German: the model reads them when it is asked to write the sentence again.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from jobs.export.labels import Labels, sentence
from jobs.proof.claims import check_sentence
from jobs.proof.record import Record
from jobs.writing.attribution import is_attributed
from jobs.writing.house_style import HouseStyle, breaches

#: Whoever cites more for one sentence hasn't looked: with enough of it, any number stands in the evidence.
MAX_EVIDENCE = 5


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence or a title that somebody wrote, and what it rests on."""

    text: str
    evidence: tuple[str, ...]
    is_title: bool = False


@dataclass(frozen=True, slots=True)
class Scrutiny:
    """Everything that a written sentence is held against."""

    record: Record
    style: HouseStyle
    labels: Labels

    def objections(self, statement: Statement, shown: Collection[str]) -> tuple[str, ...]:
        """Why the statement can't stand, in German; none: it may.

        Args:
            statement: text and evidence as the model gave them.
            shown: ids of the utterances that the model was shown; it can't know of others.
        """
        if not statement.text:
            return (self._reason("style", "empty", {}),)
        if not statement.evidence or not set(statement.evidence) <= set(shown):
            return (self._reason("check", "unknown-evidence", {}),)
        return (*self._structure(statement), *self._wording(statement), *self._proof(statement))

    def _structure(self, statement: Statement) -> tuple[str, ...]:
        """One statement of one person, closely cited, and told as such; a title may cover more."""
        voices = {u.speaker for u in self.record.sound(statement.evidence) if not u.text.endswith("?")}
        others = [person.name for person in self.record.people if not voices & set(person.voices)]
        wrong = {
            "too-much-evidence": len(statement.evidence) > MAX_EVIDENCE and not statement.is_title,
            "two-voices": len(voices) > 1 and not statement.is_title,
            "unattributed": not is_attributed(statement.text, others=others, is_title=statement.is_title),
        }
        return tuple(self._reason("style", code, {"found": str(MAX_EVIDENCE)}) for code in wrong if wrong[code])

    def _wording(self, statement: Statement) -> tuple[str, ...]:
        found = breaches(statement.text, self.style, title=statement.is_title)
        return tuple(self._reason("style", key, {"found": what}) for key, what in found)

    def _proof(self, statement: Statement) -> tuple[str, ...]:
        """What speaks against it; of our own words not even a warning is left to the editor."""
        checks = check_sentence(statement.text, statement.evidence, self.record)
        return tuple(self._reason("check", check.flaw.value, check.fields) for check in checks)

    def _reason(self, group: str, code: str, fields: Mapping[str, str | int]) -> str:
        return sentence(self.labels, group, code, fields)


def unique(ids: Sequence[str]) -> tuple[str, ...]:
    """The same ids, each once."""
    return tuple(dict.fromkeys(ids))
