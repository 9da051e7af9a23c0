import re
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jobs.recording import Provenance, Recording, recording_id

NOW = datetime(2026, 11, 3, tzinfo=UTC)
#: Whatever a file may be called, undecodable bytes included.
names = st.text(st.characters(), max_size=300)


@given(names, st.text(max_size=80))
def test_any_upload_gets_an_id_that_is_safe_everywhere(uri, etag):
    found = recording_id(uri, etag)
    assert re.fullmatch(r"r-[0-9a-f]{20}", found)
    assert found == recording_id(uri, etag)
    Recording(found, uri, etag, 1, NOW)


@given(st.lists(st.tuples(names, st.text(st.characters(exclude_characters="\n"))), min_size=2, max_size=2, unique=True))
@example([("s3://stage/a", "bc"), ("s3://stage/ab", "c")])
def test_another_upload_gets_another_id(uploads):
    assert len({recording_id(uri, etag) for uri, etag in uploads}) == 2


@given(names.filter(lambda text: len(text) > 3))
def test_the_id_tells_nothing_of_the_name(name):
    assert name not in recording_id(f"s3://stage/{name}", "etag")


@given(st.text(st.characters(exclude_characters="/")), st.text())
def test_the_name_is_what_follows_the_last_slash(name, folders):
    assert Recording("r-1", f"s3://stage/{folders}/{name}", "e", 1, NOW).name == name


@pytest.mark.parametrize("bad", ["", "R-1", "r_1", "r-1/..", "r-1\n", "ü", "r" * 65])
def test_an_id_that_rq_or_a_path_could_trip_over_is_refused(bad):
    with pytest.raises(ValueError, match="recording id"):
        Recording(bad, "s3://stage/a", "e", 1, NOW)


def test_times_without_a_zone_are_refused():
    naive = NOW.replace(tzinfo=None)
    with pytest.raises(ValueError, match="time zone"):
        Recording("r-1", "s3://stage/a", "e", 1, naive)
    with pytest.raises(ValueError, match="time zone"):
        Provenance("engine", "1", None, "0", "0", naive)
