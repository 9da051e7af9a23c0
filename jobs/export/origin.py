"""The marks by which programs tell that a machine made a file (EU AI Act, article 50), or who answers for it.

Its words are those of IPTC's vocabulary "Digital Source Type" (cv.iptc.org/newscodes/digitalsourcetype), which
schema.org, C2PA and photo agencies use as well.
"""

from collections.abc import Iterator, Mapping

from jobs.digest import Digest
from jobs.export.readable import clean
from jobs.recap import Approval, Basis, Recap, Sentence
from jobs.transcript import Transcript

_VOCABULARY = "http://cv.iptc.org/newscodes/digitalsourcetype/"
#: A model wrote it.
WRITTEN = f"{_VOCABULARY}trainedAlgorithmicMedia"
#: People said it; models heard, chose and put it together.
COMPOSED = f"{_VOCABULARY}compositeWithTrainedAlgorithmicMedia"


def digital_source_type(made: Transcript | Recap | Digest) -> str:
    """The address of the word that fits: `WRITTEN` for what holds a sentence that a language model wrote."""
    written = any(sentence is not None and sentence.basis is Basis.WRITTEN for sentence in _sentences(made))
    return WRITTEN if written else COMPOSED


def _sentences(made: Transcript | Recap | Digest) -> Iterator[Sentence | None]:
    if isinstance(made, Digest):
        yield from (talk.headline for talk in made.talks)
    elif isinstance(made, Recap):
        yield from (made.headline, *made.lead, *(one for chapter in made.chapters for one in chapter.sentences))


def marks(approval: Approval | None) -> Mapping[str, str | bool]:
    """What files tell programs of themselves, beside their `digital_source_type`, which stays true of approved ones.

    A draft says that a machine generated it. What a person has reviewed and answers for needs no such label (article
    50(4)): it names that person instead.
    """
    if approval is None:
        return {"machine_generated": True}
    return {
        "human_reviewed": True,
        "editorial_responsibility": clean(approval.by),
        "reviewed_at": approval.at.isoformat(timespec="seconds"),
    }
