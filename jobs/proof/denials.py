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
_BORDER = re.compile(
    r"\s*(?:[,;:!?–—]|(?<!\d)\.)+\s+|\s+(?=(?:und|sondern|oder|statt|anstatt|and|but)\b)", re.IGNORECASE
)
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
    r"(?:ver)?m(?:ei|ie)d\w*|verschon\w*|misstrau\w*|missacht\w*|unterl(?:ass|äss|ieß)\w*|versäum\w*|verpass\w*"
    r"|erspar\w*|entg(?:eh|ing)\w*|(?:ge)?hinder\w*|bewahrt\w*|boykott\w*|ignorier\w*|entbehr\w*|verlern\w*|abgeraten",
    r"aufgeben|aufzugeben|aufgegeben|g[aeäi]b\w* (?:.* )?auf|abgewinkt|wink\w* (?:.* )?ab",
    r"widerspr[aei]ch\w* (?:dem|der|den|einer|einem)",
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
#: What a sentence that affirms may say instead of a denial: "bleibt am Boden" for "fliegt nicht".
RESTATES = _words(
    r"nur|lediglich|bloß|erst|frühestens|spätestens|mangels|schlecht\w*|schwer\w*|schwierig\w*|wenig\w*",
    r"gering\w*|kostenlos\w*|gratis|umsonst|unentgeltlich|ehrenamtlich|steh\w* (?:.* )?aus|offen|leide\w*|litt(?:en)?",
    r"verl(?:ier|or)\w*|verschw[aiu]nd\w*|vorbei|ende[tn]?\w*|bl[ei]+b\w*",
)
#: What tells of an end.
ENDED = _words(
    r"verl(?:ier|or)\w*|verschw[aiu]nd\w*|vorbei|(?:be)?ende[tn]?\w*|aufgehört|hör\w* (?:.* )?auf|abgeschafft",
    r"eingestellt",
    r"geschlossen|zugemacht|dichtgemacht|aufgegeben|gestrichen|weggefallen|verkauft|gestorben|ausgestiegen",
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
    (_words(r"jemand\w*"), _words(r"niemand\w*|keine[rmn]?|nobody|no one|none")),
    (_words(r"jede[rmn]?|alle"), _words(r"niemand\w*|keine[rmn]?|nobody|no one|none")),
    (ALWAYS, _words("nie|niemals|kaum|selten|nichts|never|rarely|nothing")),
    (_words("alles|etwas|einiges"), _words("nichts|nothing")),
    (_words("sowohl"), _words(r"weder|neither|kein\w*")),
)
_WITH = re.compile(r"\b(?:[Mm]it|with)\s+(?:\w+\s+){0,2}?([A-ZÄÖÜ]\w+)")
_WITHOUT = re.compile(r"\b(?:[Oo]hne|without)\s+(?:\w+\s+){0,2}?([A-ZÄÖÜ]\w+)")
_NOT_EVEN = re.compile(r"\s+(?:ein)?mal\b", re.IGNORECASE)
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
    """Whether a number stands behind "keine" or "nicht einmal": fewer than that."""
    few = _NOT_EVEN.match(behind) if sign.lower() == "nicht" else None
    behind = behind if few is None else behind[few.end() :]
    cut = tokens(behind[:_MAX_NUMERAL]) if few is not None or sign.lower().startswith("kein") else ()
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


#: What begins with a condition, and what tells that one was set.
CONDITION = re.compile(r"(?:wenn|falls|sofern|sollte[n]?|ohne)\b", re.IGNORECASE)
OR_ELSE = _words("sonst|andernfalls|ansonsten|es sei denn|or else|otherwise|unless")
#: What "nicht" before it turns into its opposite: "nicht geschlossen", "nicht unverletzt".
OFTEN_TWICE = _words(r"geschlossen|leer|un(?!ter)[a-zäöüß]{3,}(?:t|bar|lich|ig|sam)")
#: An answer that denies no more than what was asked.
SHORT_ANSWER = re.compile(r"(?:ich|wir|er|sie|der|die|das)(?: auch| noch| selbst| leider)* nicht", re.IGNORECASE)
#: A clause that another one governs.
GOVERNED = re.compile(r"(?:dass|ob)\b|.*\b(?:zu \w+n|\w+zu\w+en)$", re.IGNORECASE)
#: "sondern" takes up a denial.
BUT = _words("sondern")
#: Nobody says that something isn't at most so much.
NOT_AT_MOST = _words("nicht (?:höchstens|maximal|nur höchstens)")


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
