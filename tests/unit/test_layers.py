"""Who may know whom: read from the source, so that nothing needs to be imported."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

#: What reaches beyond values: processes, disk, network, clock, chance, environment, logs.
BEYOND_VALUES = {
    "asyncio", "boto3", "botocore", "ctypes", "faster_whisper", "httpx", "io", "logging", "multiprocessing", "os",
    "pathlib", "pyannote", "pydantic_settings", "random", "redis", "requests", "rq", "secrets", "shutil", "signal",
    "socket", "sqlite3", "structlog", "subprocess", "sys", "tempfile", "threading", "time", "torch", "urllib.request",
    "uuid",
}  # fmt: skip
#: Modules of the core that read files, and which.
MAY_READ_FILES = {"jobs/export/pages.py": "its own templates, once, when it is imported"}
#: Modules of the core that need a file object, in memory only.
MAY_HOLD_FILES = {"jobs/export/word_document.py"}
#: Besides the standard library, all that the core may lean on.
PURE_LIBRARIES = {
    "docx", "icalendar", "jinja2", "markdown_it", "markupsafe", "numpy", "pydantic", "rapidfuzz", "wordfreq",
}  # fmt: skip

#: Code outside the settings that may touch the environment, and why. Nobody so far.
MAY_READ_ENVIRONMENT: dict[str, str] = {}


def modules(*folders):
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def tree(path):
    return ast.parse(path.read_text(), str(path))


def imported(path):
    """Names of all that a module imports, anywhere in it, and of the packages they lie in."""
    found = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            found |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found | {name.partition(".")[0] for name in found}


def named(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", modules("jobs"), ids=named)
def test_the_core_deals_in_values_only(path):
    found = imported(path)
    if named(path) in MAY_HOLD_FILES:
        found -= {"io", "io.BytesIO"}
    assert not found & {"worker", "config", *BEYOND_VALUES}
    assert {name for name in found if "." not in name} <= {"jobs", *sys.stdlib_module_names, *PURE_LIBRARIES}


@pytest.mark.parametrize("path", modules("jobs"), ids=named)
def test_the_core_opens_nothing_and_never_asks_for_the_time(path):
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in {"open", "print", "input", "exec", "eval", "__import__"}
            assert called.rpartition(".")[2] not in {"now", "utcnow", "today", "write_text", "write_bytes"}
            if named(path) not in MAY_READ_FILES:
                assert called.rpartition(".")[2] not in {"read_text", "read_bytes"}


@pytest.mark.parametrize("path", modules("config"), ids=named)
def test_the_settings_know_neither_core_nor_machinery(path):
    assert not imported(path) & {"jobs", "worker"}


def dotted(path):
    """The name that a module is imported by."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


#: Module → those of ours that it imports; also inside functions, and for types only.
KNOWS = {dotted(path): imported(path) for path in modules("config", "jobs", "worker")}
KNOWS = {
    name: {one for one in found if one in KNOWS and one != name and not name.startswith(f"{one}.")}
    for name, found in KNOWS.items()
}


def circles():
    """Sets of modules in which each leads back to itself."""
    reached = {name: set(found) for name, found in KNOWS.items()}
    for through in KNOWS:  # Warshall
        for name in KNOWS:
            if through in reached[name]:
                reached[name] |= reached[through]
    tied = {name for name in KNOWS if name in reached[name]}
    return {frozenset(other for other in tied if other in reached[one] and one in reached[other]) for one in tied}


def test_no_module_leads_back_to_itself():
    assert circles() == set()


#: Rooms of `worker` from the ground up, single modules among them; each knows those above it in this list only.
FLOORS = (
    ("control", "ownership", "provenance", "sound", "style"),
    ("logs", "watch"),
    ("bucket",),
    ("laptop", "queue", "terminal", "weights"),
    ("engines",),
    ("spread",),
    ("job",),
    ("tasks",),
    ("fleet",),
    ("local",),
    ("desk", "scoring"),
    ("doctor",),
    ("cli",),
    ("__main__",),
)
#: Where somebody works on another floor than the room they lie in, and why.
ELSEWHERE = {"worker.engines.host": ("fleet", "the process that works on jobs with the engines it holds")}
#: Who knows somebody of a floor above, and why.
UPWARDS = {
    ("worker.watch.metrics", "worker.queue.dispatch"): "types only: what of a queue is counted",
    ("worker.job", "worker.desk.profiles"): "whom a voice sounds like is asked where the transcript is made",
}


def test_rooms_know_those_below_them_only():
    floors = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}

    def floor_of(name):
        room = ELSEWHERE[name][0] if name in ELSEWHERE else name.split(".")[1]
        return floors[room], room

    found = {
        (one, other)
        for one, known in KNOWS.items()
        for other in known
        if one.startswith("worker.") and other.startswith("worker.") and floor_of(one)[1] != floor_of(other)[1]
        if floor_of(one)[0] <= floor_of(other)[0]
    }
    assert found == set(UPWARDS)


@pytest.mark.parametrize("path", modules("worker"), ids=named)
def test_nobody_imports_the_command_line(path):
    if named(path) == "worker/__main__.py" or path.parent.name == "cli":
        return
    assert "worker.cli" not in imported(path)
    assert not [name for name in imported(path) if name.startswith("worker.cli.")]


def test_one_module_reads_the_environment():
    reach = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}
    found = set()
    for path in modules("config", "jobs", "worker"):
        for node in ast.walk(tree(path)):
            attribute = isinstance(node, ast.Attribute) and node.attr in reach
            name = isinstance(node, ast.alias) and node.name in reach
            if attribute or name:
                found.add(named(path))
    assert found == {"config/settings.py", *MAY_READ_ENVIRONMENT}


def test_nothing_but_the_command_line_prints():
    found = set()
    for path in modules("config", "jobs", "worker"):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {"print", "click.echo", "click.secho"}:
                found.add(named(path))
    assert found == {named(path) for path in modules("worker/cli")} - {"worker/cli/__init__.py"}


#: Where an exception of any kind may be caught, and why.
BOUNDARIES = {
    "worker/cli/frame.py": "the last one before the terminal",
    "worker/queue/dispatch.py": "whatever a stranger wrote into the broker must not stop the worker",
    "worker/doctor.py": "one check that fails must not cost the others",
    "worker/fleet/worker.py": "RQ's books, and what strangers say to workers: no reason to stop working",
    "worker/job.py": "a failed recap never costs the transcript",
    "worker/tasks.py": "the job: whatever goes wrong in it, the next one isn't to suffer",
}


def test_errors_of_any_kind_are_caught_at_known_boundaries_only():
    found = set()
    for path in modules("config", "jobs", "worker"):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ExceptHandler):
                kind = "" if node.type is None else ast.unparse(node.type)
                if kind in {"", "Exception", "BaseException"}:
                    found.add(named(path))
    assert found == set(BOUNDARIES)


@pytest.mark.parametrize("path", modules("config", "jobs", "worker"), ids=named)
def test_no_module_is_called_like_one_of_python(path):
    assert path.stem in {"__init__", "__main__"} or path.stem not in sys.stdlib_module_names
