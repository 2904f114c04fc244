"""The SQL of docs/postgres.md answers what is said above it, on both backends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from storage.opening import open_repository
from storage.repository import Repository
from tests.making import add_images, new_image, new_model, new_prediction

PAGE = (Path(__file__).parents[2] / "docs/postgres.md").read_text("utf-8")
QUESTIONS: dict[str, str] = {
    question.rstrip(":").partition(",")[0]: text.strip()
    for question, text in re.findall(r"\n\n([^\n]+):\n\n```sql\n(.*?)```", PAGE, re.DOTALL)
}


@pytest.fixture(params=["sqlite", "postgres"])
def filled(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Repository]:
    """Five images, of which two are one picture, and what a model said of them."""
    of_server = request.param == "postgres"
    url = request.getfixturevalue("postgres_url") if of_server else str(tmp_path / "some.db")
    with open_repository(url, create=True) as repository:
        one, other, third, fourth, _ = add_images(
            repository,
            new_image(1, label="7", split="train"),
            new_image(2, label="9", split="test", pixel_hash=new_image(1).pixel_hash),
            new_image(3, label="7", split="test"),
            new_image(4, tags=("smudged",)),
            new_image(5, label="1", tags=("smudged",)),
        )
        model = repository.models.add(new_model("1", "7", "9", name="net"))
        said = [(one, "7", 0.875), (other, "7", 0.75), (third, "9", 0.625), (fourth, "7", 0.5)]
        repository.predictions.save(model, [new_prediction(*each) for each in said])
        repository.images.set_label([one, third], "7", actor="cli:bo")
        repository.images.add_tag([one, third], "seen", actor="cli:bo")
        repository.images.add_tag([one], "nice", actor="cli:anna")
        yield repository


ANSWERS: dict[str, list[tuple[object, ...]]] = {
    "All sevens": [(1, "1.png"), (3, "3.png")],
    "Wrong predictions": [(2, "net", "7", "9", 0.75), (3, "net", "9", "7", 0.625)],
    "Predictions under 0.8": [
        (4, "net", "7", None, 0.5),
        (3, "net", "9", "7", 0.625),
        (2, "net", "7", "9", 0.75),
    ],
    "The same picture under two labels": [(1, "7", 2, "9")],
    "How often each label was taken for which other": [
        ("net", "7", "9", 1),
        ("net", "9", "7", 1),
    ],
    "Accuracy by split": [("net", "test", 2, 0.0), ("net", "train", 1, 1.0)],
    "Who did how much": [("cli:anna", 1, 1), ("cli:bo", 1, 2)],
    "Images with a tag and without a label": [(4, "4.png")],
}


@pytest.mark.parametrize("question", ANSWERS)
def test_an_everyday_question_is_answered(filled: Repository, question: str) -> None:
    with closing(filled.sql(QUESTIONS[question])) as rows:
        assert list(rows) == ANSWERS[question]


def test_every_question_of_the_page_is_tried() -> None:
    assert ANSWERS.keys() == QUESTIONS.keys()


def test_every_statement_of_the_page_can_be_pasted_into_psql() -> None:
    rights = re.findall(r"^    (GRANT .*)$", PAGE, re.MULTILINE)
    statements = [*QUESTIONS.values(), *rights]
    assert rights
    assert [text for text in statements if not text.endswith(";")] == []
