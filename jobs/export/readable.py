"""What may stand in a file that a person opens: letters that show, in the order in which they are read."""

import re

#: Joiners that Persian, Indic scripts and emoji need; every other invisible character goes.
_JOINERS = "\u200c\u200d"


def clean(text: str) -> str:
    r"""Make foreign text one line of visible characters.

    White space of any kind becomes single spaces. Control characters, bidirectional overrides (which show
    "gpj.exe" as "exe.jpg"), lone surrogates, non-characters and private use are left out.

    Examples:
        >>> clean(" Anna\n\x1b[1mBerg \u202eexe\u202c\ud800 ")
        'Anna [1mBerg exe'
    """
    if not text.isprintable():
        text = "".join(filter(_is_kept, text))
    return " ".join(text.split())


def shorten(text: str, limit: int) -> str:
    """Cut a text to at most `limit` characters; what is cut ends in "…".

    Examples:
        >>> shorten("Rosa Meier", 5), shorten("Rosa", 5)
        ('Rosa…', 'Rosa')
    """
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def language_tag(language: str) -> str:
    """A language as markup names it; "und" for what can't be one (BCP 47: letters and digits between hyphens).

    Examples:
        >>> language_tag("de"), language_tag("pt-BR"), language_tag("de' onload='")
        ('de', 'pt-BR', 'und')
    """
    return language if re.fullmatch(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*", language) else "und"


def markdown(text: str) -> str:
    r"""Write cleaned text so that CommonMark and GitHub show it letter by letter: no markup, no HTML, no links.

    Source of the characters: CommonMark 0.31.2, 2.4 (backslash escapes), 4 and 6; GitHub's spec, 6.9 (autolinks).

    Examples:
        >>> print(markdown("1. <b>*[x](http://y)"))
        1\. \<b\>\*\[x\](http\://y)
    """
    text = re.sub(r"([\\`*_\[\]<>~|]|&(?=#?\w+;))", r"\\\1", clean(text))
    text = re.sub(r"(?i)(https?|ftp):(?=//)", r"\1\\:", text)
    text = re.sub(r"(?i)\bwww\.", lambda match: match[0][:-1] + r"\.", text)
    text = re.sub(r"(?<!\S)#", r"\#", text)
    return re.sub(r"^(?:(\d+)(?=[.)])|(?=[-+=]))", r"\1\\", text)


def _is_kept(character: str) -> bool:
    return character.isprintable() or character.isspace() or character in _JOINERS
