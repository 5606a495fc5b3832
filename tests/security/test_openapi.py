"""The API as its description has it: schemathesis asks all that it allows, and much that it does not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from faceid_core.library import Library
from faceid_core.steps import recognise
from tests import sharing
from tests.webapp.conftest import new_photo
from webapp import api, context

pytestmark = pytest.mark.slow

EXAMPLES = 60
"""Requests of each kind and address: a minute on one core, together."""


class Nobody:
    """A recogniser that finds no face, so that pictures go the whole way."""

    def recognise(self, image: Any, *, threshold: float | None = None) -> list[Any]:
        return []


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    """The API over a library with photos and a person."""
    folder = tmp_path_factory.mktemp("openapi")
    settings = sharing.new_library(folder / "library")
    with Library.open(settings) as library:
        library.photos.add_many([new_photo(folder, number) for number in range(3)])
        library.people.name_faces([1], "Ada 👩🏽")
    context.configure(settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recognise, "load_recogniser", lambda library: Nobody())
        yield api.build(settings)
    context.close_libraries()


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_every_answer_is_as_described(app: FastAPI, mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    described: list[Any] = list(schema.get_all_operations())
    operations = [found.ok() for found in described]
    assert len(operations) >= 6
    for operation in operations:
        ask(operation, mode)


def ask(operation: Any, mode: GenerationMode) -> None:
    """Requests that are as the description has them, or are not; the answers must be in any case."""

    @hypothesis.given(operation.as_strategy(generation_mode=mode))
    @hypothesis.settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def asked(case: Any) -> None:
        # Which bytes are a photo, and that a gallery is of one person, is more than the description can say.
        is_unsayable = operation.method.upper() == "POST" or operation.path.startswith("/exports/")
        unsayable = [positive_data_acceptance] if is_unsayable else []
        case.call_and_validate(excluded_checks=unsayable)

    try:
        asked()
    except Unsatisfiable:  # there is nothing that could be wrong with a request without parameters
        assert mode is GenerationMode.NEGATIVE
