import importlib.metadata
from importlib.metadata import PackagePath
from pathlib import Path

import pytest

from worker.ownership import NAMES, check_ownership, co_owners, strangers


class Installed(importlib.metadata.Distribution):
    """A distribution that brought these files."""

    def __init__(self, name, *files):
        self._name, self._files = name, files

    @property
    def name(self):
        return self._name

    @property
    def files(self):
        return [PackagePath(file) for file in self._files]

    def read_text(self, filename):
        raise NotImplementedError(filename)

    def locate_file(self, path):
        raise NotImplementedError(path)


def test_our_names_are_all_packages_of_ours():
    root = Path(__file__).parents[2]
    assert set(NAMES) == {path.parent.name for path in root.glob("*/__init__.py")}


def test_this_environment_belongs_to_us():
    assert strangers() == ()
    assert co_owners() == ()
    check_ownership()
    owners = importlib.metadata.packages_distributions()
    assert {name: set(owners.get(name, ())) - {"nachlese"} for name in NAMES} == {name: set() for name in NAMES}


@pytest.mark.parametrize(
    ("files", "named"),
    [
        (["config/__init__.py", "config/x.py"], ("other installs config",)),
        (["worker/__init__.py", "jobs/a.py"], ("other installs worker", "other installs jobs")),
        (["other/worker/__init__.py", "worker.py", "config/data.json"], ()),
    ],
)
def test_a_distribution_with_our_names_is_named(files, named):
    assert co_owners([Installed("other", *files), Installed("nachlese", "jobs/__init__.py")]) == named
