"""PostgreSQL and Redis for the run: one of each for all contenders, which have separate databases in both."""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import redis
from psycopg import sql

from core.dev import postgres_server, redis_server
from core.dev.postgres_server import PostgresServer
from core.dev.redis_server import RedisServer
from core.paths import url_path

_BROKER = 100


@dataclass(frozen=True)
class Storage:
    """The databases of one contender."""

    postgres_url: str
    redis_socket: Path
    redis_number: int

    @property
    def redis_url(self) -> str:
        return f"unix://{url_path(self.redis_socket)}?db={self.redis_number}"

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables of libpq, and complete URLs."""
        parts = urlsplit(self.postgres_url)
        return {
            "PGHOST": str(parts.hostname),
            "PGPORT": str(parts.port),
            "PGUSER": str(parts.username),
            "PGPASSWORD": str(parts.password),
            "PGDATABASE": parts.path[1:],
            "DATABASE_URL": self.postgres_url,
            "REDIS_URL": self.redis_url,
            "REDIS_SOCKET": str(self.redis_socket),
            "REDIS_DATABASE": str(self.redis_number),
            # Emails wait in the database; no worker listens.
            "CELERY_BROKER_URL": f"redis+socket://{url_path(self.redis_socket)}?virtual_host={_BROKER}",
        }


@dataclass(frozen=True)
class Stores:
    postgres: PostgresServer
    redis: RedisServer

    @classmethod
    def start(cls) -> "Stores":
        postgres = postgres_server.start_for_benchmarks()
        try:
            return cls(postgres, redis_server.start_for_tests())
        except BaseException:
            postgres.stop()
            raise

    def stop(self) -> None:
        self.redis.stop()
        self.postgres.stop()

    @property
    def postgres_log(self) -> Path:
        return self.postgres.folder / "postgres.log"

    def create_storage(self, name: str, number: int) -> Storage:
        """Create an empty database for `name`, and assign it the Redis database with that number."""
        database = f"bench_{name}"
        self.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
        url = urlunsplit(urlsplit(self.postgres.url)._replace(path=f"/{database}"))
        return Storage(url, self.redis.socket, number)

    def execute(self, statement: sql.Composed | sql.SQL) -> None:
        with closing(psycopg.connect(self.postgres.url, autocommit=True)) as connection:
            connection.execute(statement)

    def versions(self) -> dict[str, str]:
        with closing(psycopg.connect(self.postgres.url)) as connection:
            postgres = connection.info.parameter_status("server_version")
        with closing(redis.Redis.from_url(self.redis.url)) as client:
            info = client.info("server")
        return {"PostgreSQL": str(postgres), "Redis": str(info["redis_version"])}
