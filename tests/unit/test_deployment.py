"""Deployment files against what they deploy: settings, commands, metrics, ports and grace periods must agree."""

import ast
import contextlib
import os
import re
import shlex
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from packaging.requirements import Requirement

from config.settings import Settings, load
from worker.cli import cli
from worker.watch.metrics import QueueNumbers

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "config" / "deploy"
DOCKERFILE = ROOT / "Dockerfile"
COMPOSE = ROOT / "compose.yaml"
ENV_EXAMPLE = ROOT / ".env.example"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
KUBERNETES = DEPLOY / "kubernetes"
OURS = ("intake", "worker", "recap", "worker-cuda")
#: Read by Compose itself, not by us.
COMPOSE_OWN = {"NACHLESE_IMAGE", "NACHLESE_TAG"}
USER = "10001"


def instructions(target: str) -> list[tuple[str, str]]:
    """All instructions that lead to a target: its own stage, and before it those it is FROM."""
    stages: dict[str, tuple[str, list[tuple[str, str]]]] = {}
    lines = [line for line in DOCKERFILE.read_text().splitlines() if not line.lstrip().startswith("#")]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        word, _, rest = line.partition(" ")
        if word == "FROM":
            parent, _, name = rest.split()
            stages[name] = (parent, [])
            current = stages[name][1]
        elif word and stages:
            current.append((word, " ".join(rest.split())))
    if target == "*":
        return [one for _, own in stages.values() for one in own]
    parent, own = stages[target]
    return (instructions(parent) if parent in stages else []) + own


def last(target: str, word: str) -> str:
    return [rest for name, rest in instructions(target) if name == word][-1]


def image_environment() -> dict[str, str]:
    found: dict[str, str] = {}
    for word, rest in instructions("cpu"):
        if word == "ENV":
            found |= dict(part.split("=", 1) for part in shlex.split(rest))
    return found


def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())["services"]
    return found


def documents() -> Iterator[tuple[Path, dict[str, Any]]]:
    for path in sorted(KUBERNETES.rglob("*.yaml")):
        if path.name not in {"kustomization.yaml", "scaling.yaml"}:
            yield from ((path, document) for document in yaml.safe_load_all(path.read_text()))


def workloads() -> dict[str, dict[str, Any]]:
    """Deployments and stateful sets of base and components, by name; the overlays only change them."""
    kinds = {"Deployment", "StatefulSet"}
    found = ((path, document) for path, document in documents() if document["kind"] in kinds)
    return {document["metadata"]["name"]: document for path, document in found if "overlays" not in path.parts}


def unit(path: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in path.read_text().splitlines():
        name, sign, value = line.partition("=")
        if sign and not line.startswith(("#", "[")):
            found.setdefault(name, []).append(value)
    return found


def seconds(text: str) -> float:
    number = re.fullmatch(r"(\d+)s", text)
    assert number, text
    return float(number[1])


def substituted(text: str) -> str:
    """A value of compose.yaml as it is with .env.example's defaults."""
    return re.sub(r"\$\{\w+:?-([^}]*)\}", r"\1", text)


def deployment_texts() -> Iterator[tuple[str, str]]:
    binary = {".pyc"}
    for path in (DOCKERFILE, COMPOSE, ENV_EXAMPLE, *DEPLOY.rglob("*")):
        if path.is_file() and path.suffix not in binary:
            yield str(path.relative_to(ROOT)), path.read_text()


def test_every_setting_named_exists() -> None:
    known = {
        f"NACHLESE_{section}__{field}".upper()
        for section, of in Settings.model_fields.items()
        for field in of.annotation.model_fields  # type: ignore[union-attr]
    } | COMPOSE_OWN
    named = {(place, name) for place, text in deployment_texts() for name in re.findall(r"NACHLESE_\w+", text)}
    assert len(named) > 20
    assert {(place, name) for place, name in named if name not in known} == set()


def environments() -> list[Any]:
    found = [pytest.param(image_environment(), id="image")]
    found += [pytest.param(services()[name]["environment"], id=f"compose {name}") for name in OURS]
    settings = next(d for p, d in documents() if d["kind"] == "ConfigMap")
    return [*found, pytest.param(settings["data"], id="kubernetes")]


@pytest.mark.parametrize("environment", environments())
def test_settings_accept_the_values(environment: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("NACHLESE_")]:
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, substituted(str(value)))
    settings = load()
    for name, value in environment.items():
        if name.startswith("NACHLESE_") and "?" not in str(value):
            section, field = name.removeprefix("NACHLESE_").lower().split("__")
            found = getattr(getattr(settings, section), field)
            assert type(found)(substituted(str(value))) == found


