"""consent, retention, audit, and erasures that reach backups."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from faceid_core.library import Library
from faceid_core.settings import Settings
from tests.cli.running import Ran, faceid, refused
from tests.library.conftest import new_photo


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with Library.open(Settings(library=tmp_path / "library")) as library:
        library.photos.add_many([new_photo(f"/photos/{n}.jpg", faces=2) for n in range(3)])
        library.people.name_faces([1, 3], "Ada")
        library.people.name_faces([2], "Bo")
    return tmp_path / "library"


def run(folder: Path, *arguments: object) -> Ran:
    return faceid("--library", folder, *arguments)


def test_consent_is_set_and_listed(folder: Path) -> None:
    done = run(
        folder, "consent", "set", "ada", "given", "--basis", "form 7", "--on", "2026-03-01", "--until", "2020-01-01"
    )
    refused(done, "Consent can't end before it was given")
    until = ("--until", "2020-01-01")
    done = run(folder, "consent", "set", "ada", "given", "--basis", "form 7", *until)
    assert (done.code, done.err) == (0, "The consent of Ada is given.\n")
    assert run(folder, "consent", "list", "--json").json == [
        {"name": "Ada", "state": "given", "basis": "form 7", "given_on": None, "until": "2020-01-01"},
        {"name": "Bo", "state": "unknown", "basis": "", "given_on": None, "until": None},
    ]
    assert "ended" in run(folder, "consent", "list", "--ended").out
    assert "Bo" not in run(folder, "consent", "list", "--ended").out
    assert "Ada" not in run(folder, "consent", "list", "--state", "unknown").out
    assert run(folder, "consent", "set", "ada", "given", "--basis", "form 7", *until).err == "Nothing changed.\n"
    refused(run(folder, "consent", "set", "Cy", "given"), "There is no person called Cy")
    refused(run(folder, "consent", "set", "Ada", "maybe"), "maybe")


def test_refusing_asks_deletes_and_names_backups(folder: Path, tmp_path: Path) -> None:
    run(folder, "backup", tmp_path / "before.zip")
    refused(run(folder, "consent", "set", "Ada", "refused"), "Nothing was changed; add --yes")
    done = run(folder, "consent", "set", "Ada", "refused", "--yes")
    assert done.code == 0
    assert "pictures and vectors of 2 faces and 0 recognisers" in done.err and "before.zip" in done.err
    with Library.open(Settings(library=folder)) as library:
        assert set(library.faces.crops(range(1, 7))) == {2, 4, 5, 6}
    refused(run(folder, "erase", "backups"), "Nothing was deleted; add --yes")
    assert "1 backup deleted." in run(folder, "erase", "backups", "--yes").err
    assert not (tmp_path / "before.zip").exists()
    assert "no backup" in run(folder, "erase", "backups", "--yes").err


@pytest.mark.slow
def test_an_erasure_reaches_backups(folder: Path, tmp_path: Path) -> None:
    for name in ("one.zip", "two.zip"):
        run(folder, "backup", tmp_path / name)
    listed = run(folder, "erase", "person", "Ada", "--yes")
    assert "2 older backups still hold what was erased" in listed.err and "one.zip" in listed.err
    assert (tmp_path / "one.zip").exists()
    done = run(folder, "erase", "person", "Bo", "--yes", "--backups")
    assert "It also deletes 2 backups" in done.err and "2 backups deleted, too." in done.err
    assert list(tmp_path.glob("*.zip")) == []
    run(folder, "backup", tmp_path / "three.zip")
    with Library.open(Settings(library=folder)) as library:
        library.photos.add_many([new_photo("/photos/late.jpg")])
    assert (
        "No backup that faceid knows of still holds it"
        in run(folder, "erase", "photo", "/photos/late.jpg", "--yes").err
    )
    assert "1 backup deleted, too." in run(folder, "erase", "photo", "/photos/2.jpg", "--yes", "--backups").err


def test_retention_is_a_dry_run_until_applied(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert "No rule is set" in run(folder, "retention").err
    run(folder, "consent", "set", "Ada", "given", "--until", "2020-01-01")
    run(folder, "backup", tmp_path / "one.zip")
    run(folder, "backup", tmp_path / "two.zip")
    monkeypatch.setenv("FACEID_RETENTION_CONSENT", "erase")
    monkeypatch.setenv("FACEID_RETENTION_BACKUPS", "1")
    dry = run(folder, "retention")
    assert "1 person" in dry.out and "consent ended, erased" in dry.out and "add --apply" in dry.err
    assert run(folder, "people", "--json").json[0]["name"] == "Ada"
    done = run(folder, "retention", "--apply", "--json")
    assert done.json == [
        {"rule": "consent ended, erased", "number": 1},
        {"rule": "beyond the newest 1", "number": 1},
    ]
    assert [person["name"] for person in run(folder, "people", "--json").json] == ["Bo"]
    assert len(list(tmp_path.glob("*.zip"))) == 1
    assert "Ada" not in run(folder, "history").out
    monkeypatch.setenv("FACEID_RETENTION_CONSENT", "burn")
    refused(run(folder, "retention"), "FACEID_RETENTION_CONSENT")


def test_the_audit_is_a_csv(folder: Path) -> None:
    run(folder, "consent", "set", "Bo", "given")
    run(folder, "undo")
    run(folder, "erase", "person", "Ada", "--yes")
    rows = list(csv.DictReader(io.StringIO(run(folder, "audit").out)))
    assert [row["kind"] for row in rows] == ["name", "name", "consent", "erase"]
    assert rows[2]["undone_by"] == "owner" and rows[2]["undone_at"].endswith("Z") and rows[1]["undone_at"] == ""
    assert "Ada" not in str(rows) and "“Bo”" in str(rows)
    assert run(folder, "audit", "--by", "nobody").out.count("\n") == 1
    assert run(folder, "audit", "--to", "2020-01-01").out.count("\n") == 1
    assert run(folder, "audit", "--from", "2020-01-01").out == run(folder, "audit").out
    refused(run(folder, "audit", "--from", "yesterday"), "yesterday")
