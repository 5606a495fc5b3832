"""A real nginx or Caddy in front of a server, set up by the very texts of docs/reverse-proxy.md."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs" / "reverse-proxy.md"
NAME = "photos.example"
CERTIFICATE = "/etc/ssl/photos.example.pem"
KEY = "/etc/ssl/photos.example.key"
UPSTREAM = "127.0.0.1:8501"


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def recipe(name: str) -> str:
    """The block below `<!-- recipe: name -->` of the page on proxies."""
    found = re.search(rf"<!-- recipe: {name} -->\n```\w+\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.S)
    assert found, f"docs/reverse-proxy.md has no recipe {name}"
    return found[1]


def program(name: str, package: str) -> str:
    """The path of a program; the test is skipped where it is missing, but not in CI."""
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if path is None:
        reason = f"{name} is not installed (apt install {package})"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return path


def replaced(text: str, changes: dict[str, str]) -> str:
    """Each must be there: a test of a text that it did not change to fit would test something else."""
    for old, new in changes.items():
        assert old in text, f"{old!r} is not in the recipe"
        text = text.replace(old, new)
    return text


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for NAME that only its own key has signed, and that key."""
    certificate, key = folder / "cert.pem", folder / "cert.key"
    command = [program("openssl", "openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}"]
    subprocess.run([*command, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    return certificate, key


def nginx_config(servers: str, folder: Path) -> str:
    """What Debian's nginx.conf has around conf.d, for one user in one folder."""
    temporary = " ".join(f"{kind}_temp_path {folder / kind};" for kind in
                         ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))  # fmt: skip
    return (
        f"daemon off; master_process off; pid {folder / 'pid'}; error_log {folder / 'error.log'};\n"
        f"events {{ worker_connections 512; }}\nhttp {{ access_log off; {temporary}\n{servers}\n}}\n"
    )


@contextmanager
def nginx(servers: str, port: int, folder: Path) -> Iterator[None]:
    """nginx with these server blocks, until the end of the block."""
    config = folder / "nginx.conf"
    config.write_text(nginx_config(servers, folder))
    command = [
        program("nginx", "nginx-light"),
        "-p",
        str(folder),
        "-c",
        str(config),
        "-e",
        str(folder / "start.log"),
    ]
    with _running(command, port, folder):
        yield


@contextmanager
def caddy(sites: str, port: int, folder: Path) -> Iterator[None]:
    """Caddy with these sites and certificates of its own making, until the end of the block."""
    options = f"admin off\n\tlocal_certs\n\tskip_install_trust\n\tauto_https disable_redirects\n\thttps_port {port}"
    config = folder / "Caddyfile"
    config.write_text(f"{{\n\t{options}\n\tstorage file_system {folder / 'storage'}\n}}\n{sites}")
    command = [program("caddy", "caddy"), "run", "--adapter", "caddyfile", "--config", str(config)]
    with _running(command, port, folder):
        yield


@contextmanager
def _running(command: list[str], port: int, folder: Path) -> Iterator[None]:
    log = folder / "output.log"
    with log.open("w") as output:
        environment = {
            **os.environ,
            "HOME": str(folder),
            "XDG_DATA_HOME": str(folder),
            "XDG_CONFIG_HOME": str(folder),
        }
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment)
    try:
        deadline = time.monotonic() + 20
        while not _listens(port):
            assert process.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