def commands() -> list[Any]:
    found = [pytest.param(["intake"], id="plain")]
    found.append(pytest.param(yaml.safe_load(last("cpu", "CMD")), id="image"))
    found += [pytest.param(services()[name]["command"], id=f"compose {name}") for name in OURS]
    for path, document in documents():
        for container in document.get("spec", {}).get("template", {}).get("spec", {}).get("containers", []):
            if container["image"] in {"nachlese", "nachlese-cuda"}:
                where = path.relative_to(KUBERNETES).with_suffix("")
                found.append(pytest.param(container["args"], id=f"kubernetes {where}"))
    for path in UNITS:
        program, *arguments = unit(path)["ExecStart"][0].replace("%i", "cuda:0").split()
        assert Path(program).name == "nachlese"
        found.append(pytest.param(arguments, id=f"systemd {path.stem}"))
    return found


@pytest.mark.parametrize("arguments", commands())
def test_commands_parse(arguments: list[str]) -> None:
    name, *rest = arguments
    command = cli.commands[name]
    with click.Context(cli) as parent:
        assert command.make_context(name, list(rest), parent=parent).info_name == name


@pytest.mark.parametrize("target", ["cpu", "cuda", "servers"])
def test_image_runs_under_tini_without_rights(target: str) -> None:
    assert last(target, "USER") == f"{USER}:{USER}"
    assert instructions(target)[-1] == ("USER", f"{USER}:{USER}")
    assert yaml.safe_load(last(target, "ENTRYPOINT"))[:2] == ["/usr/bin/tini", "--"]
    assert last(target, "STOPSIGNAL") == "SIGTERM"
    assert any("chmod a-s" in rest for word, rest in instructions(target) if word == "RUN")


def test_builds_install_nothing_unchecked() -> None:
    calls = [
        call
        for word, rest in instructions("*")
        if word == "RUN"
        for call in re.split(r"&&|\|\||;", rest)
        if re.search(r"\bpip (install|wheel|download)\b", call)
    ]
    assert len(calls) > 8
    open_ones = [call for call in calls if "--no-index" not in call and "--require-hashes" not in call]
    # torch's build is chosen by the index; its hash is compared where it is installed.
    assert [call for call in open_ones if "torch.lock" not in call] == []
    assert sum("--require-hashes" in call and "torch.lock" in call for call in calls) == 1


def test_builds_keep_secrets_out_of_layers() -> None:
    for word, rest in instructions("*"):
        if word in {"ARG", "ENV", "LABEL"}:
            assert not re.search(r"password|secret|token|_key", rest, re.IGNORECASE), rest
        assert word != "ADD"


def test_images_take_only_files_that_are_there() -> None:
    sources = []
    for word, rest in instructions("*"):
        parts = [part for part in rest.split() if not part.startswith("--")]
        if word == "COPY" and "--from=" not in rest:
            sources += parts[:-1]
        sources += re.findall(r"type=bind,source=([^,]+)", rest)
    assert {source for source in sources if not (ROOT / source).exists()} == set()
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert {source.split("/")[0] for source in sources} == let_in


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def project() -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return found


def locked(lock: str) -> dict[str, str]:
    pins = re.findall(r"^([A-Za-z0-9._-]+)={2,3}(\S+) \\$", (ROOT / "config" / lock).read_text(), re.MULTILINE)
    return {plain(name): version for name, version in pins}


def installed_with(wanted: list[str]) -> set[str]:
    """Names of these packages and of all that they ask for, as far as they are installed here."""
    found: set[str] = set()
    waiting = [Requirement(line) for line in wanted]
    while waiting:
        one = waiting.pop()
        if plain(one.name) in found or (one.marker and not one.marker.evaluate({"extra": ""})):
            continue
        found.add(plain(one.name))
        with contextlib.suppress(metadata.PackageNotFoundError):
            waiting += [Requirement(line) for line in metadata.requires(one.name) or ()]
    return found


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]
        yield from imported(node)


def test_locks_hold_what_images_install() -> None:
    wanted = project()["dependencies"] + project()["optional-dependencies"]["laptop"]
    assert installed_with(wanted) - locked("requirements.lock").keys() - locked("torch.lock").keys() == set()
    assert locked("cuda.lock")["torch"] == locked("torch.lock")["torch"]
    assert locked("cuda.lock").keys() & locked("requirements.lock").keys() == set()


