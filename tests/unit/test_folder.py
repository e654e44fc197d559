"""The model folder: what is written is read, half of it never is."""

import errno
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file

from cowalk.errors import ModelError, UsageError
from cowalk.tables import Field, SideInfo, Vocab, folder, tensors
from cowalk.tables.folder import Stored, read_folder, write_folder


def make(value: float = 1.0, ids: list[str] | None = None) -> Stored:
    vocab = Vocab(np.array(ids or ["85123A", "a b", "电视", "ü"], dtype=object), np.array([4, 3, 2, 1]))
    label = np.array(["red", "b lue"], dtype=object)
    color = Field("color", "multi", np.array([0, 2, 2, 3, 3]), np.array([0, 1, 1], np.int32), label)
    low = np.array(["to 2", "2 to 5", "from 5"], dtype=object)
    price = Field(
        "price",
        "numeric",
        np.array([0, 1, 2, 2, 3]),
        np.array([0, 2, 1], np.int32),
        low,
        np.array([2.0, 5.0]),
    )
    table = np.arange(12, dtype=np.float32).reshape(4, 3) * value
    arrays = {
        "vectors": {"vectors": table},
        "more": {"n": np.array([7, 8]), "none": np.zeros((0, 3), np.float32)},
    }
    new = Vocab.of(["new", "x"])
    cold = (new, SideInfo(new.fingerprint, tuple(field.take(np.array([2, -1])) for field in (color, price))))
    return Stored({"recipe": {"a": 1}}, vocab, SideInfo(vocab.fingerprint, (color, price)), arrays, cold)


def value_of(path: Path) -> float:
    return float(read_folder(path).arrays["vectors"]["vectors"][0, 1])


def test_what_is_written_is_read(tmp_path: Path) -> None:
    given_ = make()
    version = write_folder(tmp_path / "m", given_)
    back = read_folder(tmp_path / "m")
    assert back.vocab.ids.tolist() == given_.vocab.ids.tolist()
    assert back.vocab.counts.tolist() == [4, 3, 2, 1]
    assert back.manifest["recipe"] == {"a": 1}
    assert back.side_info is not None
    assert given_.side_info is not None
    for one, two in zip(back.side_info.fields, given_.side_info.fields, strict=True):
        assert (one.name, one.kind, one.labels.tolist()) == (two.name, two.kind, two.labels.tolist())
        assert one.offsets.tolist() == two.offsets.tolist()
        assert one.codes.tolist() == two.codes.tolist()
    assert back.side_info["price"].edges is not None
    assert back.side_info["price"].edges.tolist() == [2.0, 5.0]
    np.testing.assert_array_equal(back.arrays["vectors"]["vectors"], given_.arrays["vectors"]["vectors"])
    assert back.arrays["more"]["none"].shape == (0, 3)
    assert back.cold is not None
    assert back.cold[0].ids.tolist() == ["new", "x"]
    assert back.cold[1]["color"].codes.tolist() == [1]
    assert back.cold[1]["price"].offsets.tolist() == [0, 0, 0]
    assert (tmp_path / "m" / "current").readlink() == Path("versions") / version.name
    assert sorted(p.name for p in version.iterdir()) == FILES


def test_integer_ids_and_empty_vocabulary(tmp_path: Path) -> None:
    for ids in ([5, -3, 2**40], []):
        vocab = Vocab.of(np.array(ids, dtype=np.int64))
        write_folder(tmp_path / "m", Stored({}, vocab))
        back = read_folder(tmp_path / "m").vocab
        assert back.ids.tolist() == ids
        assert back.is_integer


def test_safetensors_library_reads_the_file(tmp_path: Path) -> None:
    arrays = {
        "f": np.arange(6, dtype=np.float32).reshape(2, 3),
        "strided": np.arange(20, dtype=np.int64)[::3],
        "big_endian": np.array([1, 2], dtype=">i4"),
        "byte": np.array([True, False, True]),
        "scalar": np.array(2.5),
        "empty": np.zeros((3, 0), np.float32),
    }
    size, _ = tensors.write_tensors(tmp_path / "t.safetensors", arrays)
    assert size == (tmp_path / "t.safetensors").stat().st_size
    library, ours = load_file(tmp_path / "t.safetensors"), tensors.map_tensors(tmp_path / "t.safetensors")
    for name, array in arrays.items():
        np.testing.assert_array_equal(library[name], array)
        np.testing.assert_array_equal(ours[name], array)
    assert not ours["f"].flags.writeable


