import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from config.settings import labels
from jobs.errors import InputError
from jobs.export.labels import sentence
from jobs.programme import UNANNOUNCED_VOICES, Guest, Talk, parse_talk

#: Whatever YAML can say.
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates() | st.binary()
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(scalars, inner, max_size=4), max_leaves=12
)
fields = st.sampled_from(
    ["titel", "gäste", "Personen", "sprache", "begriffe", "stimmen", "vertraulich", "zweck", "title", " Terms "]
)


def test_a_sidecar_as_a_producer_writes_it():
    talk = parse_talk(
        yaml.safe_load(
            """
            Titel: Wer hört   noch Nachrichten?
            gäste:
              - name: Anna Lindner
                rolle: Leiterin einer Lokalzeitung
              - Jonas Brandt: Moderation
              - Lena Hartmann
            sprache: Deutsch
            begriffe: Stadtpodcast, Lokalzeitung, Anna Lindner
            stimmen: 2–4
            vertraulich: ja
            """
        )
    )
    assert talk == Talk(
        title="Wer hört noch Nachrichten?",
        guests=(
            Guest("Anna Lindner", "Leiterin einer Lokalzeitung"),
            Guest("Jonas Brandt", "Moderation"),
            Guest("Lena Hartmann"),
        ),
        language="de",
        terms=("Stadtpodcast", "Lokalzeitung", "Anna Lindner"),
        min_speakers=2,
        max_speakers=4,
        sensitive=True,
    )
    assert talk.hotwords == ("Anna Lindner", "Jonas Brandt", "Lena Hartmann", "Stadtpodcast", "Lokalzeitung")


def test_nothing_needs_to_be_said():
    assert parse_talk(None) == parse_talk({}) == parse_talk({"titel": None, "gäste": None}) == Talk()


def test_announced_guests_bound_the_voices_from_above_only():
    talk = parse_talk({"gäste": ["A", "B"]})
    assert (talk.min_speakers, talk.max_speakers) == (None, 2 + UNANNOUNCED_VOICES)
    assert parse_talk({"gäste": ["A", "B"], "stimmen": 2}).max_speakers == 2


@pytest.mark.parametrize(
    ("given_voices", "bounds"),
    [(3, (None, 3)), ("2-4", (2, 4)), ("2 – 4", (2, 4)), ("1-1", (1, 1)), ("50", (None, 50))],
)
def test_voices_are_a_number_or_a_range(given_voices, bounds):
    talk = parse_talk({"stimmen": given_voices})
    assert (talk.min_speakers, talk.max_speakers) == bounds


@pytest.mark.parametrize(
    ("data", "named"),
    [
        ("nur Text", "titel: …"),
        (["a", "b"], "titel: …"),
        ({"tittel": "x"}, "tittel"),
        ({"titel": ["x"]}, "titel"),
        ({"gäste": {"name": "x"}}, "gäste"),
        ({"gäste": [{"rolle": "Moderation"}]}, "Name"),
        ({"gäste": [{"name": None}]}, "Name"),
        ({"sprache": "bayerisch"}, "bayerisch"),
        ({"sprache": "d1"}, "d1"),
        ({"stimmen": "viele"}, "stimmen"),
        ({"stimmen": "4-2"}, "stimmen"),
        ({"stimmen": "1-2-3"}, "stimmen"),
        ({"stimmen": 0}, "stimmen"),
        ({"stimmen": 51}, "stimmen"),
        ({"vertraulich": "vielleicht"}, "vertraulich"),
    ],
)
def test_a_mistake_is_told_in_german_with_what_to_correct(data, named):
    with pytest.raises(InputError) as error:
        parse_talk(data)
    assert error.value.code == "bad-sidecar"
    assert named in str(error.value.fields["what"])
    told = sentence(labels(), "error", "bad-sidecar", {**error.value.fields, "name": "talk.mp3"})
    assert "talk.mp3" in told
    assert "bitte" in told.lower()
    assert named not in error.value.detail


@given(st.dictionaries(fields | st.text(), anything, max_size=4) | anything)
@example({"stimmen": "9" * 5000})
@example({"titel": "\ud800"})
def test_whatever_yaml_holds_is_a_talk_or_the_producers_mistake(data):
    try:
        talk = parse_talk(data)
    except InputError as error:
        code, talk = error.code, Talk()
    else:
        code = "bad-sidecar"
    assert code == "bad-sidecar"
    for text in (talk.title or "", *talk.hotwords, *(guest.role or "" for guest in talk.guests)):
        text.encode()
        assert len(text) <= 300
        assert text == " ".join(text.split())
    assert all(guest.name for guest in talk.guests)
    assert (talk.min_speakers or 1) <= (talk.max_speakers or 50)


@given(st.lists(st.sampled_from("abcd")), st.lists(st.sampled_from("cdef")))
def test_hotwords_come_once_and_guests_first(guests, terms):
    hotwords = Talk(guests=tuple(Guest(name) for name in guests), terms=tuple(terms)).hotwords
    assert set(hotwords) == {*guests, *terms}
    assert len(hotwords) == len(set(hotwords))
    assert set(hotwords[: len(set(guests))]) == set(guests)
