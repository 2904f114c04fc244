"""The confusion matrix in the terminal, with colour and without."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.table import Table

from ml.metrics import confused_pairs
from tui.plain.confusion import matrix_table, pairs_table

DIGITS = [str(at) for at in range(10)]


def shown(table: Table | None, *, width: int = 80, colour: bool = False) -> list[str]:
    file = io.StringIO()
    console = Console(
        file=file,
        width=width,
        force_terminal=colour,
        color_system="truecolor" if colour else None,
        highlight=False,
    )
    assert table is not None
    console.print(table)
    return [line.rstrip() for line in file.getvalue().splitlines()]


def diagonal(many: int, right: int, wrong: int = 0) -> list[list[int]]:
    """`right` on the diagonal, `wrong` one column after it."""
    return [
        [
            right if row == column else wrong if column == (row + 1) % many else 0
            for column in range(many)
        ]
        for row in range(many)
    ]


def test_two_classes_are_read_without_colour() -> None:
    assert shown(matrix_table([[8, 2], [0, 10]], ["cat", "dog"])) == [
        "true\\pred   cat  dog",
        "cat           8    2",
        "dog           ·   10",
    ]


@pytest.mark.parametrize("count", [9, 980, 99_999])
def test_ten_classes_fit_80_columns(count: int) -> None:
    lines = shown(matrix_table(diagonal(10, count, 1), DIGITS))
    assert len(lines) == 11
    assert max(map(len, lines)) <= 80
    assert lines[1].split() == ["0", str(count), "1", *"········"]


def test_long_labels_are_cut_over_the_columns_and_kept_beside_the_rows() -> None:
    labels = [
        "airplane",
        "automobile",
        "bird",
        "cat",
        "deer",
        "dog",
        "frog",
        "horse",
        "ship",
        "truck",
    ]
    lines = shown(matrix_table(diagonal(10, 5), labels))
    assert [line.split()[0] for line in lines[1:]] == labels
    assert lines[0].split()[1:4] == ["air…", "aut…", "bird"]
    assert max(map(len, lines)) <= 80


def test_heads_that_would_read_alike_are_no_matrix() -> None:
    labels = [f"a long name number {at}" for at in range(10)]
    assert matrix_table(diagonal(10, 5, 1), labels) is None


def test_many_classes_are_no_matrix_but_have_most_confused_pairs() -> None:
    matrix = diagonal(100, 50, 1)
    matrix[3][8] = 7
    matrix[5][1] = 9
    labels = [f"c{at}" for at in range(100)]
    assert matrix_table(matrix, labels) is None
    lines = shown(pairs_table(confused_pairs(matrix, labels), most=3))
    assert lines[0] == "Most confused"
    assert lines[2].split() == ["c5", "c1", "9", "15.0%"]
    assert lines[3].split() == ["c3", "c8", "7", "12.1%"]
    assert lines[-1] == "and 99 pairs more"


def test_a_model_without_mistakes_has_no_pairs() -> None:
    assert len(shown(pairs_table(confused_pairs(diagonal(3, 5), ["a", "b", "c"])))) == 2


def test_shades_are_a_matter_of_the_rows_share() -> None:
    lines = shown(matrix_table([[900, 100], [5, 995]], ["a", "b"]), colour=True)
    assert "48;2;8;81;156" in lines[1]
    assert "48;2;158;202;225" in lines[1]
    assert "48;2;222;235;247" in lines[2]


def test_labels_are_not_read_as_markup_or_codes() -> None:
    lines = shown(matrix_table([[1, 0], [0, 1]], ["[red]a", "\x1b[2Jb"]))
    assert lines[1].startswith("[red]a")
    assert lines[2].startswith("\ufffd[2Jb")


def test_a_row_without_images_is_empty() -> None:
    lines = shown(matrix_table([[1, 0], [0, 0]], ["a", "b"]))
    assert lines[2].split() == ["b", "·", "·"]
