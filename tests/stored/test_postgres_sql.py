"""SQL on PostgreSQL, asked by the role that may do everything: it can read and do nothing else."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from storage.errors import TimedOut, UsageError
from storage.repository import Repository
from tests.backends import Backend, PostgresBackend
from tests.making import add_images, new_image


@pytest.fixture
def backend(postgres_dataset_url: str) -> Backend:
    return PostgresBackend(postgres_dataset_url)


@pytest.fixture
def filled(repository: Repository) -> Repository:
    add_images(repository, *(new_image(n, label="ab"[n % 2]) for n in range(1, 6)))
    return repository


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the server can write to, too."""
    made = Path(tempfile.mkdtemp(prefix="pixshelf-sql-"))
    made.chmod(0o777)
    yield made
    shutil.rmtree(made)


def answer(repository: Repository, text: str, *, timeout: float = 10.0) -> list[tuple[object, ...]]:
    with closing(repository.sql(text, timeout=timeout)) as rows:
        return list(rows)


def test_values_keep_their_kinds(filled: Repository) -> None:
    values = r"1, 1.5, 1.5::float4, 7::numeric, 'text', '\x00ff'::bytea, NULL, true, now() - now()"
    assert answer(filled, f"SELECT {values}") == [
        (1, 1.5, 1.5, 7, "text", b"\x00\xff", None, 1, "00:00:00")
    ]


STATEMENTS = [
    "TRUNCATE image CASCADE",
    "CREATE SCHEMA other",
    "CREATE ROLE another LOGIN",
    "CREATE EXTENSION plpgsql",
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE TABLE t AS SELECT 1 AS a",
    "CREATE UNLOGGED TABLE t (a int)",
    "SELECT 1 AS a INTO t",
    "SELECT 1 AS a INTO TEMP t",
    "CREATE DATABASE other",
    "DROP SCHEMA pixshelf CASCADE",
    "MERGE INTO label USING label AS o ON label.id = o.id WHEN MATCHED THEN DELETE",
    "WITH gone AS (DELETE FROM image RETURNING id) SELECT * FROM gone",
    "WITH made AS (INSERT INTO label VALUES (99, 'x') RETURNING id) SELECT * FROM made",
    "EXPLAIN ANALYZE DELETE FROM image",
    "EXPLAIN (ANALYZE, BUFFERS) UPDATE image SET width = 1",
    "EXPLAIN ANALYZE CREATE TABLE t AS SELECT 1",
    "COPY image TO '{folder}/out'",
    "COPY image TO PROGRAM 'touch {folder}/out'",
    "COPY image TO STDOUT",
    "COPY (SELECT 1) TO STDOUT",
    "COPY image FROM STDIN",
    "COPY label FROM PROGRAM 'touch {folder}/out'",
    "DO $$ BEGIN DELETE FROM pixshelf.image; END $$",
    "CALL f()",
    "SET default_transaction_read_only = off",
    "SET TRANSACTION READ WRITE",
    "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
    "SET ROLE postgres",
    "RESET ALL",
    "DISCARD ALL",
    "ALTER SYSTEM SET work_mem = '1MB'",
    "ALTER ROLE postgres SET work_mem = '1MB'",
    "GRANT ALL ON image TO public",
    "LISTEN news",
    "NOTIFY news",
    "UNLISTEN *",
    "LOCK TABLE image IN ACCESS EXCLUSIVE MODE",
    "SELECT * FROM image FOR UPDATE",
    "SELECT * FROM image FOR KEY SHARE",
    "PREPARE p AS SELECT 1",
    "EXECUTE p",
    "DECLARE c CURSOR WITH HOLD FOR SELECT 1",
    "FETCH 1 FROM c",
    "CHECKPOINT",
    "CLUSTER",
    "LOAD 'auto_explain'",
    "COMMENT ON TABLE image IS 'mine'",
    "REFRESH MATERIALIZED VIEW images",
    "START TRANSACTION READ WRITE",
    "PREPARE TRANSACTION 'x'",
    "COMMIT AND CHAIN",
    "ABORT",
    "SELECT 1; COMMIT; DELETE FROM pixshelf.image",
]
CALLS = [
    "SELECT set_config('transaction_read_only', 'off', false)",
    "SELECT pg_catalog.set_config('work_mem', '1MB', false)",
    "SELECT \"set_config\"('work_mem', '1MB', false)",
    "SELECT U&\"set\\005fconfig\"('work_mem', '1MB', false)",
    "SELECT SET_CONFIG ('work_mem', '1MB', false)",
    "SELECT set_config/* */('work_mem', '1MB', false)",
    "SELECT set_config -- here\n('work_mem', '1MB', false)",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity",
    "SELECT pg_cancel_backend(1)",
    "SELECT pg_reload_conf()",
    "SELECT pg_switch_wal()",
    "SELECT pg_advisory_lock(1)",
    "SELECT pg_try_advisory_lock(1)",
    "SELECT pg_advisory_xact_lock(1)",
    "SELECT pg_advisory_unlock_all()",
    "SELECT pg_notify('news', 'x')",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_read_binary_file('/etc/passwd')",
    "SELECT pg_ls_dir('/')",
    "SELECT pg_stat_file('/etc/passwd')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT lo_create(0)",
    "SELECT lo_from_bytea(0, 'x')",
    "SELECT lo_export(1, '{folder}/out')",
    "SELECT nextval('s')",
    "SELECT setval('s', 1)",
    "SELECT pg_stat_reset()",
    "SELECT pg_logical_emit_message(false, 'a', 'b')",
    "SELECT pg_create_physical_replication_slot('s')",
    "SELECT pg_export_snapshot()",
    "SELECT query_to_xml('SELECT pg_terminate_backend(1)', true, true, '')",
    "SELECT ts_stat('SELECT pg_reload_conf()::text::tsvector')",
    "SELECT * FROM ROWS FROM (pg_ls_dir('/'))",
    "SELECT * FROM pg_ls_logdir()",
    "EXPLAIN ANALYZE SELECT pg_reload_conf()",
    "VALUES (pg_reload_conf())",
    "SELECT 1 WHERE EXISTS (SELECT pg_reload_conf())",
    "SELECT id FROM images ORDER BY pg_reload_conf()",
]


