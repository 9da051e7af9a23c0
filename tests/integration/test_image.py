"""What the image does with our code, done here: the wheel is built and started, the health check asks a listener."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

from config.settings import load
from worker.laptop import free_port
from worker.watch import metrics
from worker.watch.health import Health

ROOT = Path(__file__).parents[2]


def dockerfile() -> list[str]:
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if not line.startswith("#")]
    return "\n".join(lines).replace("\\\n", " ").splitlines()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from what the Dockerfile's stage `app` copies, less what .dockerignore keeps out."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    (stage,) = [at for at, line in enumerate(dockerfile()) if line.endswith(" AS app")]
    kept_out = shutil.ignore_patterns("__pycache__", "deploy")
    for line in dockerfile()[stage + 1 :]:
        if line.startswith("FROM"):
            break
        if line.startswith("COPY"):
            *names, folder = line.split()[1:]
            for name in names:
                if (ROOT / name).is_dir():
                    shutil.copytree(ROOT / name, source / folder, ignore=kept_out)
                else:
                    shutil.copy(ROOT / name, source)
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-index",
         "--no-build-isolation", "--wheel-dir", str(target), str(source)],
        check=True,
    )  # fmt: skip
    (built,) = target.glob("nachlese-*.whl")
    return built


def test_the_wheel_holds_what_we_read(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    read = {
        "config/default.toml",
        "config/labels.de.toml",
        "config/weights.lock.toml",
        "worker/cli/frame.py",
        "jobs/recap.py",
    }
    prompts = {str(path.relative_to(ROOT)) for path in (ROOT / "config" / "prompts").glob("*.md")}
    assert read | prompts <= names
    assert not [name for name in names if name.startswith(("config/deploy", "tests"))]


def test_the_wheel_starts_from_a_folder_it_may_not_write(wheel: Path, tmp_path: Path) -> None:
    installed = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(installed)
    for path in (*installed.rglob("*"), installed):
        path.chmod(0o555 if path.is_dir() else 0o444)
    environment = {"PYTHONPATH": str(installed), "PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
    found = subprocess.run(
        [sys.executable, "-m", "worker", "weights", "list", "--json"],
        env=environment, cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (found.returncode, found.stderr) == (0, "")
    assert "whisper-base" in found.stdout


def health_check(port: int) -> int:
    """The image's own command, here with this Python."""
    (line,) = [line for line in dockerfile() if line.startswith("HEALTHCHECK")]
    program, *arguments = yaml.safe_load(line.partition(" CMD ")[2])
    assert program == "python"
    environment = os.environ | {"NACHLESE_METRICS__PORT": str(port)}
    return subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, check=False).returncode


def test_the_health_check_tells_alive_from_hung_from_gone() -> None:
    now = [0.0]
    settings = load().metrics.model_copy(update={"port": free_port()})
    listener = metrics.serve(settings, "intake", Health(clock=lambda: now[0]))
    assert listener is not None
    try:
        assert health_check(settings.port) == 0
        now[0] = 3600.0
        assert health_check(settings.port) != 0
    finally:
        listener.close()
    assert health_check(settings.port) != 0
