"""Whether every quote in a folder stands word for word in the transcript, at its time, by its speaker.

`python tests/verify_quotes.py FOLDER` looks for every draft (`recap.json`), every signed text
(`signed-0001.recap.json`), both as Markdown in any shape (`recap.md`, `recap.social.md`, …), and every look back over a
day (`digest.json`), prints what it found of each, and ends with 1 if anything is missing. It shares no code with what
it checks: it knows the form of the files, and nothing else.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from hashlib import sha256
from html import unescape
from pathlib import Path
from typing import Any

#: Files hold milliseconds.
TOLERANCE_S = 0.002
#: Fewer words in quotation marks than this, in somebody's own sentence or in a text for readers, may be a name.
LEAST_WORDS = 4
_INLINE = re.compile(r"„([^„“]+)“")
_TIME = re.compile(r"\bbei (?:(\d+):)?(\d{1,2}):(\d\d)\b")
_VOICE = re.compile(r"\bStimme (\d+)\b")
_EDGES = "„“”\"'‚‘’»«.,;:!?…–- "

Result = tuple[str, bool]


def main(arguments: list[str]) -> int:
    """Check every file; 0: all quotes are there, 1: one isn't, 2: there is none."""
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        sys.stderr.write("usage: verify_quotes.py FOLDER\n")
        return 2
    found = sorted(_results(Path(arguments[0])), key=lambda one: one[0])
    if not found:
        sys.stderr.write("no recap.json with a transcript.json beside it, and no digest.json\n")
        return 2
    for path, results in found:
        missing = [what for what, there in results if not there]
        sys.stdout.write(f"{len(results) - len(missing)} of {len(results)} quotes found: {path}\n")
        sys.stdout.writelines(f"  missing: {what}\n" for what in missing)
    return int(any(not there for _, results in found for _, there in results))


def _results(folder: Path) -> Iterator[tuple[Path, list[Result]]]:
    transcripts = {}
    for path in sorted(folder.rglob("transcript.json")):
        transcript = _read(path)
        transcripts[transcript["recording_id"]] = transcript
        for recap_path in sorted(path.parent.glob("*recap.json")):
            recap = _read(recap_path)
            if not _is_about(recap_path, path):
                sys.stdout.write(f"not looked up, its transcript was corrected since: {recap_path}\n")
                continue
            yield recap_path, [*_listed(recap, transcript), *_inline(recap, transcript)]
            # "recap.json": "recap.md", "recap.social.md"; "signed-0001.recap.json": "signed-0001.recap.md", …
            for shown in sorted(path.parent.glob(f"{recap_path.stem}*.md")):
                yield shown, list(_shown(shown.read_text(), recap, transcript))
    for path in sorted(folder.rglob("digest.json")):
        yield path, list(_looked_back(_read(path), transcripts))


def _read(path: Path) -> Any:
    return json.loads(path.read_text())


def _is_about(recap: Path, transcript: Path) -> bool:
    """Whether a signed text was signed on this version of the transcript; a draft always was made from it."""
    signature = recap.with_name(recap.name.replace(".recap.json", ".json"))
    if signature == recap or not signature.is_file():
        return True
    return bool(_read(signature)["origin"]["transcript_sha256"] == sha256(transcript.read_bytes()).hexdigest())


def _listed(recap: Any, transcript: Any) -> Iterator[Result]:
    for quote in recap["quotes"]:
        yield _stands(quote, transcript)


def _looked_back(digest: Any, transcripts: Mapping[str, Any]) -> Iterator[Result]:
    """The quotes of a look back over a day, each in the transcript of its talk."""
    groups = [one["said"] for part in ("themes", "comparisons") for one in digest[part]]
    for said in [*(one for group in groups for one in group), *digest["quotes"]]:
        transcript = transcripts.get(said["recording_id"])
        yield (said["quote"]["text"], False) if transcript is None else _stands(said["quote"], transcript)
    for talk in digest["talks"]:
        transcript, headline = transcripts.get(talk["recording_id"]), talk["headline"]
        if headline is not None and transcript is not None:
            yield from _within(headline, transcript, _names({}, transcript))


def _stands(quote: Any, transcript: Any) -> Result:
    """Which words are quoted, and whether they were said then, by that voice, and by nobody doubted."""
    start, end = quote["span"]["start"], quote["span"]["end"]
    cited = [u for u in transcript["utterances"] if u["id"] in quote["evidence"]]
    words = [
        word
        for utterance in cited
        for word in utterance["words"]
        if word["span"]["start"] >= start - TOLERANCE_S and word["span"]["end"] <= end + TOLERANCE_S
    ]
    own = all(u["speaker"] == quote["speaker"] and u["doubt"] is None for u in cited)
    verbatim = " ".join(word["text"] for word in words) == quote["text"]
    exact = bool(words) and abs(words[0]["span"]["start"] - start) <= TOLERANCE_S
    ends = max((word["span"]["end"] for word in words), default=-1.0)
    return quote["text"], own and verbatim and exact and abs(ends - end) <= TOLERANCE_S


