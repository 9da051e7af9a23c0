"""Words that say the opposite of each other: "gestiegen" and "gesunken", "billiger" and "teurer"."""

import re
from dataclasses import dataclass

from jobs.proof.denials import undenied

#: German and English, each side a pattern for whole words in small letters.
_PAIRS = (
    (r"(?:ge|an)?st[ie]+g(?:e|en|t|end)?|angestiegen|gestiegen|steigen\w*|erhöh\w*|wuchs(?:en)?|wächst|gewachsen"
     r"|zugenommen|nahm\w* zu|zunehm\w*|anstieg|zuwachs|rise[sn]?|rose|risen|increas\w*|gr[eo]w\w*",
     r"s[ai]nk(?:t|en|end|e)?|gesunken|fiel(?:en)?|gefallen|zurückgegangen|ging\w* zurück|rückgang|rückgänge"
     r"|verringer\w*|gekürzt|kürz(?:t|te|ten|en|ung|ungen)|reduzier\w*|abgenommen|abnehm\w*|senk\w*|gesenkt|schrumpf\w*|umsatzrückgänge"
     r"|fall(?:s|en|ing)?|fell|drop\w*|declin\w*|decreas\w*|reduc\w*|weniger|less|fewer|lost|losing"),
    (r"höher\w*|higher", r"niedriger\w*|geringer\w*|lower\w*"),
    (r"teurer\w*|more expensive", r"billiger\w*|günstiger\w*|cheaper"),
    (r"länger\w*|longer", r"kürzer\w*|shorter"),
    (r"älter\w*|older", r"jünger\w*|younger"),
    (r"schneller\w*|faster", r"langsamer\w*|slower|slow\w*"),
    (r"besser\w*|better", r"schlechter\w*|worse"),
    (r"größer\w*|larger|bigger", r"kleiner\w{0,2}|smaller"),
    (r"größte\w*|höchste[nrms]?|largest|biggest|highest", r"kleinste\w*|niedrigste\w*|geringste\w*|smallest|lowest"),
    (r"mehr(?! als \d)|more(?! than)", r"weniger(?! als \d)|less|fewer"),
    (r"tiefer\w*|lower\w*|deeper", r"höher\w*|higher"),
    (r"mindestens|wenigstens|at least", r"höchstens|maximal|at most"),
    (r"öffn\w*|eröffn\w*|geöffnet|open\w*", r"schließ\w*|schloss|geschlossen|schließung|clos(?:e[sd]?|ing|ure)"),
    (r"gewonnen|gewann\w*|gewinn\w*|won", r"verloren|verlor\w*|verlust\w*|lost"),
    (r"kauf(?:t|te|ten|en)|gekauft|bought", r"verkauf\w*|sold"),
    (r"stärker\w*|stronger", r"schwächer\w*|weaker"),
    (r"früher\w*|earlier", r"später\w*|later"),
    (r"erstmals|zum ersten mal|first", r"letztmals|zum letzten mal|last"),
    (r"zustimm\w*|stimmt\w* zu|zugestimmt|befürwort\w*", r"ablehn\w*|lehnt\w*|abgelehnt"),
    (r"erlaub\w*|gestatt\w*", r"verb[io]e?t\w*|untersag\w*"),
    (r"weitermach\w*|mach\w* weiter|fortsetz\w*", r"aufhör\w*|h[öo]r\w* .{0,12}\bauf|beend\w*"),
    (r"leichter\w*|einfacher\w*|easier", r"schwerer\w*|schwieriger\w*|harder"),
    (r"lauter\w*|louder", r"leiser\w*|quieter"),
)  # fmt: skip
_COMPILED = tuple(tuple(re.compile(rf"(?<![\w-])(?:{side})(?!\w)", re.IGNORECASE) for side in pair) for pair in _PAIRS)


#: What a comparison is made with.
_COMPARED = re.compile(r"\W*(?:\w+\s+){0,2}(?:als|than)\s+(?:(?:die|der|das|den|dem|the|im|in|vor)\s+)?(\w+)")


def _is_turned_round(before: str, behind: str, heard: str) -> bool:
    """Whether what was compared has changed places: if A is cheaper than B, B is dearer than A."""
    said, claimed = _COMPARED.match(heard), _COMPARED.match(behind)
    if said is None or (claimed is not None and claimed.group(1).lower() == said.group(1).lower()):
        return False
    return said.group(1).lower() in before.lower()


@dataclass(frozen=True, slots=True)
class Opposite:
    """A word, and the one that was said instead."""

    claimed: str
    said: str


def opposite(claim: str, said: str) -> Opposite | None:
    """The word of a claim whose opposite was said, and not the word itself; None where there is none.

    Clauses that deny something are passed over: they may say the opposite and mean the same.

    Examples:
        >>> opposite("Der Preis sei gestiegen.", "Gesunken ist der Preis.")
        Opposite(claimed='gestiegen', said='Gesunken')
        >>> opposite("Der Preis sei gestiegen.", "Erst ist er gesunken, dann gestiegen.")
        >>> opposite("Das Bad bleibe geschlossen.", "Das Bad wird nicht öffnen.")
    """
    told, heard = undenied(claim), undenied(said)
    for pair in _COMPILED:
        for one, other in (pair, pair[::-1]):
            claimed, found = one.search(told), other.search(heard)
            if not claimed or not found or other.search(claim) or one.search(said):
                continue
            if not _is_turned_round(told[: claimed.start()], told[claimed.end() :], heard[found.end() :]):
                return Opposite(claimed.group(), found.group())
    return None
