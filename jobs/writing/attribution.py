"""Whether a sentence says of a statement that somebody made it. What is said on a stage isn't a fact by that."""

import re
from collections.abc import Sequence

from jobs.german import bare
from jobs.writing.phrases import any_of

#: Indirect speech: forms that German has for nothing else, and those of the second subjunctive that stand in for them.
_SUBJUNCTIVE = any_of(
    "sei|seien|habe|hätten?|werde|würden?|könne|könnten?|müsse|müssten?|solle|sollten?|dürfe|dürften?|wolle|wollten?",
    "möge|möchten?|wäre|wären|gebe|gäben?|komme|kämen?|gehe|gingen?|lasse|ließen?|bleibe|blieben?|stehe|brauche|heiße",
    "wisse|wüssten?|nehme|sehe|mache|finde|liege|bringe|reiche|zahle|zahlten|leite|verdiene|koste|kosteten|fehle|helfe",
)
#: Somebody says something.
_TELLS = any_of(
    "(?:sag|erklär|beton|bericht|erzähl|schilder|mein|glaub|kritisier|warn|forder|frag|antwort|ergänz|bestätig|plädier)"
    "(?:t|te|et|ete)",
    "(?:erläuter|hoff|wünsch|rechn|schätz|lob|beklag|bedauer|begründ|behaupt|erinner|verlang|urteil|bezeichn)"
    "(?:t|te|et|ete)",
    "findet|fand|hält|hielt|nennt|nannte|sieht|sah|beschreibt|beschrieb|räumt|widerspricht|widersprach|verweist|spricht",
    "sprach|stellt|stellte|rät|riet|laut|zufolge|demnach|angaben|ansicht|meinung|worten|überzeugt",
    r"so (?-i:[A-ZÄÖÜ])\w+",
)
#: A title with one of these states something; one without names a topic.
_STATES = any_of(
    "ist|sind|war|waren|hat|haben|hatten?|kann|können|konnten?|muss|müssen|mussten?|wird|werden|wurden?|will|wollen|soll",
    "sollen|darf|dürfen|gibt|gab|geht|gehen|macht|machen|bleibt|bleiben|braucht|brauchen|kommt|kommen|fehlt|fehlen",
)


def is_attributed(text: str, *, others: Sequence[str], is_title: bool = False) -> bool:
    """Whether a German text is in indirect speech, says who says it, or tells of somebody else than the speaker.

    Args:
        text: a sentence, or a title; a title that only names a topic, or asks, needs no source.
        others: full names of those who are known and aren't the speakers of the evidence; a host who introduces a
            guest makes no statement.
        is_title: whether it is a title.
    """
    if _SUBJUNCTIVE.search(text) or _TELLS.search(text):
        return True
    if is_title and (text.endswith("?") or ": " in text or not _STATES.search(text)):
        return True
    words = {bare(word) for word in re.split(r"[\s,]+", text)}
    return any(name.split()[-1] in words for name in others if name)