def _inline(recap: Any, transcript: Any) -> Iterator[Result]:
    """What stands in quotation marks within sentences: whether one voice of its evidence said it in one piece."""
    sentences = [recap["headline"], *recap["lead"], *(s for c in recap["chapters"] for s in c["sentences"])]
    names = _names(recap, transcript)
    for sentence in filter(None, sentences):
        # Sentences that only frame the talk put its title into quotation marks.
        if sentence["basis"] != "frame":
            yield from _within(sentence, transcript, names)


def _within(sentence: Any, transcript: Any, names: Mapping[str, frozenset[str]]) -> Iterator[Result]:
    cited = [u for u in transcript["utterances"] if u["id"] in sentence["evidence"]]
    if sentence["basis"] == "edited" and not cited:
        cited = transcript["utterances"]
    for text in _INLINE.findall(sentence["text"]):
        if sentence["basis"] != "edited" or len(text.split()) >= LEAST_WORDS:
            yield text, _is_said(text, sentence["text"], cited, names)


def _shown(text: str, recap: Any, transcript: Any) -> Iterator[Result]:
    """What stands in quotation marks in a text for readers: whether one voice that it names, or any, said it."""
    _, _, body = text.partition("\n---\n")
    title = json.loads(next((line for line in text.splitlines() if line.startswith("title: ")), 'title: ""')[7:])
    known = [title, *_translations(recap), *(str(f) for q in recap["open_questions"] for f in q["fields"].values())]
    names = _names(recap, transcript)
    for line in body.splitlines():
        # Headings and notices are ours; what is bold is said about a sentence and not by anybody.
        if line.startswith(("#", "> **", "*Erstellt")):
            continue
        plain = re.sub(r"(?<!\\)\*\*.*?(?<!\\)\*\*", "", line)
        plain = re.sub(r"(?<!\\)\[([^\]]*)\]\([^)]*\)", r"\1", plain)
        plain = unescape(re.sub(r"\\([^\w\s])", r"\1", plain))
        for words in _INLINE.findall(plain):
            if len(words.split()) >= LEAST_WORDS and words not in known:
                yield words, _is_said(words, plain, transcript["utterances"], names)


def _translations(recap: Any) -> list[str]:
    return [quote["translation"] for quote in recap["quotes"] if quote["translation"]]


def _names(recap: Any, transcript: Any) -> dict[str, frozenset[str]]:
    """Name → whose it is: as confirmed, as suggested by the draft's open questions, and by the voices' numbers."""
    voices = list(dict.fromkeys(u["speaker"] for u in transcript["utterances"] if u["speaker"] is not None))
    told = [(name, label) for label, name in transcript["names"].items()]
    for question in recap.get("open_questions", ()):
        number, name = question["fields"].get("number"), question["fields"].get("name")
        if isinstance(number, int) and isinstance(name, str) and 0 < number <= len(voices):
            told.append((name, voices[number - 1]))
    told += [(f"Stimme {number}", label) for number, label in enumerate(voices, start=1)]
    return {name: frozenset(label for one, label in told if one == name) for name, _ in told}


def _is_said(text: str, sentence: str, cited: Any, names: Mapping[str, frozenset[str]]) -> bool:
    """Whether a voice that may be meant said these words in one piece, when the sentence says so.

    Whoever is named beside the quotation marks must have said it; but for a question, which somebody else answers.
    """
    around = _INLINE.sub(" ", sentence)
    numbered = {f"Stimme {number}" for number in _VOICE.findall(around)}
    named = [voices for name, voices in names.items() if name in numbered or (name[:7] != "Stimme " and name in around)]
    meant = frozenset[str]().union(*named)
    time = None if text.rstrip().endswith("?") else _TIME.search(around)
    for voice in {u["speaker"] for u in cited}:
        if meant and voice not in meant and not text.rstrip().endswith("?"):
            continue
        words = [word for u in cited if u["speaker"] == voice and u["doubt"] is None for word in u["words"]]
        starts = _starts(words, [_bare(word) for word in text.split()])
        if time is None:
            if starts:
                return True
        elif any(int(start) == _seconds(time) for start in starts):
            return True
    return False


def _seconds(time: re.Match[str]) -> int:
    hours, minutes, seconds = time.groups(default="0")
    return 3600 * int(hours) + 60 * int(minutes) + int(seconds)


def _bare(word: str) -> str:
    """A word without what stands around it, quotation marks as they were set within others."""
    return re.sub(r"[„“”\"'‚‘’»«]", "", word).strip(_EDGES)


def _starts(words: Any, wanted: list[str]) -> list[float]:
    """When the words are said one after the other; the first may have got a capital."""
    heard = [(_bare(word["text"]), word["span"]["start"]) for word in words if _bare(word["text"])]
    wanted = [word for word in wanted if word]
    found = []
    for at in range(len(heard) - len(wanted) + 1 if wanted else 0):
        piece = [word for word, _ in heard[at : at + len(wanted)]]
        if piece[1:] == wanted[1:] and wanted[0] in {piece[0], piece[0][:1].upper() + piece[0][1:]}:
            found.append(float(heard[at][1]))
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
