"""Indirect speech by rule: a plain main clause with its verb in the subjunctive, where German leaves no doubt.

"Von Werbung kann man nicht leben." → "Von Werbung könne man nicht leben". Everything else is quoted instead.
"""

import re
from types import MappingProxyType

from jobs.german import bare
from jobs.writing.phrases import ADDRESSES, FIRST_PERSON, any_of
from jobs.writing.worth import Kind, Reading, dangling

#: Forms of the present that are nothing else, and their first subjunctive (Duden, Die Grammatik, "Konjunktiv I").
_SINGULAR = {
    "ist": "sei", "sind": "seien", "hat": "habe", "wird": "werde", "kann": "könne", "muss": "müsse", "soll": "solle",
    "darf": "dürfe", "will": "wolle", "gibt": "gebe", "geht": "gehe", "bleibt": "bleibe", "braucht": "brauche",
    "kommt": "komme", "fehlt": "fehle", "steht": "stehe", "liegt": "liege", "kostet": "koste", "reicht": "reiche",
    "gilt": "gelte", "entsteht": "entstehe", "hilft": "helfe", "lohnt": "lohne", "beginnt": "beginne",
    "sinkt": "sinke", "steigt": "steige", "zeigt": "zeige", "bringt": "bringe", "führt": "führe", "wächst": "wachse",
    "schreibt": "schreibe", "entscheidet": "entscheide", "zahlt": "zahle", "lebt": "lebe",
}  # fmt: skip
#: Forms that may also be infinitives; their first subjunctive looks the same, so the second stands in for it.
_PLURAL = {"haben": "hätten", "können": "könnten", "müssen": "müssten", "dürfen": "dürften", "werden": "würden"}
#: Verb of the present → what it is in indirect speech.
SUBJUNCTIVE = MappingProxyType(_SINGULAR | _PLURAL)
WORDS = range(5, 21)

#: What points at the time and the place of speaking would point elsewhere in a report; the rest is how one talks.
_POINTS = any_of(
    "heute|gestern|morgen|hier|jetzt|nun|gerade|da|dort|eben|vorhin|gleich|bald|damals|inzwischen|mittlerweile|neulich",
    "dies\\w*|letzte\\w*|vergangen\\w*|nächste\\w*|kommende\\w*|vor \\w+|seit|bisher|so|das|was|halt|ja|mal|irgendwie",
    "quasi|sozusagen|einfach|natürlich|also|doch|denn|aber|ihr\\w*|sein\\w*|er|sie|ihm|ihn|ihnen",
)
_WITHIN = re.compile(r"[,:;–„“\"»«?!()]")
_PARTICIPLE = re.compile(r"(?:ge\w+|(?:\w+ge|be|ver|er|ent|zer|emp|miss|über|unter)\w{2,}|\w+iert)(?<=[tn])$")


def reported(reading: Reading) -> str | None:
    """A statement in indirect speech, without its full stop; None where the rule isn't safe.

    Safe is one main clause in the third person, with one finite verb out of `SUBJUNCTIVE`, which points neither at the
    moment of speaking nor at another sentence.
    """
    words = [word.text for word in reading.spoken.words]
    text = reading.text.removesuffix(".")
    plain = reading.spoken.language == "de" and reading.text.endswith(".") and len(words) in WORDS
    if not plain or _WITHIN.search(text) or _POINTS.search(text):
        return None
    if FIRST_PERSON.search(text) or ADDRESSES.search(text) or dangling(reading):
        return None
    place = _finite(reading)
    if place is None or not _joins_nothing_but_nouns(reading):
        return None
    written = text.split()
    written[place] = SUBJUNCTIVE[written[place]]
    return " ".join(written)


def _finite(reading: Reading) -> int | None:
    """Place of the only finite verb; None where there is none, more than one, or one that isn't known."""
    tokens = [bare(word.text) for word in reading.spoken.words]
    known = [i for i, token in enumerate(tokens) if token in SUBJUNCTIVE]
    if len(known) > 1:
        # "Darüber wird man reden können": what may be an infinitive gives way.
        known = [i for i in known if tokens[i] in _SINGULAR]
    if len(known) != 1 or known[0] == 0 or (tokens[known[0]] in _PLURAL and not _stands_second(tokens, known[0])):
        return None
    verbs = (i for i, kind in enumerate(reading.kinds) if kind in (Kind.VERB, Kind.AUXILIARY) and i != known[0])
    return known[0] if all(_infinite(tokens[i]) for i in verbs) else None


def _stands_second(tokens: list[str], place: int) -> bool:
    return 0 < place < len(tokens) - 1 and tokens[place - 1] != "zu"


def _infinite(token: str) -> bool:
    """Whether a verb is an infinitive or a participle by its form."""
    return token.endswith(("en", "ern", "eln", "sein", "tun")) or _PARTICIPLE.search(token) is not None


def _joins_nothing_but_nouns(reading: Reading) -> bool:
    """Whether every "und" joins two words of one kind: two clauses would have two verbs."""
    tokens = [bare(word.text) for word in reading.spoken.words]
    joints = [i for i, token in enumerate(tokens) if token in {"und", "oder", "sowie"}]
    kinds = reading.kinds
    return all(0 < i < len(tokens) - 1 and kinds[i - 1] in _ALIKE and kinds[i + 1] in _ALIKE for i in joints)


_ALIKE = (Kind.NOUN, Kind.NAME, Kind.ADJECTIVE)
