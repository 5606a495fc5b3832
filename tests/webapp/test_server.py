from __future__ import annotations

import socket
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from faceid_core.errors import BadInput
from faceid_core.settings import Settings
from webapp import server


def test_a_port_in_use_is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(BadInput, match=f"Port {port} is in use"):
            server.serve(Settings(library=tmp_path, port=port))


def test_an_address_of_another_machine(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"192\.0\.2\.1 is not one of this machine"):
        server.bind(Settings(library=tmp_path, host="192.0.2.1", port=0))


def test_port_0_finds_a_free_port(tmp_path: Path) -> None:
    with server.bind(Settings(library=tmp_path, port=0)) as listener:
        assert server.address(listener).startswith("http://127.0.0.1:")
        assert not server.address(listener).endswith(":0")


def _answer(host: str, settings: Settings) -> int:
    routes = [Route("/", lambda request: PlainTextResponse("ok"))]
    app = Starlette(routes=routes, middleware=server._guards(settings))
    return TestClient(app, base_url=f"http://{host}").get("/").status_code


@pytest.mark.parametrize(
    ("listen", "asked", "status"),
    [
        ("127.0.0.1", "127.0.0.1:8501", 200),
        ("127.0.0.1", "localhost:8501", 200),
        ("127.0.0.1", "evil.example", 421),
        ("0.0.0.0", "photos.home", 200),
    ],
)
def test_a_local_server_answers_only_local_names(tmp_path: Path, listen: str, asked: str, status: int) -> None:
    assert _answer(asked, Settings(library=tmp_path, host=listen)) == status


def test_streamlit_is_configured_for_privacy(tmp_path: Path) -> None:
    from streamlit import config

    server.configure_streamlit(Settings(library=tmp_path, max_upload_mb=7))
    assert config.get_option("browser.gatherUsageStats") is False
    assert config.get_option("server.maxUploadSize") == 7
    assert config.get_option("client.showErrorDetails") == "none"
    assert config.get_option("theme.light.primaryColor") == "#0f766e"
