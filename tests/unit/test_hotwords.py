"""What the recognizer is told to listen for."""

from hypothesis import given
from hypothesis import strategies as st

from jobs.hotwords import MAX_PROMPT_TOKENS, SEPARATOR, fit, hotwords
from jobs.programme import Guest, Talk

words = st.text("abcdef ", min_size=1, max_size=30)


@given(st.lists(st.sampled_from("abcd")), st.lists(st.sampled_from("cdef")))
def test_hotwords_come_once_and_guests_first(guests, terms):
    found = hotwords(Talk(guests=tuple(Guest(name) for name in guests), terms=tuple(terms)))
    assert set(found) == {*guests, *terms}
    assert len(found) == len(set(found))
    assert set(found[: len(set(guests))]) == set(guests)


def test_rare_terms_come_before_those_that_every_recognizer_knows():
    talk = Talk("Der Zeitzeichner und die Zukunft", (Guest("Anna Lindner"),), terms=("Zeitung", "Querhall", "Radio"))
    found = hotwords(talk)
    assert found[:2] == ("Anna Lindner", "Querhall")
    assert found[-1] == "Zeitzeichner"
    assert "Zukunft" not in found


def test_one_name_in_two_spellings_of_case_comes_once():
    assert hotwords(Talk(guests=(Guest("Anna Lindner"),), terms=("anna lindner",))) == ("Anna Lindner",)


@given(st.lists(words, max_size=20), st.integers(0, 120))
def test_whole_entries_are_taken_in_their_order_within_the_limit(entries, limit):
    taken = fit(entries, len, limit=limit)
    assert not taken or len(SEPARATOR.join(taken)) <= limit
    rest = iter(entries)
    assert all(one in rest for one in taken)
    if len(SEPARATOR.join(entries)) <= limit:
        assert taken == tuple(entries)


def test_one_that_is_too_long_costs_no_other():
    assert fit(("a" * 400, "Frevert"), len) == ("Frevert",)
    assert MAX_PROMPT_TOKENS < 448 // 2
