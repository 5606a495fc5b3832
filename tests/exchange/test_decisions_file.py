"""The decisions file: one clear sentence for whatever is wrong in it, and the same bytes as ever."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from faceid_core.errors import DecisionsUnusable
from faceid_core.exchange import decisions_file
from tests.cli.running import ROOT, faceid

SCHEMA = ROOT / "docs" / "decisions.schema.json"
FORMS = pytest.mark.parametrize("suffix", [".json", ".parquet"])
BOX = [1.5, -2.0, 30.25, 40.125]
REF = {"photo": "a" * 64, "path": "/ø/a.jpg", "box": BOX}
NAMED: dict[str, Any] = {
    **REF, "person": "Anna", "source": "human", "at": "2024-01-02T03:04:05.123000", "flag": "none", "not": ["Bø"],
    "cover_of": "Anna",
}  # fmt: skip
FLAGGED = {**NAMED, "person": None, "at": None, "flag": "stranger", "not": [], "cover_of": None}
DOCUMENT: dict[str, Any] = {
    "format": "faceid-decisions",
    "version": 1,
    "made_at": "2025-06-07T08:09:10+00:00",
    "people": [
        {"name": "Anna", "birth_date": "2001-02-03", "hidden": True},
        {"name": "Bø", "birth_date": None, "hidden": False},
    ],
    "faces": [NAMED, FLAGGED],
    "pairs": [{"one": REF, "other": {**REF, "path": "/b"}, "same": True}],
}
"""A file as faceid has written it since there are pairs."""


def in_json(document: Any, folder: Path) -> Path:
    file = folder / "mine.json"
    file.write_text(json.dumps(document, ensure_ascii=False, indent=1), encoding="utf-8")
    return file


def as_parquet(document: dict[str, Any], folder: Path) -> Path:
    """As the version before wrote it."""
    import pyarrow as pa
    from pyarrow import parquet

    text, texts = pa.string(), pa.list_(pa.string())
    columns = {"photo": text, "path": text, "box": pa.list_(pa.float64(), 4), "person": text, "source": text,
               "at": text, "flag": text, "not": texts, "cover_of": text}  # fmt: skip
    head = json.dumps({name: value for name, value in document.items() if name != "faces"})
    schema = pa.schema(list(columns.items()), metadata={"faceid-decisions": head})
    file = folder / "mine.parquet"
    parquet.write_table(pa.Table.from_pylist(document["faces"], schema=schema), file)
    return file


def refused(file: Path) -> str:
    with pytest.raises(DecisionsUnusable) as caught:
        decisions_file.read(file)
    sentence = str(caught.value)
    assert "\n" not in sentence and len(sentence) < 400
    assert sentence.endswith((".", ";")) and str(file) in sentence
    return sentence.replace(str(file), "FILE")


def test_a_json_file_of_before_is_read_and_written_again_byte_for_byte(tmp_path: Path) -> None:
    file = in_json(DOCUMENT, tmp_path)
    decisions_file.write(decisions_file.read(file), tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == file.read_bytes()


def test_a_parquet_file_of_before_is_read_and_written_again_byte_for_byte(tmp_path: Path) -> None:
    file = as_parquet(DOCUMENT, tmp_path)
    assert decisions_file.read(file) == decisions_file.read(in_json(DOCUMENT, tmp_path))
    decisions_file.write(decisions_file.read(file), tmp_path / "again.parquet")
    assert (tmp_path / "again.parquet").read_bytes() == file.read_bytes()


@pytest.mark.parametrize("form", [in_json, as_parquet])
def test_a_file_of_before_there_were_pairs_is_read(
    form: Callable[[dict[str, Any], Path], Path], tmp_path: Path
) -> None:
    old = {name: value for name, value in DOCUMENT.items() if name != "pairs"}
    assert decisions_file.read(form(old, tmp_path)).pairs == ()


def test_a_wrong_field_is_named_with_its_entry(tmp_path: Path) -> None:
    """Fault 18: it was "holds no decisions; give a file that … wrote"."""
    document = {**DOCUMENT, "faces": [NAMED] * 16 + [{**NAMED, "flag": None}]}
    assert refused(in_json(document, tmp_path)) == (
        "FILE can't be imported: face 17, flag: it should be 'none', 'not_a_face', 'stranger' or 'hidden', "
        "not null; correct the file or export it again."
    )


def test_a_wrong_field_in_parquet_is_named_with_its_entry(tmp_path: Path) -> None:
    document = {**DOCUMENT, "faces": [NAMED, {**NAMED, "source": "guess"}]}
    assert "face 2, source: it should be 'human', 'accepted' or 'imported', not \"guess\"" in refused(
        as_parquet(document, tmp_path)
    )


NO_BOX = "box: it should be left, top, right, bottom, with left <= right and top <= bottom"


@pytest.mark.parametrize(
    ("entry", "change", "words"),
    [
        ("faces", {"flag": 3}, "face 2, flag: it should be 'none'"),
        ("faces", {"source": "model"}, "face 2, source: it should be 'human'"),
        ("faces", {"box": BOX[:3]}, "face 2, box, item 4: it is missing"),
        ("faces", {"box": "1234"}, "face 2, box: it should be a valid array"),
        ("faces", {"box": [1, 2, float("nan"), 4]}, "face 2, box, item 3: it should be a finite number, not NaN"),
        ("faces", {"box": [1, 2, float("inf"), 4]}, "face 2, box, item 3: it should be a finite number"),
        ("faces", {"box": [3, 2, 1, 4]}, f"face 2, {NO_BOX}"),
        ("faces", {"box": [1, 4, 3, 2]}, f"face 2, {NO_BOX}"),
        ("faces", {"at": "yesterday"}, "face 2, at: it should be a time such as"),
        ("faces", {"at": "1700000000"}, "face 2, at: it should be a time such as"),
        ("faces", {"at": "0001-01-01T00:00:00+05:00"}, "face 2, at: it should be a time between"),
        ("faces", {"not": [3]}, "face 2, not, item 1: it should be a valid string, not 3"),
        ("faces", {"not": None}, "face 2, not: it should be a valid array, not null"),
        ("faces", {"photo": ""}, "face 2, photo: it should have at least 1 character"),
        ("faces", {"person": "x" * 5000}, "face 2, person: it should have at most 100 characters;"),
        ("people", {"birth_date": "2001-13-01"}, "person 2, birth_date: it should be a date such as"),
        ("people", {"hidden": "no"}, "person 2, hidden: it should be a valid boolean"),
        ("people", {"name": 7}, "person 2, name: it should be a valid string"),
        ("pairs", {"same": 1}, "pair 1, same: it should be a valid boolean"),
        ("pairs", {"one": None}, "pair 1, one: it should be an object, not null"),
        ("pairs", {"other": {**REF, "box": [9, 0, 0, 0]}}, f"pair 1, other, {NO_BOX}"),
    ],
)
def test_each_wrong_value_is_one_sentence(entry: str, change: dict[str, Any], words: str, tmp_path: Path) -> None:
    document = copy.deepcopy(DOCUMENT)
    document[entry][-1].update(change)
    assert words in refused(in_json(document, tmp_path))


@pytest.mark.parametrize("field", sorted({*NAMED} | {"box"}))
def test_each_field_of_a_face_is_needed(field: str, tmp_path: Path) -> None:
    document = copy.deepcopy(DOCUMENT)
    del document["faces"][1][field]
    assert f"face 2, {field}: it is missing" in refused(in_json(document, tmp_path))


def test_several_faults_are_counted(tmp_path: Path) -> None:
    document = {**DOCUMENT, "faces": [{**NAMED, "flag": None}] * 1200}
    assert "face 1, flag" in (sentence := refused(in_json(document, tmp_path)))
    assert "(and 1,199 more)" in sentence


HEAD = '{"format": "faceid-decisions", "version": 1, "people": [], "faces": '


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HEAD + "[" * 100_000, "not a complete JSON file (recursion limit"),
        ("[" * 100_000 + "]" * 100_000, "not a complete JSON file (recursion limit"),
        (HEAD + "[" + "9" * 10_000 + "]}", "not a complete JSON file (number out of range"),
        (HEAD + "[", "not a complete JSON file (EOF"),
        ("", "not a complete JSON file (EOF"),
        ("null", "contains no decisions"),
        ("[1]", "contains no decisions"),
        ("{}", "contains no decisions"),
        (HEAD + "{}}", "faces: it should be a valid array"),
        (HEAD + '["x"]}', 'face 1: it should be an object, not "x"'),
        (HEAD.replace("1", "2") + "[]}", "was written by a newer faceid"),
        (HEAD.replace("1", "9" * 400) + "[]}", "was written by a newer faceid"),
        (HEAD.replace("1", '"1"') + "[]}", "version: it should be 1"),
    ],
    ids=range(13),
)
def test_what_is_no_such_file_is_one_sentence(text: str, words: str, tmp_path: Path) -> None:
    file = tmp_path / "bad.json"
    file.write_text(text, encoding="utf-8")
    assert words in refused(file)


# --- the published schema ---------------------------------------------------------------------------------------
def test_the_published_schema_is_current() -> None:
    """After a change: faceid decisions schema > docs/decisions.schema.json"""
    assert SCHEMA.read_text(encoding="utf-8") == decisions_file.schema()


def test_the_command_prints_the_schema_and_nothing_else() -> None:
    ran = faceid("decisions", "schema")
    assert (ran.code, ran.out, ran.err) == (0, decisions_file.schema(), "")


@pytest.mark.slow
def test_the_schema_takes_what_faceid_writes_and_refuses_what_it_refuses() -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(DOCUMENT, schema)
    for wrong in ({"flag": None}, {"box": BOX[:3]}, {"source": "model"}, {"not": [3]}, {"photo": ""}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**DOCUMENT, "faces": [{**NAMED, **wrong}]}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({name: value for name, value in DOCUMENT.items() if name != "version"}, schema)
