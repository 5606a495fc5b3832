"""Settings: the environment, its overrides, and the sentence for a value that can't be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from faceid_core.errors import InvalidSetting
from faceid_core.settings import Settings, load, usable_cores


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"FACEID_{name.upper()}", raising=False)


def test_the_environment_is_read_and_overrides_win(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FACEID_LIBRARY", str(tmp_path / "photos"))
    monkeypatch.setenv("FACEID_PORT", "9000")
    settings = load(port=9100, host=None)
    assert (settings.library, settings.port, settings.host) == (tmp_path / "photos", 9100, "127.0.0.1")


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEID_LIBRARY", "")
    monkeypatch.setenv("FACEID_WORKERS", "")
    assert load().library == Path("data")
    assert load().worker_count == usable_cores()


def test_a_tilde_is_the_home_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert load(library="~/faces").library == tmp_path / "faces"


@pytest.mark.parametrize("text", ["A,B", " A , B ,", '["A", "B"]', '["A","B"]'])
def test_providers_are_a_list_with_commas_or_json(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEID_PROVIDERS", text)
    assert load().providers == ["A", "B"]


def test_providers_have_short_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEID_PROVIDERS", "cuda, CPU")
    assert load().providers == ["CUDAExecutionProvider", "CPUExecutionProvider"]
    assert Settings(providers=["OpenVINO"]).providers == ["OpenVINOExecutionProvider"]


@pytest.mark.parametrize(
    ("text", "networks"),
    [
        ("192.0.2.7", ["192.0.2.7/32"]),
        ("10.1.2.3/8, ::1", ["10.0.0.0/8", "::1/128"]),
        ('["172.16.0.0/12"]', ["172.16.0.0/12"]),
    ],
)
def test_trusted_proxies_are_addresses_and_networks(
    text: str, networks: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load().trusted_proxies == ["127.0.0.0/8", "::1/128"]
    monkeypatch.setenv("FACEID_TRUSTED_PROXIES", text)
    assert load().trusted_proxies == networks


@pytest.mark.parametrize(
    ("url", "origin", "path"),
    [
        (None, None, ""),
        ("https://photos.example", "https://photos.example", ""),
        ("https://Photos.Example:443/Faces/", "https://photos.example", "/Faces"),
        ("http://photos.example:8080/a/b", "http://photos.example:8080", "/a/b"),
    ],
)
def test_the_public_address_has_an_origin_and_a_path(url: str | None, origin: str | None, path: str) -> None:
    settings = Settings(public_url=url)
    assert (settings.public_origin, settings.public_path) == (origin, path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WORKERS", "many"),
        ("WORKERS", "-1"),
        ("PORT", "99999"),
        ("MAX_MEGAPIXELS", "0"),
        ("MIRROR", "perhaps"),
        ("PRECISION", "half"),
        ("PROVIDERS", ","),
        ("TRUSTED_PROXIES", "proxy.example"),
        ("TRUSTED_PROXIES", "*"),
        ("PUBLIC_URL", "photos.example"),
        ("PUBLIC_URL", "https://photos.example/a b"),
        ("PUBLIC_URL", "https://photos.example/api"),
        ("LIBRARY", "~nobody-of-this-name/photos"),
    ],
)
def test_a_bad_value_is_one_sentence_that_names_the_setting(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"FACEID_{name}", value)
    with pytest.raises(InvalidSetting) as caught:
        load()
    sentence = str(caught.value)
    assert f"FACEID_{name}" in sentence
    assert sentence.endswith("correct it or unset it.")
    assert "\n" not in sentence


def test_an_empty_library_option_is_refused() -> None:
    with pytest.raises(InvalidSetting, match="should name a folder"):
        load(library="")


def test_everything_lies_in_the_library_unless_a_database_is_named(tmp_path: Path) -> None:
    settings = Settings(library=tmp_path)
    assert settings.url == f"sqlite:///{tmp_path / 'faceid.db'}"
    folders = (settings.engine_folder, settings.models_folder, settings.graphs_folder, settings.uploads_folder)
    assert {folder.parent for folder in folders} == {tmp_path}
    assert Settings(library=tmp_path, database_url="postgresql://host/faces").url == "postgresql://host/faces"
