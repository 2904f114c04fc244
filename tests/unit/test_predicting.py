"""Prediction with LiteRT: for arrays, for files, and for the images of a dataset."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from ml.pixels import InputSpec
from ml.predicting import (
    Answer,
    Predictor,
    Refused,
    as_predictions,
    load_predictor,
    predict_files,
    predict_stored,
    ranked,
)
from storage.errors import DatasetError, NotFound, NotReady, RefusedInput
from storage.opening import open_repository
from storage.pictures import encode_png
from storage.query import parse
from storage.repository import Repository
from tests.ml_fixtures import (
    as_record,
    digits,
    digits_model,
    digits_weights,
    linear_litert,
    store_digits,
)

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def predictor() -> Predictor:
    model = digits_model()
    return Predictor(as_record(model), model.litert, threads=1)


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    with open_repository(tmp_path / "digits.db", create=True) as opened:
        yield opened


def expected(images: np.ndarray) -> np.ndarray:
    weights, bias = (each.astype(np.float64) for each in digits_weights())
    logits = images.reshape(len(images), 64) @ weights.T + bias
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


# Arrays


@pytest.mark.parametrize("count", [0, 1, 2, 16, 17, 256, 257, 600])
def test_any_number_of_pictures_gets_the_probabilities_of_the_model(
    predictor: Predictor, count: int
) -> None:
    images = digits()[0][:count]
    probabilities = predictor.predict(images[..., None])
    assert probabilities.shape == (count, 10)
    assert probabilities.dtype == np.float32
    assert np.allclose(probabilities, expected(images), atol=1e-4)


def test_rows_sum_to_one(predictor: Predictor) -> None:
    probabilities = predictor.predict(digits()[0][:100, ..., None])
    assert np.allclose(probabilities.sum(axis=1, dtype=np.float64), 1, atol=1e-6)


def test_a_picture_gets_the_same_answer_alone_and_among_others(predictor: Predictor) -> None:
    images = digits()[0][:40, ..., None]
    together = predictor.predict(images)
    alone = np.concatenate([predictor.predict(images[at : at + 1]) for at in range(40)])
    assert np.allclose(together, alone, atol=1e-6)


@pytest.mark.parametrize(
    "batch",
    [
        np.zeros((2, 8, 8, 1), np.float32),
        np.zeros((2, 8, 9, 1), np.uint8),
        np.zeros((8, 8, 1), np.uint8),
    ],
    ids=["dtype", "shape", "dimensions"],
)
def test_an_array_of_another_kind_is_refused(predictor: Predictor, batch: np.ndarray) -> None:
    with pytest.raises(RefusedInput, match=r"takes uint8 arrays \[N, 8, 8, 1\]"):
        predictor.predict(batch)


def test_bytes_that_are_no_model_are_a_damaged_dataset() -> None:
    with pytest.raises(DatasetError, match="cannot run"):
        Predictor(as_record(digits_model()), b"nothing of the kind")


def test_a_model_cut_short_is_a_damaged_dataset() -> None:
    model = digits_model()
    with pytest.raises(DatasetError, match="cannot run"):
        Predictor(as_record(model), model.litert[: len(model.litert) // 2])


def test_a_model_with_an_operation_that_litert_lacks_is_refused() -> None:
    model = digits_model()
    changed = schema.ModelT.InitFromPackedBuf(bytearray(model.litert), 0)
    changed.operatorCodes[2].builtinCode = schema.BuiltinOperator.CUSTOM
    changed.operatorCodes[2].deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    changed.operatorCodes[2].customCode = "Strange"
    builder = flatbuffers.Builder(1024)
    builder.Finish(changed.Pack(builder), b"TFL3")
    with pytest.raises(DatasetError, match=r"cannot run.*Strange"):
        Predictor(as_record(model), bytes(builder.Output()))


@pytest.mark.parametrize(
    "changes",
    [{"labels": ("a", "b")}, {"spec": {"input": InputSpec(9, 8, 1).to_json()}}],
    ids=["labels", "input"],
)
def test_a_model_whose_parts_do_not_belong_together_is_refused(changes: dict[str, object]) -> None:
    model = digits_model()
    with pytest.raises(DatasetError, match="LiteRT file has"):
        Predictor(replace(as_record(model), **changes), model.litert)


def test_a_model_without_an_input_is_refused() -> None:
    model = digits_model()
    with pytest.raises(DatasetError, match="input"):
        Predictor(replace(as_record(model), spec={}), model.litert)


def test_values_that_are_no_probabilities_are_never_given() -> None:
    spec = InputSpec(8, 8, 1)
    litert = linear_litert(np.full((10, 64), np.nan, np.float32), np.zeros(10, np.float32), spec)
    predictor = Predictor(as_record(digits_model()), litert)
    with pytest.raises(DatasetError, match="no probabilities"):
        predictor.predict(np.ones((1, 8, 8, 1), np.uint8))


def test_predicting_prints_nothing_and_never_loads_tensorflow(tmp_path: Path) -> None:
    path = tmp_path / "digits.db"
    with open_repository(path, create=True) as repository:
        repository.models.add(digits_model())
        store_digits(repository, 3)
    program = (
        "import os, sys\n"
        "from storage.opening import open_repository\n"
        "from ml.predicting import load_predictor, predict_stored\n"
        "with open_repository(sys.argv[1]) as repo:\n"
        "    ((found, _),) = predict_stored(repo, load_predictor(repo), [1, 2, 3], save=True)\n"
        "os.write(2, b'after')\n"
        "heavy = {'tensorflow', 'keras', 'sklearn', 'scipy', 'matplotlib', 'textual', 'rich'}\n"
        "print(len(found), sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == "after"
    assert done.stdout == "3 []\n"


def test_predicting_works_where_there_is_no_stderr(tmp_path: Path) -> None:
    program = (
        "import os\n"
        "from tests.ml_fixtures import as_record, digits, digits_model\n"
        "from ml.predicting import Predictor\n"
        "os.close(2)\n"
        "model = digits_model()\n"
        "predictor = Predictor(as_record(model), model.litert)\n"
        "print(predictor.predict(digits()[0][:1, ..., None]).shape)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout == "(1, 10)\n"


# Files


def test_files_are_answered_in_order_with_the_most_probable_labels(predictor: Predictor) -> None:
    images = digits()[0][:20]
    files = [(f"{at}.png", encode_png(image)) for at, image in enumerate(images)]
    answers = list(predict_files(predictor, files, top=3))
    wanted = expected(images)
    assert [answer.source for answer in answers] == [name for name, _ in files]
    for answer, row in zip(answers, wanted, strict=True):
        assert isinstance(answer, Answer)
        best = [str(at) for at in np.argsort(-row)[:3]]
        assert [label for label, _ in answer.top] == best
        assert (answer.label, answer.confidence) == answer.top[0]
        assert np.array_equal(
            answer.pixels[..., 0], images[int(answer.source.removesuffix(".png"))]
        )
        assert answer.confidence == pytest.approx(row.max(), abs=1e-4)


def test_a_file_that_is_no_picture_is_refused_alone(predictor: Predictor) -> None:
    good = encode_png(digits()[0][0])
    files = [("a.png", good), ("b.txt", b"hello"), ("c.png", good[:40]), ("d.png", good)]
    answers = list(predict_files(predictor, files))
    assert [type(answer) for answer in answers] == [Answer, Refused, Refused, Answer]
    assert answers[1] == Refused("b.txt", "not a picture")


def test_a_file_that_could_not_be_read_keeps_its_place_and_reason(predictor: Predictor) -> None:
    files = [("a.png", RefusedInput("it is 9 GB long")), ("b.png", encode_png(digits()[0][0]))]
    answers = list(predict_files(predictor, files))
    assert answers[0] == Refused("a.png", "it is 9 GB long")
    assert isinstance(answers[1], Answer)


def test_more_files_than_one_batch_are_all_answered(predictor: Predictor) -> None:
    data = encode_png(digits()[0][0])
    answers = list(predict_files(predictor, ((str(at), data) for at in range(600))))
    assert [answer.source for answer in answers] == [str(at) for at in range(600)]


def test_no_more_labels_are_given_than_there_are(predictor: Predictor) -> None:
    (answer,) = predict_files(predictor, [("a", encode_png(digits()[0][0]))], top=50)
    assert isinstance(answer, Answer)
    assert len(answer.top) == 10


# The dataset


def test_the_newest_model_is_taken_unless_one_is_named(repository: Repository) -> None:
    repository.models.add(digits_model("old"))
    repository.models.add(digits_model("new"))
    assert load_predictor(repository).model.name == "new"
    assert load_predictor(repository, "old").model.name == "old"
    with pytest.raises(NotFound):
        load_predictor(repository, "never")


def test_without_a_model_there_is_nothing_to_predict_with(repository: Repository) -> None:
    with pytest.raises(NotReady):
        load_predictor(repository)


def test_stored_images_are_predicted_in_the_order_given_and_saved(repository: Repository) -> None:
    ids = store_digits(repository, 300)
    model = repository.models.add(digits_model())
    told: list[tuple[int, int]] = []
    chunks = list(
        predict_stored(
            repository,
            load_predictor(repository),
            ids[::-1],
            save=True,
            progress=lambda *each: told.append(each),
        )
    )
    assert [image for images, _ in chunks for image in images] == ids[::-1]
    assert told[-1] == (300, 300)
    wanted = expected(digits()[0][-300:])
    assert np.allclose(np.concatenate([rows for _, rows in chunks])[::-1], wanted, atol=1e-4)
    stored = list(repository.predictions.of_model(model, parse("")))
    rows = np.array([np.frombuffer(each.probabilities, "<f4") for each in stored])
    assert np.allclose(rows, wanted, atol=1e-4)
    assert [each.label for each in stored] == [str(at) for at in rows.argmax(axis=1)]


def test_nothing_is_saved_unless_that_is_wanted(repository: Repository) -> None:
    ids = store_digits(repository, 5)
    model = repository.models.add(digits_model())
    ((images, _),) = predict_stored(repository, load_predictor(repository), ids)
    assert images == ids
    assert list(repository.predictions.of_model(model, parse(""))) == []


def test_an_image_named_twice_is_answered_twice_and_saved_once(repository: Repository) -> None:
    (image,) = store_digits(repository, 1)
    repository.models.add(digits_model())
    chunks = predict_stored(repository, load_predictor(repository), [image, image], save=True)
    ((images, rows),) = chunks
    assert images == [image, image]
    assert np.array_equal(rows[0], rows[1])
    assert len(repository.predictions.of_image(image)) == 1


def test_an_image_that_is_gone_is_named(repository: Repository) -> None:
    ids = store_digits(repository, 2)
    repository.models.add(digits_model())
    with pytest.raises(NotFound, match="99"):
        list(predict_stored(repository, load_predictor(repository), [*ids, 99]))


def test_leaving_early_keeps_what_was_saved_and_leaves_no_thread(repository: Repository) -> None:
    ids = store_digits(repository, 20)
    repository.models.add(digits_model())
    before = threading.active_count()
    answers = predict_stored(repository, load_predictor(repository), ids, save=True)
    next(iter(answers))
    del answers
    assert repository.images.count(parse("is:predicted")) == 20
    assert threading.active_count() == before


# Records


def test_a_prediction_has_its_margin_and_little_endian_probabilities() -> None:
    rows = np.array([[0.125, 0.75, 0.125], [0.5, 0.25, 0.25]], np.float32)
    first, second = as_predictions([4, 9], ("a", "b", "c"), rows)
    assert (first.image, first.label, first.confidence, first.margin) == (4, "b", 0.75, 0.625)
    assert (second.image, second.label, second.confidence, second.margin) == (9, "a", 0.5, 0.25)
    assert np.frombuffer(first.probabilities, "<f4").tolist() == [0.125, 0.75, 0.125]


def test_a_model_of_one_label_is_always_sure() -> None:
    (only,) = as_predictions([1], ("a",), np.ones((1, 1), np.float32))
    assert (only.label, only.confidence, only.margin) == ("a", 1.0, 1.0)


def test_labels_are_ranked_and_the_earlier_of_two_equals_comes_first() -> None:
    row = np.array([0.25, 0.5, 0.25], np.float32)
    assert ranked(("a", "b", "c"), row, 2) == (("b", 0.5), ("a", 0.25))
    assert ranked(("a", "b", "c"), row, 0) == (("b", 0.5),)
