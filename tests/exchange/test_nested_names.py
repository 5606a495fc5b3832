"""Keywords below one for people name those who are on the photo."""

from __future__ import annotations

from pathlib import Path

import pytest

from faceid_core.exchange.name_sources import survey
from faceid_core.exchange.nested_names import names_below
from tests.exchange.test_name_sources import photo

PACKET = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:lr="http://ns.adobe.com/lightroom/1.0/" xmlns:digiKam="http://www.digikam.org/ns/1.0/">
<lr:hierarchicalSubject><rdf:Bag><rdf:li>People</rdf:li><rdf:li>People|Family</rdf:li>
<rdf:li>People|Family|Ann</rdf:li><rdf:li>Places|Oslo</rdf:li></rdf:Bag></lr:hierarchicalSubject>
<digiKam:TagsList><rdf:Seq><rdf:li>People/Family/Ann</rdf:li><rdf:li>people/Bo</rdf:li></rdf:Seq></digiKam:TagsList>
</rdf:Description></rdf:RDF></x:xmpmeta>"""


@pytest.mark.parametrize(
    ("keyword", "people"), [("People", ["Ann", "Bo"]), ("people ", ["Ann", "Bo"]), ("Places", ["Oslo"]), ("", [])]
)
def test_keywords_below_the_chosen_one_are_people(keyword: str, people: list[str], tmp_path: Path) -> None:
    (tmp_path / "photo.jpg.xmp").write_text(PACKET, encoding="utf-8")
    found = survey(photo(tmp_path), people_keyword=keyword)
    assert (found.people, found.regions, found.unusable) == (people, [], [])


def test_a_group_that_is_a_path_of_its_own_is_nobody() -> None:
    paths = [("People", "Family"), ("People", "Family", "Ann"), ("People", "Friends")]
    assert names_below(paths, "people") == ["Ann", "Friends"]
    assert names_below([("People",)], "people") == []
