"""Errors planted in true drafts: how many are caught, and how many true sentences are flagged.

`python -m pytest tests/planted -s` prints the tables: for the recordings that the checks have been developed on, for
those that nobody looked at meanwhile, and for each language. A sentence counts as flagged with a warning, too.

New sentences are flagged far more often than those that the checks have been tried on, see `FIRST_SEEN`: most of all,
where they say in other words what was denied. Who changes the checks should write some more, and note there what came
of them before anything was mended.
"""

from pathlib import Path

import pytest

from jobs.proof.checks import Verdict
from jobs.proof.evidence import verify
from jobs.proof.quotes import locate
from jobs.recap import Basis, Recap, Sentence

#: True sentences, and how many of them were flagged when the checks first saw them. Since "lastenrad" they were written
#: to say everything in other words than the speakers.
FIRST_SEEN = {
    "verkehr": (32, 3), "theater": (28, 2), "werkstatt": (28, 2), "interview_en": (28, 2), "keynote": (30, 2),
    "praxis": (29, 5), "haushalt": (33, 6), "ocean_en": (26, 8), "schule": (32, 1), "klima": (30, 2),
    "lastenrad": (32, 8), "restitution": (32, 4), "maschinenraum": (31, 6), "leuchtturm": (31, 7), "saatgut": (31, 6),
    "kino": (28, 5), "moor": (26, 6), "glocke": (22, 6),
}  # fmt: skip
#: Read by nobody while the checks were changed.
UNSEEN = ("glocke", "moor")
ENGLISH = ("interview_en", "ocean_en")
NAMES = tuple(sorted(path.stem for path in Path(__file__).parent.glob("*.yaml")))
GERMAN = tuple(name for name in NAMES if name not in ENGLISH)
OF_FACT = ("quote word", "number", "date")


def caught(suite, names, kind):
    counts = suite.tally(names)[kind]
    return 1 - counts[Verdict.PASS] / counts.total()


def test_the_tables(suite):
    for label, names in (("developed on", set(NAMES) - set(UNSEEN)), ("unseen", UNSEEN), ("German", GERMAN),
                         ("English", ENGLISH)):  # fmt: skip
        print(f"\n{label}: {', '.join(sorted(names))}\n{suite.table(tuple(sorted(names)))}")  # noqa: T201  # with -s
    assert sum(counts.total() for counts in suite.tally(NAMES).values()) >= 200


@pytest.mark.parametrize("kind", OF_FACT)
@pytest.mark.parametrize("names", [GERMAN, ENGLISH, UNSEEN], ids=["German", "English", "unseen"])
def test_nearly_all_faults_of_fact_are_caught(suite, names, kind):
    assert caught(suite, names, kind) >= 0.95


@pytest.mark.parametrize(("kind", "share"), [
    ("unit", 0.95), ("wrong citation", 0.95), ("speaker", 0.95), ("merged claims", 0.9), ("name", 0.9),
    ("negation", 0.83), ("opposite", 0.6),
])  # fmt: skip
def test_most_faults_of_meaning_are_caught_in_german(suite, kind, share):
    assert caught(suite, GERMAN, kind) >= share


@pytest.mark.parametrize(("kind", "share"), [
    ("unit", 0.9), ("wrong citation", 0.8), ("speaker", 0.95), ("merged claims", 0.7), ("name", 0.8),
    ("negation", 0.75),
])  # fmt: skip
def test_many_are_caught_where_the_evidence_is_english(suite, kind, share):
    assert caught(suite, ENGLISH, kind) >= share


@pytest.mark.parametrize("which", ["sentences", "quotes"])
def test_true_sentences_are_left_alone(suite, which):
    count, wrong = suite.flagged(tuple(name for name in NAMES if name not in UNSEEN), which)
    assert len(wrong) <= 0.03 * count, wrong


def test_most_true_sentences_are_left_alone_where_nobody_looked(suite):
    count, wrong = suite.flagged(UNSEEN, "sentences")
    assert len(wrong) <= 0.25 * count, wrong


def test_every_recording_is_told_apart(suite):
    """Of those that came later it is known what came of them at first."""
    assert set(FIRST_SEEN) | {"buchbus", "gespraech", "waerme"} == set(NAMES)
    assert all(len(suite.case(name).sentences) == count for name, (count, _) in FIRST_SEEN.items())


@pytest.mark.parametrize("name", NAMES)
def test_every_true_quote_is_found_and_no_changed_one(suite, name):
    one = suite.case(name)
    assert one.quotes
    for quote in one.quotes:
        assert locate(quote.text.lower().rstrip("."), quote.evidence, one.record) == quote
        assert all(locate(wrong.text, quote.evidence, one.record) is None for wrong in suite.misquoted(quote))


@pytest.mark.parametrize("name", NAMES)
def test_a_whole_draft_is_judged_as_its_sentences_are(suite, name):
    one = suite.case(name)
    lead = tuple(Sentence(told.text, told.evidence, Basis.WRITTEN) for told in one.sentences)
    draft = Recap("r", None, lead, one.quotes, (), (), suite.NOBODY)
    found = verify(draft, one.record.transcript, one.record.talk)
    assert {finding.part.text for finding in found} == {text for text, _ in suite.flagged((name,), "sentences")[1]}
