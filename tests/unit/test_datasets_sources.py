"""Where raw files are found, and what a download may leave behind."""

import functools
import hashlib
import io
import threading
import zipfile
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cowalk.datasets.download import Download
from cowalk.datasets.sources import RawFile, Spec, cache_root, data_root, fetch, find
from cowalk.errors import DataError

TEXT = b"one two three\n" * 1000


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


class BreaksOff(Quiet):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(TEXT)))
        self.end_headers()
        self.wfile.write(TEXT[:100])


def serve(handler: object) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)  # type: ignore[arg-type]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "a.txt").write_bytes(TEXT)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("in/b.txt", TEXT)
        archive.writestr("in/c.txt", b"c")
    (folder / "bc.zip").write_bytes(packed.getvalue())
    yield from serve(functools.partial(Quiet, directory=str(folder)))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COWALK_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("COWALK_DATA", raising=False)
    for proxy in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(proxy, raising=False)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def spec(*raw: RawFile) -> Spec:
    return Spec("toy", 1, raw, lambda raw, folder: {}, "CC0", "https://example.org/toy")


def files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_a_named_folder_comes_before_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = RawFile("toy/a.txt.gz", also=("toy/other.txt",))
    assert find(raw) is None
    kept = cache_root() / "raw" / "toy" / "a.txt"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(TEXT)
    assert find(raw) == kept
    named = tmp_path / "data" / "toy"
    named.mkdir(parents=True)
    monkeypatch.setenv("COWALK_DATA", str(tmp_path / "data"))
    assert find(raw) == kept
    (named / "other.txt").write_bytes(TEXT)
    assert find(raw) == named / "other.txt"
    (named / "a.txt.gz").write_bytes(TEXT)
    assert find(raw) == named / "a.txt.gz"


def test_a_data_folder_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COWALK_DATA", "/no/such/folder")
    with pytest.raises(DataError, match="COWALK_DATA is '/no/such/folder', which is not a folder"):
        data_root()


def test_the_cache_is_where_the_platform_keeps_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("COWALK_CACHE")
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_root() == tmp_path / "cowalk"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_root() == Path.home() / ".cache" / "cowalk"


def test_a_download_is_checked_and_kept(site: str) -> None:
    one = spec(RawFile("toy/a.txt", download=Download(f"{site}/a.txt", sha256(TEXT))))
    assert fetch(one)[0].read_bytes() == TEXT
    assert files(cache_root()) == ["raw/toy/a.txt"]


def test_members_of_a_zip_come_in_one_download(site: str) -> None:
    url = f"{site}/bc.zip"
    two = spec(
        RawFile("toy/b.txt.gz", download=Download(url, sha256(TEXT), member="in/b.txt")),
        RawFile("toy/c.txt", download=Download(url, sha256(b"c"), member="in/c.txt")),
    )
    assert [path.read_bytes() for path in fetch(two)] == [TEXT, b"c"]
    assert files(cache_root()) == ["raw/toy/b.txt", "raw/toy/c.txt"]


def test_a_wrong_hash_names_both_and_keeps_nothing(site: str) -> None:
    wrong = "0" * 64
    two = spec(
        RawFile("toy/c.txt", download=Download(f"{site}/bc.zip", sha256(b"c"), member="in/c.txt")),
        RawFile("toy/b.txt", download=Download(f"{site}/bc.zip", wrong, member="in/b.txt")),
    )
    with pytest.raises(DataError) as caught:
        fetch(two)
    assert sha256(TEXT) in str(caught.value)
    assert wrong in str(caught.value)
    assert files(cache_root()) == []


@pytest.mark.parametrize(
    ("path", "member", "message"),
    [
        ("none.txt", None, "cannot download .*none.txt: "),
        ("bc.zip", "in/z.txt", "is not the expected zip"),
        ("a.txt", "in/b.txt", "is not the expected zip"),
    ],
)
def test_a_failed_download_says_how_to_place_the_file(
    site: str, path: str, member: str | None, message: str
) -> None:
    one = spec(RawFile("toy/a.txt", download=Download(f"{site}/{path}", sha256(TEXT), member=member)))
    with pytest.raises(DataError, match=message) as caught:
        fetch(one)
    assert "put toy/a.txt under" in str(caught.value)
    assert files(cache_root()) == []


def test_a_download_that_breaks_off_keeps_nothing() -> None:
    for site in serve(BreaksOff):
        one = spec(RawFile("toy/a.txt", download=Download(f"{site}/a.txt", sha256(TEXT))))
        with pytest.raises(DataError, match=r"a\.txt"):
            fetch(one)
    assert files(cache_root()) == []


def test_a_server_that_is_not_there_is_one_line() -> None:
    one = spec(RawFile("toy/a.txt", download=Download("http://127.0.0.1:9/a.txt", sha256(TEXT))))
    with pytest.raises(DataError, match=r"cannot download http://127\.0\.0\.1:9/a\.txt"):
        fetch(one)


def test_a_file_to_be_placed_by_hand_is_named() -> None:
    by_hand = spec(RawFile("toy/a.csv.gz", also=("toy/b.csv",)))
    with pytest.raises(DataError, match=r"toy/a\.csv\.gz \(or toy/b\.csv\) is not in .*raw") as caught:
        fetch(by_hand)
    assert "get it from https://example.org/toy and put toy/b.csv under" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_cache_that_cannot_be_written_is_said(
    site: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("COWALK_CACHE", str(tmp_path / "file"))
    one = spec(RawFile("toy/a.txt", download=Download(f"{site}/a.txt", sha256(TEXT))))
    with pytest.raises(DataError, match=r"cannot write to the cache folder .*COWALK_CACHE"):
        fetch(one)
