import importlib.metadata
from pathlib import Path

from worker.ownership import NAMES, check_ownership, strangers


def test_our_names_are_all_packages_of_ours():
    root = Path(__file__).parents[2]
    assert set(NAMES) == {path.parent.name for path in root.glob("*/__init__.py")}


def test_this_environment_belongs_to_us():
    assert strangers() == ()
    check_ownership()
    owners = importlib.metadata.packages_distributions()
    assert {name: set(owners.get(name, ())) - {"nachlese"} for name in NAMES} == {name: set() for name in NAMES}
