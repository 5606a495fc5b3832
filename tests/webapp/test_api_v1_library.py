"""/api/v1: people and their pictures, and jobs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from faceid_core.library import Library
from faceid_core.settings import Settings
from faceid_core.values import Actor, Role
from webapp import api, context

VERA = Actor("Vera", Role.VIEWER)


@pytest.fixture
def client(filled: Library, settings: Settings) -> Iterator[TestClient]:
    filled.people.name_faces([1, 2], "Ada")
    filled.people.name_faces([3], "unknown")
    with TestClient(api.build(settings), raise_server_exceptions=False) as client:
        yield client


def test_people_have_faces_photos_and_pictures(client: TestClient) -> None:
    people = client.get("/v1/people").json()["people"]
    assert [(each["name"], each["faces"], each["photos"]) for each in people] == [("Ada", 2, 2), ("unknown", 1, 1)]
    ada = people[0]["id"]
    assert client.get(f"/v1/people/{ada}").json() == people[0]
    assert client.get("/v1/people", params={"name": "ADA"}).json()["people"] == people[:1]
    assert [client.get("/v1/people", params={"name": name}).json() for name in ("", "Bo", "\x87\x85")] == [
        {"people": []}
    ] * 3
    assert client.get("/v1/people", params={"after": ada, "limit": 1}).json()["people"] == people[1:]
    faces = client.get(f"/v1/people/{ada}/faces").json()["faces"]
    assert {face["id"] for face in faces} == {1, 2}
    rest = client.get(f"/v1/people/{ada}/faces", params={"after": faces[0]["id"]}).json()["faces"]
    assert rest == faces[1:]
    photos = client.get(f"/v1/people/{ada}/photos").json()["photos"]
    assert {photo["id"] for photo in photos} == {face["photo_id"] for face in faces}
    for address in (people[0]["picture"], faces[0]["picture"], faces[0]["photo"], photos[0]["picture"]):
        answer = client.get(address.removeprefix("/api"))
        assert answer.status_code == 200 and answer.headers["content-type"] == "image/jpeg"


def test_who_is_not_there_or_hidden(client: TestClient, filled: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = filled.people.known("Ada").id
    filled.people.describe(ada, hidden=True)
    assert [client.get(f"/v1/people/99{rest}").status_code for rest in ("", "/faces", "/photos")] == [404] * 3
    monkeypatch.setattr(context, "who", lambda: VERA)
    assert [each["name"] for each in client.get("/v1/people").json()["people"]] == ["unknown"]
    assert [client.get(f"/v1/people/{ada}{rest}").status_code for rest in ("", "/faces", "/photos")] == [404] * 3
    assert client.get("/v1/people", params={"name": "Ada"}).json() == {"people": []}


def test_a_job_is_asked_for_followed_and_cancelled(client: TestClient) -> None:
    asked = client.post("/v1/jobs", json={"kind": "train"})
    job = asked.json()
    assert (asked.status_code, job["kind"], job["state"], job["error"]) == (200, "train", "queued", None)
    assert client.post("/v1/jobs", json={"kind": "train"}).json()["id"] == job["id"]
    assert client.get("/v1/jobs").json() == {"jobs": [job]} and job["created_at"].endswith("Z")
    assert client.delete(f"/v1/jobs/{job['id']}").json()["state"] == "cancelled"
    assert client.get(f"/v1/jobs/{job['id']}").json()["state"] == "cancelled"
    assert client.get("/v1/jobs/99").status_code == client.delete("/v1/jobs/99").status_code == 404
    for kind in ("import", "export", "retention", "x"):  # they take paths, or delete
        assert client.post("/v1/jobs", json={"kind": kind}).status_code == 422


def test_jobs_take_a_role_and_tell_viewers_no_path(
    client: TestClient, filled: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = filled.jobs.submit("import", {"paths": ["/home/ada/photos"]})
    filled.jobs.claim()
    filled.jobs.fail(job.id, "There is no folder /home/ada/photos; create it.")
    assert "/home/ada" in client.get(f"/v1/jobs/{job.id}").json()["error"]
    for role, kind, status in (
        (Role.VIEWER, "cluster", 403),
        (Role.EDITOR, "cluster", 200),
        (Role.EDITOR, "train", 403),
    ):
        monkeypatch.setattr(context, "who", lambda role=role: Actor("Somebody", role))
        assert client.post("/v1/jobs", json={"kind": kind}).status_code == status
        assert "/home/ada" not in client.get("/v1/jobs").text
