"""The mark by which programs tell that a machine made a file (EU AI Act, article 50(2)), until a person signs it.

Its words are those of IPTC's vocabulary "Digital Source Type" (cv.iptc.org/newscodes/digitalsourcetype), which
schema.org, C2PA and photo agencies use as well.
"""

from jobs.recap import Basis, Recap
from jobs.transcript import Transcript

_VOCABULARY = "http://cv.iptc.org/newscodes/digitalsourcetype/"
#: A model wrote it.
WRITTEN = f"{_VOCABULARY}trainedAlgorithmicMedia"
#: People said it; models heard, chose and put it together.
COMPOSED = f"{_VOCABULARY}compositeWithTrainedAlgorithmicMedia"


def digital_source_type(made: Transcript | Recap) -> str:
    """The address of the word that fits: `WRITTEN` for a recap in which a language model wrote a sentence."""
    if isinstance(made, Transcript):
        return COMPOSED
    headline = () if made.headline is None else (made.headline,)
    sentences = (*headline, *made.lead, *(sentence for chapter in made.chapters for sentence in chapter.sentences))
    return WRITTEN if any(sentence.basis is Basis.WRITTEN for sentence in sentences) else COMPOSED