def test_images_hold_what_we_import() -> None:
    optional = project()["optional-dependencies"]
    # Nobody scores recordings in a container; `nachlese evaluate` names what it needs.
    there = installed_with(project()["dependencies"] + optional["laptop"] + optional["evaluate"])
    sources = [path for folder in ("jobs", "worker", "config") for path in (ROOT / folder).rglob("*.py")]
    names = {name for path in sources for name in imported(ast.parse(path.read_text()))}
    foreign = names - set(sys.stdlib_module_names) - {"jobs", "worker", "config"}
    owners = metadata.packages_distributions()
    assert {name for name in foreign if not there & {plain(owner) for owner in owners.get(name, ())}} == set()


def test_cuda_lock_names_one_of_the_builds_of_torch() -> None:
    def hashes(lock: str) -> set[str]:
        text = (ROOT / "config" / lock).read_text()
        return set(re.findall(r"sha256:([0-9a-f]{64})", text.split("torch==", 1)[1].split("\n\n")[0]))

    own = re.search(r"^torch===\S+ \\\n\s+--hash=sha256:(\w+)", (ROOT / "config/cuda.lock").read_text(), re.MULTILINE)
    assert own is not None
    assert own[1] in hashes("torch.lock")


@pytest.mark.parametrize("name", sorted(services()))
def test_containers_are_fenced_in(name: str) -> None:
    service = services()[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["restart"] == "unless-stopped"
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}
    assert service.keys() >= {"mem_limit", "cpus", "pids_limit"}
    assert not service.keys() & {"privileged", "cap_add", "devices", "pid", "ipc", "user"}


def test_only_the_bucket_and_the_dashboard_can_be_reached() -> None:
    published = {name: service["ports"] for name, service in services().items() if "ports" in service}
    assert {name: [port.rsplit(":", 1)[1] for port in ports] for name, ports in published.items()} == {
        "s3": ["8333"],
        "grafana": ["3000"],
    }
    assert all(substituted(port).startswith("127.0.0.1:") for ports in published.values() for port in ports)
    networks = yaml.safe_load(COMPOSE.read_text())["networks"]
    assert networks["inside"]["internal"] is True
    assert services()["broker"]["networks"] == ["inside"]
    assert all("outside" not in services()[name]["networks"] for name in OURS)


def test_ours_wait_for_bucket_and_broker() -> None:
    for name in OURS:
        waits = {on: how["condition"] for on, how in services()[name]["depends_on"].items()}
        assert waits == {"broker": "service_healthy", "s3": "service_healthy"}
    assert all("healthcheck" in services()[name] for name in ("broker", "s3"))


def test_env_example_explains_every_variable() -> None:
    text = ENV_EXAMPLE.read_text()
    asked = set(re.findall(r"\$\{(\w+)", COMPOSE.read_text()))
    assert set(re.findall(r"^(\w+)=", text, re.MULTILINE)) == asked
    defaults = set(re.findall(r"\$\{(\w+):?-([^}]+)\}", COMPOSE.read_text()))
    assert {(n, v) for n, v in re.findall(r"^(\w+)=(.+)$", text, re.MULTILINE)} == defaults


def test_compose_mounts_only_what_is_there() -> None:
    mounted = re.findall(r"- (\./[^:\s]+):", COMPOSE.read_text())
    assert mounted
    assert [path for path in mounted if not (ROOT / path).exists()] == []


def test_everyone_knows_the_same_port() -> None:
    port = image_environment()["NACHLESE_METRICS__PORT"]
    assert last("cpu", "EXPOSE") == port
    scraped = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    assert [found["port"] for job in scraped["scrape_configs"] for found in job["dns_sd_configs"]] == [int(port)]
    assert set(scraped["scrape_configs"][0]["dns_sd_configs"][0]["names"]) == set(OURS)
    for name in ("intake", "worker", "recap"):
        container = workloads()[name]["spec"]["template"]["spec"]["containers"][0]
        assert container["ports"] == [{"name": "metrics", "containerPort": int(port)}]


