"""Words that deny, surely or perhaps, German and English; and how a text is cut into clauses.

Every pattern below is one of words, in any case, however it is bent.
"""

import re

from jobs.german import numeral
from jobs.proof.content import stem
from jobs.proof.tokens import tokens


def _words(*patterns: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(patterns)})\b", re.IGNORECASE)


#: Where one clause ends and another begins. "nicht" after "und" denies only what follows.
_BORDER = re.compile(r"\s*(?:[,;:!?–—]|(?<!\d)\.)+\s+|\s+(?=(?:und|sondern|oder|and|but)\b)", re.IGNORECASE)
DENIES = _words(
    r"nicht|nee|nie|niemals|kaum|kein\w*|niemand\w*|nichts|nirgend\w*|weder|ohne|keineswegs",
    r"null(?! (?:komma|uhr|prozent|grad))",
    r"not|never|no|nobody|none|nothing|nowhere|neither|nor|without|cannot|\w+n['’]t",
)
#: A denial that denies nothing: "nicht nur …, sondern auch", "nicht zuletzt".
_DENIES_NOTHING = _words(
    r"nicht (?:nur|bloß|zuletzt|wahr|umsonst)|nicht allein(?= (?:an|durch|von|wegen|auf|das|die|der)\b)",
    r"nichts anderes als|ohne (?:zweifel|frage|weiteres)|kein (?:zweifel|wunder|geheimnis)|mehr nicht",
    r"wie (?:noch )?nie",
    r"not only|no (?:doubt|wonder)|nicht (?:mehr|weniger) als \d+",
)
#: What denies by its meaning: "lehnte … ab".
STRONG = _words(
    r"verbot\w*|verbiet\w*|untersag\w*|fehl\w*|mangel\w*|verzicht\w*|\w*weiger\w*|ablehn\w*|abgelehnt|lehn\w*",
    r"ausgeschlossen|ausschl\w*|schl(?:oss|ieß)\w* (?:.* )?aus|verhinder\w*|vermeid\w*|vermied\w*|aufhör\w*",
    r"scheiter\w*",
    r"bestreit\w*|bestritt\w*|leugn\w*|vernein\w*|dementier\w*|absag\w*|abgesagt|entf[aäi]\w*ll\w*(?!(?: nicht)? auf)",
    r"unterblieb\w*|ausbl[ei]+b\w*|bl[ei]+b\w* (?:.* )?aus",
    r"zurückgewiesen|w[ie]+s\w* (?:.* )?(?:zurück|von sich)|r(?:ät|iet) (?:.* )?ab",
    r"schl[aäu]g\w* (?:.* )?aus|gegenteil|nein|enthielt\w*|enthalten|ausgesetzt|vergeblich|wehr\w*|gestrichen",
    r"stop\w*|refus\w*|fail\w*|lack\w*|unable|avoid\w*|prevent\w*",
)
#: What may deny: other words, restrictions.
PERHAPS = _words(
    r"un(?!ser|ter|gefähr|ten|ion|iv|s\b|d\b|f[aä]ll|gar|til\b|it|der|less\b)[a-zäöüß]{4,}",
    r"selten\w*|statt(?!\s*(?:$|[.,!;]))|anstatt|leer|geschlossen|bl(?:eibt|ieb|eibe) .*zu(?=[.,!]|$)",
    r"höchstens|maximal",
    r"(?:war|ist|sind|waren|sei|seien) dagegen|(?<!prozent )weniger(?! als)|zweifel\w*|bezweif\w*|vermiss\w*|frei von",
    r"\w{3,}los(?:e[nrsm]?)?|ausgenommen|außer|falsch\w*|irrt\w*|egal|gleichgültig|warnt\w* (?:\w+ )?(?:da)?vor",
    r"hardly|rarely|instead|less|against",
)
#: "kein Verlust mehr" tells of an end: there was one.
ENDS = re.compile(r"\b(?:nicht|nichts|kein\w*|niemand)\b(?:\s+\S+){0,2}\s+mehr\b", re.IGNORECASE)
#: "… , das versteht kein Mensch": denies something about what was said right before.
TAKES_UP = re.compile(
    r"(?:(?:und|aber|doch|weil|and|but) )*(?:das|dies|es|davon|dafür|nein|nee|falsch|that|it|no)\b", re.IGNORECASE
)
#: "Ich sage nicht, dass …": denies what follows.
OPENS_WHAT_IS_DENIED = re.compile(r"(?:dass|ob|that)\b", re.IGNORECASE)
#: "Mehr als drei kann sie nicht zahlen" sets a limit.
COMPARED = _words(r"(?:mehr|weniger|länger|kürzer|später|früher|älter|jünger) als")
#: Of a verb of saying, "nicht" says that nothing was said.
TELLS_NOT = re.compile(
    r"\b(?:sag|erklär|beton|berichte|erzähl|schilder|kritisier|warn|forder|frag|verwies|verwei|räum|kündig|verlang|entgegn"
    r"|ergänz|erinner|verriet|rechne)(?:e|t|te|st|et|ete|en|ten)? nicht\b(?! (?:nur|mehr))(?!.*\bsondern)",
    re.IGNORECASE,
)
NO_MORE = re.compile(r"\bmehr\b[^.?!]*\b(?:nicht|kein\w*)\b|\bat most\b", re.IGNORECASE)
MORE_THAN = _words("mehr als")
_ASKS = re.compile(
    r"(?:was|wer|wie|wo|wann|warum|wieso|weshalb|woher|wohin|welche\w*|oder|what|who|how|where|when|why|which)\b",
    re.IGNORECASE,
)
#: "stets vorwärts" is "nie rückwärts".
ALWAYS = _words("immer|stets|oft|häufig|meist")
#: Somebody and nobody: a clause that holds one where the other was said turns it round.
TURNED = (
    (_words(r"jemand\w*|jede[rmn]?|alle"), _words(r"niemand\w*|keine[rmn]?|nobody|no one|none")),
    (ALWAYS, _words("nie|niemals|kaum|selten|never|rarely")),
    (_words("alles|etwas|einiges"), _words("nichts|nothing")),
    (_words("sowohl"), _words(r"weder|neither|kein\w*")),
)
_WITH = re.compile(r"\b(?:[Mm]it|with)\s+(?:\w+\s+){0,2}?([A-ZÄÖÜ]\w+)")
_WITHOUT = re.compile(r"\b(?:[Oo]hne|without)\s+(?:\w+\s+){0,2}?([A-ZÄÖÜ]\w+)")
#: Letters behind "keine" that may hold a number.
_MAX_NUMERAL = 80