@pytest.mark.parametrize(
    "text", STATEMENTS + CALLS, ids=lambda text: text[:40].replace("/", "-").replace("\n", " ")
)
def test_what_does_not_only_read_is_refused_and_changes_nothing(
    filled: Repository, backend: Backend, unchanged: Callable[[], object], folder: Path, text: str
) -> None:
    def told() -> object:
        with psycopg.connect(backend.url) as connection:
            return (
                connection.execute("SELECT rolname FROM pg_roles ORDER BY 1").fetchall(),
                connection.execute("SELECT datname FROM pg_database ORDER BY 1").fetchall(),
                connection.execute("SELECT * FROM pg_db_role_setting").fetchall(),
                connection.execute("SELECT oid FROM pg_largeobject_metadata").fetchall(),
                connection.execute(
                    "SELECT objid FROM pg_locks WHERE locktype = 'advisory'"
                ).fetchall(),
                connection.execute("SELECT slot_name FROM pg_replication_slots").fetchall(),
                connection.execute(
                    "SELECT pg_conf_load_time(), current_setting('work_mem')"
                ).fetchall(),
            )

    before = unchanged(), told()
    with pytest.raises(UsageError, match=r"^SQL: ") as caught:
        answer(filled, text.replace("{folder}", str(folder)))
    assert "\n" not in caught.value.message
    assert (unchanged(), told()) == before
    assert list(folder.iterdir()) == []
    assert filled.stats().images == 5


@pytest.mark.parametrize(
    "text",
    [
        "TABLE images",
        "SHOW search_path",
        "EXPLAIN SELECT * FROM images",
        "EXPLAIN (ANALYZE, FORMAT json) SELECT * FROM images",
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'pixshelf'",
        "SELECT relname FROM pg_class",
        "SELECT $$ DELETE; $$ AS text",
        "SELECT E'a\\'; DELETE' AS text",
        "(SELECT 1) UNION ALL (SELECT 2)",
        "SELECT count(*) FILTER (WHERE width > 1) OVER (PARTITION BY label) FROM images",
        "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY width) FROM images",
        "SELECT * FROM generate_series(1, 3)",
        "SELECT lower(encode(substr(data, 1, 2), 'hex')) FROM image_data",
        "SELECT id FROM images ORDER BY random()",
        "SELECT now(), clock_timestamp()",
        "SELECT count(*) FROM image TABLESAMPLE system (100)",
        "SELECT pg_size_pretty(pg_total_relation_size('pixshelf.image'))",
        "SELECT to_tsvector('simple', source) FROM images",
    ],
)
def test_what_only_reads_is_answered(filled: Repository, text: str) -> None:
    assert answer(filled, text)


def test_a_server_that_is_asked_for_too_much_is_told_to_stop(
    filled: Repository, backend: Backend
) -> None:
    endless = "SELECT count(*) FROM generate_series(1, 100000000000) AS n WHERE n % 3 = 7"
    with pytest.raises(TimedOut, match=r"longer than 0\.1 s"):
        answer(filled, endless, timeout=0.1)
    running = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%% 1000000%%' AND state = %s"
    with psycopg.connect(backend.url, autocommit=True) as connection:
        for _ in range(10_000):
            found = connection.execute(running, ("active",)).fetchone()
            if found == (1,):  # this question alone
                return
    raise AssertionError("the server goes on with what nobody waits for")
