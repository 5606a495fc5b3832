"""Sidecars go where the folder has them already."""

from __future__ import annotations

from pathlib import Path

import pytest

from faceid_core.exchange import sidecar_place
from faceid_core.exchange.sidecar_place import Places
from tests.media.test_xmp import sidecar


@pytest.mark.parametrize(
    ("others", "sidecars", "expected"),
    [
        ([], [], "photo.jpg.xmp"),
        (["a.jpg"], ["a.jpg.xmp"], "photo.jpg.xmp"),
        (["a.jpg"], ["a.xmp"], "photo.xmp"),
        (["a.jpg", "b.jpg"], ["a.xmp", "b.jpg.xmp"], "photo.jpg.xmp"),
        (["a.jpg", "photo.CR2"], ["a.xmp"], "photo.jpg.xmp"),
        (["photo.png", "a.jpg"], ["a.xmp"], "photo.jpg.xmp"),
        ([], ["photo.xmp"], "photo.xmp"),
        (["a.jpg"], ["a.jpg.xmp", "photo.xmp"], "photo.xmp"),
        ([], ["photo.xmp", "photo.jpg.xmp"], "photo.jpg.xmp"),
        (["photo.CR2"], ["photo.xmp"], "photo.jpg.xmp"),
    ],
)
def test_where_a_sidecar_goes(others: list[str], sidecars: list[str], expected: str, tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    for name in ["photo.jpg", *others]:
        (tmp_path / name).touch()
    for name in sidecars:
        sidecar(tmp_path, name)
    assert Places().of(photo) == tmp_path / expected


def test_a_folder_is_looked_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places, names_in = Places(), sidecar_place._names_in
    listed: list[Path] = []

    def listing(path: Path) -> list[str]:
        listed.append(path)
        return names_in(path)

    monkeypatch.setattr(sidecar_place, "_names_in", listing)
    places.of(tmp_path / "a.jpg")
    sidecar(tmp_path, "b.xmp")
    assert places.of(tmp_path / "c.jpg").name == "c.jpg.xmp"
    assert listed == [tmp_path]
    assert Places().of(tmp_path / "gone" / "d.jpg").name == "d.jpg.xmp"