def test_chunks_are_written_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensors, "CHUNK", 100)
    table = np.arange(3000, dtype=np.float32).reshape(1000, 3)
    tensors.write_tensors(tmp_path / "t.safetensors", {"t": table[::-1], "one": table[0]})
    np.testing.assert_array_equal(load_file(tmp_path / "t.safetensors")["t"], table[::-1])


def test_old_versions_are_swept_and_the_last_two_stay(tmp_path: Path) -> None:
    dead = tmp_path / "m" / "versions" / ".writing-x-999999999"
    dead.mkdir(parents=True)
    versions = [write_folder(tmp_path / "m", make(v)) for v in (1.0, 2.0, 3.0)]
    assert sorted((tmp_path / "m" / "versions").iterdir()) == versions[1:]
    assert value_of(tmp_path / "m") == 3.0
    assert float(read_folder(versions[1]).arrays["vectors"]["vectors"][0, 1]) == 2.0


STEPS = [
    "write_vocab",
    "write_side_info",
    "_write_items",
    "write_tensors",
    "_sync",
    "_settle",
    "_locked",
    "_checksum",
    "_sweep",
]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("first", [True, False])
def test_a_failure_at_any_step_leaves_old_or_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, error: BaseException, first: bool
) -> None:
    target = tmp_path / "deep" / "m"
    if not first:
        write_folder(target, make(1.0))
    calls = 1
    for nth in range(8):  # the nth call of the step fails, until it is never reached
        calls = 0
        with monkeypatch.context() as patch:
            real = getattr(folder, step)

            def fail(*args: object, _real=real, _nth=nth, **kwargs: object) -> object:  # type: ignore[no-untyped-def]
                nonlocal calls
                calls += 1
                if calls == _nth + 1:
                    raise error
                return _real(*args, **kwargs)

            patch.setattr(folder, step, fail)
            if step == "_checksum" and not first:
                patch.setattr(folder, "read_manifest", lambda version: {})
            try:
                write_folder(target, make(2.0))
                assert calls <= nth
                break
            except (OSError, KeyboardInterrupt):
                pass
        if target.exists():
            assert value_of(target) in ((2.0,) if first else (1.0, 2.0))
            left = [p.name for p in (*target.iterdir(), *(target / "versions").iterdir()) if p.name[0] == "."]
            assert left == []
        else:
            assert first
            assert not target.parent.exists()
    assert value_of(target) == 2.0


@pytest.mark.parametrize("step", ["symlink_to", "replace", "rename"])
def test_a_failure_of_the_link_leaves_the_old_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    write_folder(tmp_path / "m", make(1.0))
    with monkeypatch.context() as patch:
        patch.setattr(Path, step, lambda *a, **k: (_ for _ in ()).throw(OSError(errno.EIO, "broken")))
        with pytest.raises(OSError, match="broken"):
            write_folder(tmp_path / "m", make(2.0))
    assert value_of(tmp_path / "m") == 1.0
    assert len(list((tmp_path / "m" / "versions").iterdir())) == 1


FILES = [
    f"{prefix}{name}.parquet" for prefix in ("cold_", "") for name in ("side_info", "side_values", "vocab")
]
FILES = sorted([*FILES, "manifest.json", "more.safetensors", "vectors.safetensors"])


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_truncated_file_is_refused(tmp_path: Path, name: str, share: float) -> None:
    path = write_folder(tmp_path / "m", make()) / name
    os.truncate(path, int(path.stat().st_size * share))
    with pytest.raises(ModelError, match=name) as caught:
        read_folder(tmp_path / "m")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_refused(tmp_path: Path, name: str) -> None:
    (write_folder(tmp_path / "m", make()) / name).unlink()
    with pytest.raises(ModelError):
        read_folder(tmp_path / "m")


