"""No password of a dataset's place is repeated, in whatever form it was typed."""

from __future__ import annotations

import pytest

from storage.errors import RefusedInput, UsageError
from storage.opening import path_of
from storage.redacting import redacted, refuse_database


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://ann:PW@h/x", "postgresql://ann:…@h/x"),
        ("postgres://ann:PW@h/x: no such file", "postgres://ann:…@h/x: no such file"),
        ("postgresql:/ann:PW@h/x", "postgresql:/ann:…@h/x"),
        ("POSTGRESQL://ann:P@W/:Q @h/x", "POSTGRESQL://ann:…@h/x"),
        ("postgresql://:PW@h/x", "postgresql://:…@h/x"),
        ("the word '//ann:PW@h/x'", "the word '//ann:…@h/x'"),
        ("postgresql://h/x?password=PW&port=1", "postgresql://h/x?password=…&port=1"),
        ("postgresql://h/x?port=1&sslpassword=PW'", "postgresql://h/x?port=1&sslpassword=…'"),
        ("host=h password = PW dbname=x", "host=h password = … dbname=x"),
        (r"password='P\'W Q' host=h", "password=… host=h"),
        ("password='PW Q", "password=…"),
        (
            "postgresql://a:PW@h/x and postgresql://b:QW@h/y",
            "postgresql://a:…@h/x and postgresql://b:…@h/y",
        ),
    ],
)
def test_a_password_is_left_out_and_the_rest_is_kept(text: str, shown: str) -> None:
    assert redacted(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://anna@server:5432/photos",
        "postgresql://server:5432/a has an unfinished copy of postgresql://anna@server/b",
        "/home/anna@work/a:b/c.png",
        "refused the user 'anna': password authentication failed",
        "label:7 conf<0.8",
    ],
)
def test_a_text_without_a_password_stays_as_it_is(text: str) -> None:
    assert redacted(text) == text


@pytest.mark.parametrize("path", ["postgresql://ann:PW@h/x", "postgres:/ann:PW@h/x"])
def test_a_database_is_refused_as_a_file_and_not_repeated(path: str) -> None:
    with pytest.raises(RefusedInput, match="is no file") as caught:
        refuse_database(path)
    assert "db copy" in str(caught.value.hint)
    assert "PW" not in caught.value.message


@pytest.mark.parametrize("text", ["host=h password=PW", "sslmode=require dbname=x password = PW"])
def test_keywords_in_the_place_of_a_url_are_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(UsageError, match="named by a URL") as caught:
        path_of(text)
    assert "PW" not in f"{caught.value.message} {caught.value.hint}"
