"""Every source keeps the contract of sources."""

from pathlib import Path

import pytest

from collect.feeds import AdbcPostgres, AdbcSqlite, Answers, Csv, Feed, Given, Images, Jsonl, Parquet, Postgres, Sqlite
from contracts.source import SourceContract


class TestCsv(SourceContract):
    @pytest.fixture
    def feed(self, tmp_path: Path) -> Feed:
        return Csv(tmp_path)


class TestParquet(SourceContract):
    @pytest.fixture
    def feed(self, tmp_path: Path) -> Feed:
        return Parquet(tmp_path)


class TestJsonl(SourceContract):
    @pytest.fixture
    def feed(self, tmp_path: Path) -> Feed:
        return Jsonl(tmp_path)


class TestSqlite(SourceContract):
    @pytest.fixture
    def feed(self, tmp_path: Path) -> Feed:
        return Sqlite(tmp_path)


class TestPostgres(SourceContract):
    @pytest.fixture
    def feed(self, tmp_path: Path, postgres_url: str) -> Feed:
        return Postgres(tmp_path, postgres_url)


class TestAdbcSqlite(SourceContract):
    @pytest.fixture
    def feed(self, tmp_path: Path) -> Feed:
        return AdbcSqlite(tmp_path)


class TestAdbcPostgres(SourceContract):
    @pytest.fixture
    def feed(self, tmp_path: Path, postgres_url: str) -> Feed:
        return AdbcPostgres(tmp_path, postgres_url)


class TestFolder(SourceContract):
    @pytest.fixture
    def feed(self, tmp_path: Path) -> Feed:
        return Images(tmp_path)


class TestRows(SourceContract):
    @pytest.fixture
    def feed(self, tmp_path: Path) -> Feed:
        return Given(tmp_path)


class TestCaptured(SourceContract):
    @pytest.fixture
    def feed(self, tmp_path: Path) -> Feed:
        return Answers(tmp_path)
