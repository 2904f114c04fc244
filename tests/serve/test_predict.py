"""POST /predict and /predict/batch: what is sent, what is answered, what is stored."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import httpx
import numpy as np
import pytest

from cli.serve import predicting
from cli.serve.settings import ServeSettings
from storage.errors import DatasetError, NotAllowed, StorageFull
from storage.opening import open_repository
from storage.pictures import encode_png
from storage.query import parse
from storage.repository import Repository
from tests.made_pictures import picture
from tests.ml_fixtures import digits, digits_model
from tests.serve.conftest import asking

PNG = {"Content-Type": "image/png"}


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


async def predicted(client: httpx.AsyncClient, data: bytes, query: str = "") -> dict[str, Any]:
    response = await client.post(f"/predict{query}", content=data, headers=PNG)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def test_the_three_ways_to_send_a_picture_have_one_answer(
    client: httpx.AsyncClient, digit: bytes
) -> None:
    answers = [
        await client.post("/predict", json={"image": encoded(digit)}),
        await client.post("/predict", files={"image": ("a.png", digit)}),
        await client.post("/predict", content=digit, headers=PNG),
        await client.post(
            "/predict", content=digit, headers={"Content-Type": "application/octet-stream"}
        ),
    ]
    assert [answer.status_code for answer in answers] == [200] * 4
    found = [answer.json() for answer in answers]
    assert {each["label"] for each in found} == {"3"}
    assert {json.dumps(each["top"]) for each in found} == {json.dumps(found[0]["top"])}
    assert len({each["image"]["id"] for each in found}) == 1
    assert [each["image"]["new"] for each in found] == [True, False, False, False]


async def test_an_answer_has_the_label_the_best_labels_the_model_and_the_image(
    client: httpx.AsyncClient, digit: bytes, repo: Repository
) -> None:
    answer = await predicted(client, digit, "?top_k=3")
    assert set(answer) == {"label", "confidence", "top", "model", "image"}
    assert answer["model"] == {"id": 1, "name": "digits"}
    assert len(answer["top"]) == 3
    assert answer["top"][0] == {"label": answer["label"], "confidence": answer["confidence"]}
    shares = [each["confidence"] for each in answer["top"]]
    assert shares == sorted(shares, reverse=True)
    stored = repo.images.get(answer["image"]["id"])
    assert stored.sha256.hex() == answer["image"]["sha256"]


async def test_a_picture_is_stored_with_the_tag_and_its_prediction(
    client: httpx.AsyncClient, digit: bytes, repo: Repository
) -> None:
    response = await client.post("/predict", files={"image": ("../dir/my 3.png", digit)})
    image = repo.images.get(response.json()["image"]["id"])
    assert (image.tags, image.label, image.source) == (("http",), None, "my 3.png")
    assert repo.images.data(image.id) == digit
    (said,) = repo.predictions.of_image(image.id)
    assert (said.label, said.confidence) == ("3", response.json()["confidence"])


@pytest.mark.parametrize("save", ["false", "0"])
async def test_nothing_is_stored_where_that_is_not_wanted(
    client: httpx.AsyncClient, digit: bytes, repo: Repository, save: str
) -> None:
    assert (await predicted(client, digit, f"?save={save}"))["image"] is None
    assert repo.images.count(parse("")) == 20
    assert all(repo.predictions.of_image(image) == [] for image in repo.images.ids(parse("")))


async def test_one_picture_posted_by_many_at_once_is_one_image(
    client: httpx.AsyncClient, digit: bytes, repo: Repository
) -> None:
    answers = await asyncio.gather(*(predicted(client, digit) for _ in range(20)))
    assert len({answer["image"]["id"] for answer in answers}) == 1
    assert sum(answer["image"]["new"] for answer in answers) == 1
    assert repo.images.count(parse("tag:http")) == 1


async def test_pictures_posted_at_once_get_their_own_answers(client: httpx.AsyncClient) -> None:
    images, targets = digits()
    sent = [encode_png(image) for image in images[:60]]
    answers = await asyncio.gather(*(predicted(client, data, "?save=false") for data in sent))
    alone = [await predicted(client, data, "?save=false") for data in sent[:5]]
    assert [a["label"] for a in answers[:5]] == [a["label"] for a in alone]
    right = sum(a["label"] == str(t) for a, t in zip(answers, targets, strict=False))
    assert right > 45


async def test_a_known_picture_keeps_its_label_and_tags(
    client: httpx.AsyncClient, repo: Repository
) -> None:
    before = repo.images.get(1)
    answer = await predicted(client, repo.images.data(1))
    assert answer["image"] == {"id": 1, "sha256": before.sha256.hex(), "new": False}
    after = repo.images.get(1)
    assert (after.label, after.tags) == (before.label, before.tags)
    assert after.prediction is not None


@pytest.mark.parametrize("kind", ["JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM"])
async def test_every_format_that_an_import_takes_is_taken(
    client: httpx.AsyncClient, kind: str
) -> None:
    await predicted(client, picture(kind=kind))


async def test_a_large_picture_is_decoded_aside_and_answered_alike(
    client: httpx.AsyncClient, digit: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = encode_png(np.kron(digits()[0][3], np.ones((100, 100), np.uint8)))
    beside = await predicted(client, large)
    monkeypatch.setattr(predicting, "_LARGE_PIXELS", 10_000_000)
    assert (await predicted(client, large))["top"] == beside["top"]
    assert beside["label"] == "3"


async def test_a_batch_answers_each_picture_by_itself(
    client: httpx.AsyncClient, digit: bytes, repo: Repository
) -> None:
    items = [{"image": encoded(digit)}, {"image": "!"}, {"image": encoded(b"no picture")}, {}]
    response = await client.post("/predict/batch?top_k=1", json=items)
    assert response.status_code == 200
    results = response.json()["results"]
    assert results[0]["label"] == "3"
    assert [each["error"]["status"] for each in results[1:]] == [422, 422, 422]
    assert repo.images.count(parse("tag:http")) == 1


async def test_a_batch_comes_as_a_form_too(client: httpx.AsyncClient) -> None:
    files = [("image", (f"{at}.png", encode_png(digits()[0][at]))) for at in (0, 1, 3, 4)]
    response = await client.post("/predict/batch?save=false", files=files)
    assert [each["label"] for each in response.json()["results"]] == ["0", "1", "3", "4"]


async def test_a_batch_of_which_all_fails_for_one_reason_fails_as_a_whole(
    client: httpx.AsyncClient, digit: bytes
) -> None:
    items = [{"image": encoded(digit)}] * 2
    response = await client.post("/predict/batch?model=nobody", json=items)
    assert response.status_code == 404


async def test_a_model_is_asked_for_by_name_or_id(
    client: httpx.AsyncClient, digit: bytes, repo: Repository
) -> None:
    repo.models.add(digits_model("second"))
    for model, expected in (("digits", 1), ("1", 1), ("second", 2), ("2", 2)):
        answer = await predicted(client, digit, f"?model={model}&save=false")
        assert answer["model"]["id"] == expected


async def test_a_new_model_and_a_new_name_count_without_a_restart(
    client: httpx.AsyncClient, digit: bytes, repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predicting, "FRESH_SECONDS", 0.0)
    assert (await predicted(client, digit, "?save=false"))["model"]["id"] == 1
    repo.models.add(digits_model("second"))
    assert (await predicted(client, digit, "?save=false"))["model"]["id"] == 2
    repo.models.rename(2, "best")
    assert (await predicted(client, digit, "?save=false"))["model"]["name"] == "best"
    repo.labels.rename("3", "three", actor="test")
    assert (await predicted(client, digit, "?save=false"))["label"] == "three"
    repo.models.remove(2)
    assert (await predicted(client, digit, "?save=false"))["model"]["id"] == 1


async def test_the_door_may_be_told_which_model_to_ask(
    db: str, digit: bytes, repo: Repository
) -> None:
    repo.models.add(digits_model("second"))
    async with asking(ServeSettings(db, model="digits")) as client:
        assert (await predicted(client, digit))["model"]["id"] == 1


async def test_a_data_url_is_told_what_to_leave_out(
    client: httpx.AsyncClient, digit: bytes
) -> None:
    image = f"data:image/png;base64,{base64.b64encode(digit).decode()}"
    response = await client.post("/predict", json={"image": image})
    assert response.status_code == 422
    assert "data:…;base64," in response.json()["hint"]


async def test_a_door_without_a_model_says_how_to_get_one(tmp_path: Any, digit: bytes) -> None:
    path = str(tmp_path / "empty.db")
    open_repository(path, create=True).close()
    async with asking(ServeSettings(path)) as client:
        response = await client.post("/predict", content=digit, headers=PNG)
        assert response.status_code == 409
        assert "pixshelf train" in response.json()["hint"]
        assert (await client.get("/healthz")).status_code == 200


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (StorageFull("/data is full"), 507),
        (DatasetError("//ann@db is gone"), 503),
        (NotAllowed("ann may not write //db"), 403),
    ],
)
async def test_what_could_not_be_stored_is_not_acknowledged(
    client: httpx.AsyncClient,
    digit: bytes,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    status: int,
) -> None:
    from storage.sqlite.predictions import SqlitePredictions

    def fail(*_: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(SqlitePredictions, "save", fail)
        response = await client.post("/predict", content=digit, headers=PNG)
        assert response.status_code == status
        assert "label" not in response.json()
        # The names of files, servers and users are for the log.
        assert str(error) not in response.text
        assert str(error) in caplog.text
    # The writer goes on with the next one.
    assert (await predicted(client, digit))["image"]["new"] is False


async def test_what_is_acknowledged_is_there_for_every_other_reader(
    client: httpx.AsyncClient, db: str
) -> None:
    rng = np.random.default_rng(1)
    sent = [encode_png(rng.integers(0, 256, (8, 8), dtype=np.uint8)) for _ in range(30)]
    for batch in (sent[:10], sent[10:]):
        answers = await asyncio.gather(*(predicted(client, data) for data in batch))
        with open_repository(db) as other:
            for data, answer in zip(batch, answers, strict=True):
                assert other.images.data(answer["image"]["id"]) == data
                assert len(other.predictions.of_image(answer["image"]["id"])) == 1
