"""The container files: linted, and about settings and packages that there are."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from faceid_core.cli.main import main
from faceid_core.settings import PREFIX, Settings
from tests.house.rooms import ROOT

NOT_INSTALLED = {"dlib", "openvino-telemetry", "opencv-python", "imageio", "imageio-ffmpeg", "scikit-image"}
"""What the overrides of pyproject.toml leave out."""

ONLY_FOR_TRAINING = re.compile(r"^(torch|torchvision|fastai|triton|spacy|nvidia-|cuda-)")


def pins(file: str) -> dict[str, list[str]]:
    """Package -> its lines."""
    found: dict[str, list[str]] = {}
    for line in (ROOT / file).read_text().splitlines():
        found.setdefault(line.split("==")[0], []).append(line)
    return found


def needed(packages: list[str], seen: set[str]) -> set[str]:
    """These and what they ask for, as it is installed here."""
    for text in packages:
        wanted = Requirement(text)
        name = re.sub(r"[-_.]+", "-", wanted.name).lower()
        extras = wanted.extras or {""}
        if name in NOT_INSTALLED or not any(
            wanted.marker is None or wanted.marker.evaluate({"extra": extra}) for extra in ("", *extras)
        ):
            continue
        if name in seen and extras == {""}:
            continue
        seen.add(name)
        try:
            asked = requires(name) or []
        except PackageNotFoundError:
            continue
        for each in asked:
            other = Requirement(each)
            if other.marker is None or any(other.marker.evaluate({"extra": extra}) for extra in extras):
                other.marker = None
                needed([str(other)], seen)
    return seen


def test_the_short_list_is_a_part_of_the_long_one() -> None:
    slim, full = pins("requirements-slim.txt"), pins("requirements.txt")
    assert {name: full.get(name) for name in slim} == slim
    assert [name for name in slim if ONLY_FOR_TRAINING.match(name)] == []
    assert [name for name in full if ONLY_FOR_TRAINING.match(name)]


def test_the_short_list_is_complete() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["postgres"]]
    wanted += project["optional-dependencies"]["s3"]
    assert needed(wanted, set()) - pins("requirements-slim.txt").keys() == set()


def test_the_dockerfile_passes_its_linter() -> None:
    linter = Path(sys.executable).with_name("hadolint")
    if not linter.exists():
        pytest.skip("hadolint is not installed")
    done = subprocess.run([linter, ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_image_runs_as_nobody_special_and_is_looked_after() -> None:
    text = (ROOT / "Dockerfile").read_text()
    final = text.rpartition("\nFROM ")[2]
    assert re.search(r"^USER [1-9]\d*$", final, re.M) and "HEALTHCHECK" in final
    assert "gcc" not in text and "build-essential" not in text
    settings = set(re.findall(rf"{PREFIX}(\w+)=", final))
    assert settings and {name.lower() for name in settings} <= Settings.model_fields.keys()
    command = re.search(r'^CMD \["(\w+)"\]$', final, re.M)
    assert command and command[1] in main.commands
    for name in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.M):
        assert all((ROOT / each).exists() for each in name.split()), name


def test_compose_starts_an_app_workers_and_a_database() -> None:
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
    services = compose["services"]
    assert services.keys() == {"app", "worker", "database"}
    for name, service in services.items():
        assert "healthcheck" in service or name == "app", "the image has one"
        named = [volume.split(":")[0] for volume in service["volumes"] if not volume.startswith("$")]
        assert set(named) <= compose["volumes"].keys()
        for host in service.get("ports", ()):
            assert host.startswith("127.0.0.1:"), "nobody else reaches it until somebody wants it"
    for name in ("app", "worker"):
        known = {f"{PREFIX}{field.upper()}" for field in Settings.model_fields}
        assert services[name]["environment"].keys() <= known
        assert services[name]["depends_on"] == {"database": {"condition": "service_healthy"}}
    assert services["worker"]["command"][0] in main.commands
