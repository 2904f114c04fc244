"""`sql` on PostgreSQL: what its own SQL can do beyond reading is refused, and values are plain."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest

from storage.errors import DatasetError, TimedOut, UsageError
from storage.opening import open_repository
from storage.repository import Repository
from tests.making import add_images, new_image


@pytest.fixture
def filled(postgres_dataset_url: str) -> Iterator[Repository]:
    with open_repository(postgres_dataset_url) as repository:
        add_images(repository, *(new_image(n, label="ab"[n % 2]) for n in range(1, 6)))
        yield repository


def answer(repository: Repository, text: str, *, timeout: float = 10.0) -> list[tuple[object, ...]]:
    with closing(repository.sql(text, timeout=timeout)) as rows:
        return list(rows)


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        ("true", 1),
        ("7::smallint", 7),
        ("sum(id)", 15),
        ("avg(id)", 3.0),
        ("2.50", 2.5),
        ("-12345678901234567890123::numeric", -12345678901234567890123),
        ("1.5::real", 1.5),
        ("'Infinity'::float8", float("inf")),
        ("'NaN'::float8", "NaN"),
        ("'NaN'::numeric", "NaN"),
        ("'\\x00ff'::bytea", b"\0\xff"),
        ("date '2026-01-02'", "2026-01-02"),
        ("timestamptz '2026-01-02 03:04:05Z'", "2026-01-02 03:04:05+00"),
        ("array[1, 2]", "{1,2}"),
        ("'{\"a\": 1}'::jsonb", '{"a": 1}'),
        ("'ä%s'", "ä%s"),
        ("NULL", None),
    ],
)
def test_values_of_any_type_become_plain_ones(
    filled: Repository, value: str, plain: object
) -> None:
    assert answer(filled, f"SELECT {value} FROM image") == [(plain,)] * (
        1 if value.startswith(("sum", "avg")) else 5
    )


@pytest.mark.parametrize(
    "text",
    [
        "DELETE FROM image",
        "WITH x AS (DELETE FROM image RETURNING id) SELECT * FROM x",
        "SELECT * INTO other FROM image",
        "SELECT * FROM image FOR UPDATE",
        "SELECT * FROM image FOR KEY SHARE",
        "TRUNCATE image",
        "COPY image TO STDOUT",
        "COPY image TO PROGRAM 'true'",
        "EXPLAIN DELETE FROM image",
        "EXPLAIN ANALYZE DELETE FROM image",
        "EXPLAIN ANALYZE WITH x AS (DELETE FROM image RETURNING id) SELECT * FROM x",
        "EXPLAIN ANALYZE CREATE TABLE other AS SELECT 1",
        "SELECT 1; DELETE FROM image",
        "SELECT 1; COMMIT; DELETE FROM image",
        "BEGIN",
        "COMMIT",
        "SET default_transaction_read_only = off",
        "DO $$ BEGIN DELETE FROM image; END $$",
        "CALL x()",
        "LISTEN x",
        "PREPARE x AS SELECT 1",
        "DECLARE x CURSOR FOR SELECT 1",
        "VACUUM",
        "SELECT pg_sleep(60)",
        'SELECT pg_catalog."pg_sleep" /* x */ (60)',
        "SELECT E'\\'', pg_sleep(60) --'",
        "SELECT set_config('transaction_read_only', 'off', false)",
        "SELECT nextval('x')",
        "SELECT pg_notify('a', 'b')",
        "SELECT pg_advisory_lock(1)",
        "SELECT pg_terminate_backend(1)",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT lo_create(0)",
        "SELECT lo_export(1, '/tmp/x')",
        "SELECT query_to_xml('DELETE FROM image', true, true, '')",
        "SELECT pixshelf.changes_something()",
        'SELECT U&"pg_sleep"(60)',
        "",
        "-- nothing",
        "SELECT",
        "SELECT $1",
        "SELECT %s",
        "SELECT nothing FROM image",
        "SELECT 1/0",
        "SELECT 'x'::int",
        "SELECT (SELECT id FROM image)",
        'SELECT * FROM "two\nlines"',
        "SELECT 1\0",
        "SELECT '\ud800'",
        "SELECT repeat('x', 2000000000)",
        "SELECT " + "1," * 60_000 + "1",
    ],
    ids=lambda text: repr(text[:40]).replace("/", "-"),
)
def test_what_does_not_only_read_is_refused_in_one_line(
    filled: Repository, postgres_dataset_url: str, text: str
) -> None:
    function = "pixshelf.changes_something()"
    with psycopg.connect(postgres_dataset_url, autocommit=True) as connection:
        connection.execute(
            f"CREATE FUNCTION {function} RETURNS int LANGUAGE sql AS 'SELECT 1'".encode()
        )
        try:
            with pytest.raises(UsageError, match=r"^SQL: [^\n]*$"):
                answer(filled, text)
        finally:
            connection.execute(f"DROP FUNCTION {function}".encode())
        found = connection.execute("SELECT count(*) FROM pixshelf.image").fetchone()
        assert found == (5,)
        tables = connection.execute("SELECT to_regclass('pixshelf.other')").fetchone()
        assert tables == (None,)


_TABLES = "The tables: SELECT table_name"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("SELEC 1", "'selec' begins none of them", "Did you mean SELECT?"),
        ("EXPLAIN SLECT 1", "'slect' begins none of them", "Did you mean SELECT?"),
        ("DELETE FROM image", "'delete' begins none of them", "One SELECT, or EXPLAIN of one."),
        ("\\d", "begins none of them", "is a command of psql"),
        (";", "the statement gives no rows", "Ask for some"),
        ("SELECT 1; SELECT 2", "there is more than one statement", "one at a time"),
        ("SELECT id FRM image", 'syntax error at or near "image"', None),
        (
            "SELECT id FROM images WHERE label = 7",
            "operator does not exist: text = integer, at: = 7",
            "explicit type casts",
        ),
        (
            "SELECT datetime(at, 'unixepoch') FROM action",
            "does not exist, at: datetime(at, 'unixepoch') FROM action",
            "explicit type casts",
        ),
        ("SELECT lable FROM images", 'column "lable" does not exist', '"images.label"'),
        ("SELECT zzz FROM images", 'column "zzz" does not exist, at: zzz FROM images', _TABLES),
        ("SELECT 1 FROM imagse", 'relation "imagse" does not exist, at: imagse', _TABLES),
        ("SELECT 1/0", "division by zero", None),
    ],
)
def test_a_mistake_is_told_as_what_it_is(
    filled: Repository, text: str, message: str, hint: str | None
) -> None:
    with pytest.raises(UsageError) as caught:
        answer(filled, text)
    assert message in caught.value.message
    assert "only reading is allowed" not in caught.value.message
    said = caught.value.hint
    if hint is None:
        assert said is None or _TABLES not in said
    else:
        assert hint in str(said)


def test_the_place_of_a_mistake_is_cut_to_a_few_words(filled: Repository) -> None:
    with pytest.raises(UsageError, match=r"at: zzz,\s1, 1.{0,40}…$"):
        answer(filled, f"SELECT zzz,\n{'1, ' * 400}1 FROM images")


@pytest.mark.parametrize(
    "text",
    [
        "TABLE label",
        "VALUES (1), (2)",
        "(SELECT 1) UNION (SELECT 2)",
        "SHOW server_version",
        "EXPLAIN SELECT * FROM images",
        "EXPLAIN (ANALYZE, FORMAT json) (SELECT 1)",
        "SELECT random(), gen_random_uuid(), clock_timestamp()",
        "SELECT id FROM image TABLESAMPLE bernoulli (100)",
        "SELECT pg_relation_size('image')",
        "SELECT 'pg_sleep(60)', $$ pg_sleep(60) $$ -- pg_sleep(60)",
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'pixshelf'",
        "SELECT id FROM images WHERE source LIKE '%.png';",
    ],
)
def test_what_only_reads_is_answered(filled: Repository, text: str) -> None:
    assert answer(filled, text)


def test_a_row_that_is_too_long_is_refused(
    filled: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.postgres.asking.LONGEST_VALUE", 1_000)
    assert answer(filled, "SELECT decode(repeat('00', 1000), 'hex')") == [(bytes(1_000),)]
    with pytest.raises(UsageError, match=r"1,001 bytes; at most 1,000"):
        answer(filled, "SELECT decode(repeat('00', 1001), 'hex')")


def test_a_server_that_gives_up_by_itself_is_told(filled: Repository) -> None:
    limited = f"{filled.url}&options=-c%20statement_timeout%3D100"
    with (
        open_repository(limited) as repository,
        pytest.raises(TimedOut, match="gave it up: canceling statement due to statement timeout"),
    ):
        answer(repository, "SELECT count(*) FROM generate_series(1, 100000000000)")


def test_a_connection_that_breaks_between_rows_is_no_end_of_the_answer(
    filled: Repository, postgres_dataset_url: str
) -> None:
    text = "SELECT pg_backend_pid(), repeat('x', 1000000) FROM generate_series(1, 100)"
    with closing(filled.sql(text)) as rows:
        reading = iter(rows)
        process, _ = next(reading)
        with psycopg.connect(postgres_dataset_url, autocommit=True) as connection:
            connection.execute("SELECT pg_terminate_backend(%s, 10000)", (process,))
        with pytest.raises(DatasetError, match="was lost"):
            list(reading)
    assert filled.stats().images == 5


def test_an_answer_that_is_closed_early_leaves_no_work_on_the_server(
    filled: Repository, postgres_dataset_url: str
) -> None:
    endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT {} FROM c"
    rows = filled.sql(endless.format("x"), limit=2)
    assert len(list(rows)) == 2
    with pytest.raises(TimedOut):
        filled.sql(endless.format("count(*)"), timeout=0.05)
    working = b"SELECT 1 FROM pg_stat_activity WHERE query LIKE 'WITH RECURSIVE%'"
    with psycopg.connect(postgres_dataset_url, autocommit=True) as connection:
        while connection.execute(working).fetchone():
            pass