def clauses(text: str) -> list[str]:
    """A text cut where a "nicht" stops denying."""
    return _BORDER.split(text)


def signs(text: str) -> list[tuple[int, int]]:
    """Where the words that deny something begin and end.

    Examples:
        >>> signs("Er hat kein Geld."), signs("Nicht nur er kam."), signs("Keine tausend kamen.")
        ([(7, 11)], [], [])
    """
    nothing = [match.span() for match in _DENIES_NOTHING.finditer(text)]
    return [
        match.span()
        for match in DENIES.finditer(text)
        if not any(start <= match.start() < stop for start, stop in nothing)
        and not _is_limit(match.group(), text[match.end() :])
    ]


def _is_limit(sign: str, behind: str) -> bool:
    """Whether a number stands behind "keine": fewer than that."""
    cut = tokens(behind[:_MAX_NUMERAL]) if sign.lower().startswith("kein") else ()
    return bool(cut) and (cut[0].is_figure or numeral(cut[0].low) is not None)


def denies(text: str) -> bool:
    """Whether a text denies something in so many words."""
    return DENIES.search(text) is not None


def undenied(text: str) -> str:
    """The clauses of a text that deny nothing; to be without something denies nothing else."""
    return ", ".join(part for part in clauses(text) if not denies(_WITHOUT.sub("", part)))


def stated(text: str) -> str:
    """A text without what it asks: "Bestellen die nicht alles im Internet?" denies nothing."""
    kept = []
    for sentence in re.split(r"(?<=[.!?])\s+", text):
        statement, _, asked = sentence.rpartition(", ") if sentence.endswith("?") else (sentence, "", "")
        # "Ihre Initiative hat 18.400 Unterschriften gesammelt, was fordern Sie?"
        kept.append(statement if not asked or _ASKS.match(asked) else "")
    return " ".join(kept)


def left_out(claim: str, said: str) -> str | None:
    """What was said to be without something that it has in a claim, or the other way round; None if nothing was.

    Examples:
        >>> left_out("Schulen mit Noten seien besser.", "Schulen ohne Noten sind besser.")
        'ohne Noten'
    """
    for one, other in ((_WITH, _WITHOUT), (_WITHOUT, _WITH)):
        claimed = {stem(match.group(1)) for match in one.finditer(claim)}
        beside = {stem(match.group(1)) for match in other.finditer(claim)}
        kept = {stem(match.group(1)) for match in one.finditer(said)}
        for match in other.finditer(said):
            if stem(match.group(1)) in claimed - beside - kept:
                return match.group()
    return None
