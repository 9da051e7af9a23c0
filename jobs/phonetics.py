"""How German names sound: the Cologne phonetics."""

import unicodedata

# Rules of Hans Joachim Postel, "Die Kölner Phonetik. Ein Verfahren zur Identifizierung von Personennamen auf der
# Grundlage der Gestaltanalyse", IBM-Nachrichten 19 (1969), pages 925 to 931.
_ALWAYS = {
    **dict.fromkeys("AEIJOUY", "0"),
    **dict.fromkeys("FVW", "3"),
    **dict.fromkeys("GKQ", "4"),
    **dict.fromkeys("MN", "6"),
    **dict.fromkeys("SZ", "8"),
    "B": "1", "L": "5", "R": "7",
}  # fmt: skip
_HARD_C_FIRST = frozenset("AHKLOQRUX")
_HARD_C = frozenset("AHKOQUX")


def cologne(text: str) -> str:
    """The Cologne code of a word: digits that are alike where words sound alike in German; other signs are left out.

    Examples:
        >>> cologne("Müller-Lüdenscheidt"), cologne("Meyer") == cologne("Maier")
        ('65752682', True)
    """
    letters = _letters(text)
    code = ""
    for index, letter in enumerate(letters):
        before = letters[index - 1] if index else ""
        code += _digit(letter, before, letters[index + 1 : index + 2])
    single = "".join(digit for index, digit in enumerate(code) if digit != code[index - 1 : index])
    return single[:1] + single[1:].replace("0", "")


def _letters(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.upper())  # "ß" becomes "SS"
    return "".join(letter for letter in plain if "A" <= letter <= "Z")


def _digit(letter: str, before: str, after: str) -> str:
    if letter == "P":
        return "3" if after == "H" else "1"
    if letter in {"D", "T"}:
        return "8" if after and after in "CSZ" else "2"
    if letter == "X":
        return "8" if before and before in "CKQ" else "48"
    if letter == "C":
        return _c(before, after)
    return _ALWAYS.get(letter, "")


def _c(before: str, after: str) -> str:
    hard = after in (_HARD_C if before else _HARD_C_FIRST)
    return "4" if hard and before not in {"S", "Z"} else "8"
