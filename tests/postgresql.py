"""A PostgreSQL server of the test's own: in a temporary folder, on a Unix socket, ended with the test that asked for it.

The server refuses to run as root, so it is started as a user without privileges then.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

BOUND_S = 30.0
USERS = ("postgres", "nobody")
USER = "teller"
"""The database's superuser, whoever runs the server."""


def binaries() -> Path:
    """The folder of initdb and postgres. Skips the test where there is none."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    pytest.skip("no PostgreSQL server here (Debian: apt-get install postgresql)")


def unprivileged() -> str | None:
    """Whose process the server is to be; None: ours."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next((user for user in USERS if user in known), None) or pytest.skip(
        f"PostgreSQL does not run as root, and there is none of the users {USERS}"
    )


@contextmanager
def serving() -> Iterator[str]:
    """The URL of a running server's empty database."""
    pytest.importorskip("psycopg", reason="no psycopg here: pip install 'brokerbench[postgres]'")
    folder, user = binaries(), unprivileged()
    home = Path(tempfile.mkdtemp(prefix="brokerbench-pg-"))
    try:
        if user:
            shutil.chown(home, user)
        command = [folder / "initdb", "--auth=trust", f"--username={USER}", "--no-sync", "-D", home / "data"]
        subprocess.run(command, user=user, cwd=home, check=True, capture_output=True, timeout=BOUND_S)
        # No process may come and go by itself while a test looks for what is left over.
        settings = ("listen_addresses=", f"unix_socket_directories={home}", "autovacuum=off", "fsync=off")
        options = [word for setting in settings for word in ("-c", setting)]
        with (home / "log").open("w") as log:
            server = subprocess.Popen(
                [folder / "postgres", "-D", home / "data", *options],
                user=user, cwd=home, stdout=log, stderr=log,
            )  # fmt: skip
        try:
            url = f"postgresql:///postgres?host={home}&user={USER}"
            until_it_answers(url, server, home / "log")
            yield url
        finally:
            server.terminate()  # waits for nobody's session but ours, which are closed by now
            try:
                server.wait(BOUND_S)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
    finally:
        shutil.rmtree(home)


def until_it_answers(url: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    import psycopg

    deadline = time.monotonic() + BOUND_S
    while True:
        try:
            psycopg.connect(url).close()
            return
        except psycopg.OperationalError:
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < deadline, f"no answer within {BOUND_S:g} s: {log.read_text()}"
            time.sleep(0.02)