def test_nobody_is_killed_while_draining() -> None:
    drain_s = load().worker.drain_s
    for name in ("worker", "recap", "worker-cuda"):
        service = services()[name]
        asked = float(substituted(str(service["environment"]["NACHLESE_WORKER__DRAIN_S"])))
        assert seconds(substituted(service["stop_grace_period"])) >= asked + 15
    data = next(document for _, document in documents() if document["kind"] == "ConfigMap")["data"]
    for name in ("worker", "recap"):
        grace_s = workloads()[name]["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
        assert grace_s >= float(data["NACHLESE_WORKER__DRAIN_S"]) + 15
    for path in UNITS:
        if "worker" in unit(path)["ExecStart"][0]:
            assert seconds(unit(path)["TimeoutStopSec"][0]) >= drain_s + 15


@pytest.mark.parametrize("name", sorted(workloads()))
def test_pods_keep_to_the_restricted_profile(name: str) -> None:
    pod = workloads()[name]["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert str(pod["securityContext"]["runAsUser"]) == USER
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    for container in pod["containers"]:
        fence = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
        assert container["securityContext"] == fence
        assert "memory" in container["resources"]["limits"]
    assert workloads()[name]["spec"]["selector"]["matchLabels"].items() <= (
        workloads()[name]["spec"]["template"]["metadata"]["labels"].items()
    )


def test_pods_are_asked_what_we_answer() -> None:
    for name in ("intake", "worker", "recap"):
        container = workloads()[name]["spec"]["template"]["spec"]["containers"][0]
        asked = {kind: container[kind]["httpGet"] for kind in ("startupProbe", "livenessProbe", "readinessProbe")}
        assert {kind: (get["path"], get["port"]) for kind, get in asked.items()} == {
            "startupProbe": ("/healthz", "metrics"),
            "livenessProbe": ("/healthz", "metrics"),
            "readinessProbe": ("/readyz", "metrics"),
        }


def test_a_pod_has_one_card() -> None:
    patch = yaml.safe_load((KUBERNETES / "overlays" / "gpu" / "worker.yaml").read_text())
    pod = patch["spec"]["template"]["spec"]
    assert [container["resources"]["limits"]["nvidia.com/gpu"] for container in pod["containers"]] == [1]
    assert any(toleration["key"] == "nvidia.com/gpu" for toleration in pod["tolerations"])


def test_scaling_leaves_the_number_of_workers_alone() -> None:
    assert "replicas" not in workloads()["worker"]["spec"]
    scaled = next(document for _, document in documents() if document["kind"] == "ScaledObject")
    assert scaled["spec"]["scaleTargetRef"]["name"] == "worker"


def test_scaling_asks_for_a_number_that_there_is() -> None:
    scaled = next(document for _, document in documents() if document["kind"] == "ScaledObject")
    query = scaled["spec"]["triggers"][0]["metadata"]["query"]
    (name,) = re.findall(r"nachlese_\w+", query)
    assert name in {family.name for family in QueueNumbers().describe()}
    assert 'state=~"waiting|running"' in query
    assert f'queue="{load().broker.queue}"' in query


def test_kustomizations_name_files_that_are_there() -> None:
    named = []
    for path in KUBERNETES.rglob("kustomization.yaml"):
        content = yaml.safe_load(path.read_text())
        patches = [patch["path"] for patch in content.get("patches", [])]
        entries = content.get("resources", []) + content.get("components", []) + patches
        named += [(path.parent / entry).resolve() for entry in entries]
    assert [path for path in named if not path.exists()] == []
    used = {file for path in named for file in ([path] if path.is_file() else [path / "kustomization.yaml"])}
    examples = {KUBERNETES / "base" / "secret.example.yaml"}
    tops = set((KUBERNETES / "overlays").glob("*/kustomization.yaml"))
    assert set(KUBERNETES.rglob("*.yaml")) - used - examples - tops == set()


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_units_come_back_and_leave_nothing_behind(path: Path) -> None:
    found = unit(path)
    assert found["Restart"] == ["always"]
    assert found["StartLimitIntervalSec"] == ["0"]
    assert found["KillMode"] == ["mixed"]
    assert found["User"] == ["nachlese"]
    assert found["NoNewPrivileges"] == ["yes"]
    assert found["ProtectSystem"] == ["strict"]
    assert "MemoryMax" in found
    assert found["EnvironmentFile"] == ["/etc/nachlese/nachlese.env", "-/etc/nachlese/%N.env"]


def test_only_workers_on_cards_see_devices() -> None:
    closed = {path.stem: "PrivateDevices" in unit(path) for path in UNITS}
    assert closed == {"nachlese-intake": True, "nachlese-recap": True, "nachlese-worker@": False}
    assert unit(DEPLOY / "systemd" / "nachlese-worker@.service")["DevicePolicy"] == ["closed"]
