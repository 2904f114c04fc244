"""The comparison of Keras with LiteRT, and exports that need no TensorFlow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ml.convert import check_parity, export_model, form_of
from storage.errors import NotFound, NotReady, PixshelfError, RefusedInput, UsageError
from storage.opening import open_repository
from tests.making import new_model
from tests.ml_fixtures import digits_model

SAYS = np.array([[0.6, 0.4], [0.2, 0.8]])


def test_equal_answers_are_in_parity() -> None:
    assert check_parity(SAYS, SAYS) == 0.0


def test_a_small_difference_is_in_parity_and_is_told() -> None:
    assert check_parity(SAYS, SAYS + 5e-4) == pytest.approx(5e-4)


def test_a_greater_difference_is_refused() -> None:
    with pytest.raises(PixshelfError, match=r"differ by up to 0\.002"):
        check_parity(SAYS, SAYS + 2e-3)


def test_another_label_is_refused_however_small_the_difference() -> None:
    with pytest.raises(PixshelfError, match="1 of 1 images another label"):
        check_parity(np.array([[0.5002, 0.4998]]), np.array([[0.4998, 0.5002]]))


def test_a_tie_may_be_broken_either_way() -> None:
    check_parity(np.array([[0.5000001, 0.4999999]]), np.array([[0.4999999, 0.5000001]]))


@pytest.mark.parametrize("wrong", [np.full((2, 2), np.nan), np.zeros((2, 3)), np.zeros((1, 2))])
def test_answers_that_are_no_probabilities_are_refused(wrong: np.ndarray) -> None:
    with pytest.raises(PixshelfError, match="one probability for each label"):
        check_parity(SAYS, wrong)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_answers_of_keras_that_are_no_numbers_are_refused(wrong: float) -> None:
    with pytest.raises(PixshelfError, match="one probability for each label"):
        check_parity(np.where(SAYS == 0.2, wrong, SAYS), SAYS)


def test_tflite_is_the_stored_bytes(tmp_path: Path) -> None:
    with open_repository(tmp_path / "d.db", create=True) as repository:
        model = repository.models.add(digits_model())
        target = export_model(repository, model, tmp_path / "model.TFLITE")
        assert target.read_bytes() == repository.models.litert(model)


def test_an_export_replaces_what_is_there_and_leaves_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "model.tflite").write_text("old")
    with open_repository(tmp_path / "d.db", create=True) as repository:
        model = repository.models.add(digits_model())
        export_model(repository, model, folder / "model.tflite")
    assert [each.name for each in folder.iterdir()] == ["model.tflite"]
    assert (folder / "model.tflite").read_bytes() != b"old"


@pytest.mark.parametrize("name", ["model.pt", "model.2", "model.pkl"])
def test_another_ending_is_refused_naming_those_there_are(tmp_path: Path, name: str) -> None:
    with open_repository(tmp_path / "d.db", create=True) as repository:
        model = repository.models.add(digits_model())
        with pytest.raises(UsageError) as refused:
            export_model(repository, model, tmp_path / name)
    assert ".keras" in str(refused.value.hint)


def test_a_form_that_is_named_counts_more_than_the_ending(tmp_path: Path) -> None:
    with open_repository(tmp_path / "d.db", create=True) as repository:
        model = repository.models.add(digits_model())
        target = export_model(repository, model, tmp_path / "model.2", form="tflite")
        assert target.read_bytes() == repository.models.litert(model)


@pytest.mark.parametrize(
    ("name", "form"), [("a.ONNX", "onnx"), ("a.keras", "keras"), ("a", "savedmodel")]
)
def test_the_form_follows_from_the_ending(name: str, form: str) -> None:
    assert form_of(Path(name)) == form


def test_a_form_that_there_is_not_is_refused_naming_those_there_are() -> None:
    with pytest.raises(UsageError) as refused:
        form_of(Path("a"), "pickle")
    assert "savedmodel" in str(refused.value.hint)


def test_onnx_without_its_package_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with open_repository(tmp_path / "d.db", create=True) as repository:
        model = repository.models.add(digits_model())
        with pytest.raises(NotReady) as refused:
            export_model(repository, model, tmp_path / "model.onnx")
    assert "'tf2onnx>=" in str(refused.value.hint)


def test_a_folder_that_is_there_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    with open_repository(tmp_path / "d.db", create=True) as repository:
        model = repository.models.add(digits_model())
        with pytest.raises(RefusedInput, match="is there already"):
            export_model(repository, model, tmp_path / "mine", form="savedmodel")


def test_an_unknown_model_is_not_found(tmp_path: Path) -> None:
    with open_repository(tmp_path / "d.db", create=True) as repository, pytest.raises(NotFound):
        export_model(repository, 5, tmp_path / "model.tflite")


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with open_repository(tmp_path / "d.db", create=True) as repository:
        model = repository.models.add(digits_model())
        with pytest.raises(PixshelfError, match="cannot be written"):
            export_model(repository, model, tmp_path / "no" / "model.tflite")


def test_a_model_that_cannot_be_rebuilt_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    with open_repository(tmp_path / "d.db", create=True) as repository:
        model = repository.models.add(new_model("a", "b"))
        with pytest.raises(PixshelfError, match="cannot be read"):
            export_model(repository, model, folder / "model.keras")
    assert list(folder.iterdir()) == []