def test_foreign_newer_and_absent_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such model folder"):
        read_folder(tmp_path / "none")
    (tmp_path / "other").mkdir()
    with pytest.raises(ModelError, match="not a cowalk model"):
        read_folder(tmp_path / "other")
    (tmp_path / "other" / "manifest.json").write_text('{"name": "else"}')
    with pytest.raises(ModelError, match="written by something else"):
        read_folder(tmp_path / "other")
    with pytest.raises(UsageError, match="holds other files"):
        write_folder(tmp_path / "other", make())
    with pytest.raises(UsageError, match="is a file"):
        write_folder(tmp_path / "other" / "manifest.json", make())
    (tmp_path / "half" / ".work").mkdir(parents=True)
    with pytest.raises(ModelError, match="no finished model"):
        read_folder(tmp_path / "half")
    path = write_folder(tmp_path / "m", make()) / "manifest.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps(manifest | {"format": 99}))
    with pytest.raises(ModelError, match="newer than this cowalk"):
        read_folder(tmp_path / "m")
    path.write_text(json.dumps(manifest | {"format": 0}))
    with pytest.raises(ModelError, match=r"older than this cowalk reads .*; fit again, or go on with"):
        read_folder(tmp_path / "m")


def test_files_of_another_fit_are_refused(tmp_path: Path) -> None:
    one = write_folder(tmp_path / "one", make())
    two = write_folder(tmp_path / "two", make(ids=["p", "q", "r", "s"]))
    (one / "vocab.parquet").write_bytes((two / "vocab.parquet").read_bytes())
    with pytest.raises(ModelError):
        read_folder(tmp_path / "one")


def test_large_files_are_checked_only_when_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_folder(tmp_path / "m", make()) / "vectors.safetensors"
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)
    monkeypatch.setattr(folder, "ALWAYS_CHECKED", 0)
    read_folder(tmp_path / "m")
    with pytest.raises(ModelError, match="checksum"):
        read_folder(tmp_path / "m", verify=True)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("fuzz") / "m", make())


@settings(max_examples=60, deadline=None)
@given(name=st.sampled_from(FILES), place=st.floats(0, 0.999), mask=st.integers(1, 255))
def test_a_flipped_byte_is_refused(written: Path, name: str, place: float, mask: int) -> None:
    path = written / name
    raw = path.read_bytes()
    bad = bytearray(raw)
    bad[int(place * len(raw))] ^= mask
    path.write_bytes(bad)
    try:
        same = json.loads(bad) == json.loads(raw) if name == "manifest.json" else False
    except ValueError:
        same = False
    try:
        if same:  # white space became other white space: nothing was lost
            read_folder(written)
        else:
            with pytest.raises(ModelError):
                read_folder(written)
    finally:
        path.write_bytes(raw)


@settings(max_examples=200, deadline=None)
@given(place=st.integers(0, 260), mask=st.integers(1, 255))
def test_a_flipped_header_is_refused_or_harmless(written: Path, place: int, mask: int) -> None:
    raw = bytearray((written / "more.safetensors").read_bytes())
    raw[place % len(raw)] ^= mask
    path = written.parent / "flipped.safetensors"
    path.write_bytes(raw)
    try:
        for array in tensors.map_tensors(path).values():
            np.asarray(array).sum()
    except ModelError:
        pass


def test_a_version_that_another_process_wrote_is_taken(tmp_path: Path) -> None:
    first = write_folder(tmp_path / "m", make(1.0))
    copied = shutil.copytree(first, tmp_path / "copy")
    write_folder(tmp_path / "m", make(2.0))
    (tmp_path / "m" / "versions" / f".writing-{first.name}-{os.getpid()}" / "left by a kill").mkdir(
        parents=True
    )
    again = folder.publish_version(tmp_path / "m", first.name, lambda draft: (draft / "half").mkdir())
    assert again == first
    assert value_of(tmp_path / "m") == 1.0
    assert sorted(p.name for p in first.iterdir()) == sorted(p.name for p in copied.iterdir())


def test_links_of_killed_writers_are_swept(tmp_path: Path) -> None:
    version = write_folder(tmp_path / "m", make(1.0)).name
    (tmp_path / "m" / f".current-{version}").symlink_to("nowhere")
    write_folder(tmp_path / "m", make(2.0))
    assert sorted(p.name for p in (tmp_path / "m").iterdir()) == ["current", "versions"]
