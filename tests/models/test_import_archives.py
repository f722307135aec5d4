"""Archives that somebody else made: whole ones, damaged ones, and ones that were made to harm."""

from __future__ import annotations

import gzip
import io
import stat
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from archives import tar, tar_gz, zip_of
from hypothesis import example, given
from hypothesis import strategies as st

from drcli.errors import DrError
from drcli.models.import_archives import Limits, Unpacked, clean_name, unpack
from drcli.store.transfer import quiet

MODEL = {
    "model_metadata.json": b'{"action_space": []}',
    "agent/model.pb": b"graph" * 5000,
    "agent/worker_0.csv": b"1,2\n" * 100,
}
USUAL = Limits()
SMALL = Limits(files=50, size_bytes=1 << 20, header_bytes=1 << 20)


def entry(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, target
    return made


def unpacked(data: bytes, limits: Limits = USUAL) -> dict[str, bytes]:
    """Contents of what was kept; nothing else was written."""
    return unpacked_with(data, limits)[1]


def unpacked_with(data: bytes, limits: Limits = USUAL) -> tuple[Unpacked, dict[str, bytes]]:
    with TemporaryDirectory() as text:
        archive, folder = Path(text, "their.tar.gz"), Path(text, "in", "here")
        archive.write_bytes(data)
        folder.mkdir(parents=True)
        try:
            found = unpack(archive, folder, quiet, limits)
            contents = {name: path.read_bytes() for name, path in found.files.items()}
        finally:
            written = [path for path in Path(text).rglob("*") if not path.is_dir()]
            assert all(path.parent == folder and path.name.isdigit() for path in written if path != archive)
        return found, contents


every_kind = pytest.mark.parametrize("pack", [tar, tar_gz, zip_of])
Pack = Callable[[Mapping[str, bytes]], bytes]


@every_kind
def test_what_is_kept(pack: Pack) -> None:
    found, contents = unpacked_with(pack(MODEL))
    assert found.others == ["agent/worker_0.csv"] and found.links == []
    assert contents == {name: MODEL[name] for name in ("model_metadata.json", "agent/model.pb")}
    assert set(unpacked(pack({f"./x//{name}": data for name, data in MODEL.items()}))) == {
        "x/model_metadata.json",
        "x/agent/model.pb",
    }


@every_kind
@pytest.mark.parametrize(
    "name", ["../reward_function.py", "/etc/reward_function.py", "a/../../x", r"..\x", "C:\\x", "C:/x"]
)
def test_names_that_lead_out(pack: Pack, name: str) -> None:
    with pytest.raises(DrError, match="outside its own folder"):
        unpacked(pack(MODEL | {name: b"x"}))


def test_windows_names() -> None:
    assert clean_name(r"model\model_metadata.json") == "model/model_metadata.json"


def test_links_and_devices() -> None:
    kinds = (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE)
    more = [entry(f"model/model_{number}.pb", kind, "/etc/passwd") for number, kind in enumerate(kinds)]
    found, contents = unpacked_with(tar_gz(MODEL, *more))
    assert found.links == ["model/model_0.pb", "model/model_1.pb"]
    assert found.others == ["agent/worker_0.csv", "model/model_2.pb", "model/model_3.pb"]
    assert set(contents) == {"model_metadata.json", "agent/model.pb"}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        link = zipfile.ZipInfo("reward_function.py")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    assert unpacked_with(packed.getvalue())[0].links == ["reward_function.py"]


@every_kind
def test_limits(pack: Pack) -> None:
    with pytest.raises(DrError, match="more than 50 files"):
        unpacked(pack({f"{number}.txt": b"" for number in range(51)}), SMALL)
    with pytest.raises(DrError, match=r"unpacks to more than 0\.000977 GiB"):
        unpacked(pack({f"model/model_{number}.pb": bytes(600_000) for number in range(2)}), SMALL)
    with pytest.raises(DrError, match="unpacks to more than"):
        unpacked(pack({"notes.txt": bytes(2 << 20)}), SMALL)


def test_a_bomb_of_headers() -> None:
    """The long names and attributes of a header are refused before they fill the memory."""
    attributes = gzip.compress(_extended(tarfile.XHDTYPE, 64 << 20))
    name = gzip.compress(_extended(tarfile.GNUTYPE_LONGNAME, 64 << 20))
    tracemalloc.start()
    for data in (attributes, name):
        assert len(data) < 100_000
        with pytest.raises(DrError, match="does not end"):
            unpacked(data)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak_bytes < 32 << 20


def _extended(kind: bytes, size_bytes: int) -> bytes:
    header = entry("x", kind)
    header.size = size_bytes
    return header.tobuf(tarfile.GNU_FORMAT) + bytes(size_bytes) + tar({})


def test_headers_without_end() -> None:
    chain = b"".join(_extended(tarfile.GNUTYPE_LONGNAME, 512)[:1024] for _ in range(3000))
    with pytest.raises(DrError, match="not a complete"):
        unpacked(chain + tar({}))
    for size_bytes in (-512, -1):
        header = tarfile.TarInfo("x")
        header.size = size_bytes
        with pytest.raises(DrError, match="negative"):
            unpacked(header.tobuf(tarfile.GNU_FORMAT) + bytes(2048))
    pax = tarfile.TarInfo("x")
    pax.pax_headers = {"size": "-1024"}
    with pytest.raises(DrError, match="negative"):
        unpacked(pax.tobuf(tarfile.PAX_FORMAT) + bytes(2048))


def test_a_sparse_file_of_an_exabyte() -> None:
    sparse = tarfile.TarInfo("agent/model.pb")
    sparse.pax_headers = {"GNU.sparse.map": "0,0", "GNU.sparse.size": str(1 << 60), "GNU.sparse.name": "x.pb"}
    with pytest.raises(DrError, match="unpacks to more"):
        unpacked(sparse.tobuf(tarfile.PAX_FORMAT) + bytes(2048))


def test_a_zip_with_a_password() -> None:
    data = bytearray(zip_of(MODEL))
    for start in (data.find(b"PK\x03\x04") + 6, data.find(b"PK\x01\x02") + 8):
        data[start] |= 1
    with pytest.raises(DrError, match=r"cannot be unpacked: .*(encrypted|password)"):
        unpacked(bytes(data))


@every_kind
@given(cut=st.floats(0, 1, exclude_max=True))
@example(cut=0.0)
def test_cut_off(pack: Pack, cut: float) -> None:
    """An archive that ends early is refused, wherever it ends."""
    data = pack(MODEL)
    if pack is tar:  # followed by more zeros than it needs
        data = data[: data.rindex(b"1,2\n") + 4]
    with pytest.raises(DrError, match=r"their\.tar\.gz is not a complete"):
        unpacked(data[: int(len(data) * cut)])


@every_kind
@given(changes=st.dictionaries(st.integers(0, 3000), st.integers(0, 255), min_size=1, max_size=8))
def test_damaged(pack: Pack, changes: dict[int, int]) -> None:
    """Whatever is wrong with an archive: an error that says so, or what is in it; never anything else."""
    data = bytearray(pack(MODEL))
    for place, value in changes.items():
        data[place % len(data)] = value
    try:
        contents = unpacked(bytes(data), SMALL)
    except DrError:
        return
    assert sum(map(len, contents.values())) <= SMALL.size_bytes


@every_kind
@given(files=st.dictionaries(st.text(min_size=1, max_size=300), st.binary(max_size=2000), max_size=60))
def test_any_files(pack: Pack, files: dict[str, bytes]) -> None:
    try:
        data = pack(files)
    except (ValueError, IndexError, UserWarning):
        return  # no archive can have this name
    try:
        contents = unpacked(data, SMALL)
    except DrError as error:
        assert "outside its own folder" in error.message or "more than 50" in error.message
        return
    assert all(content in files.values() for content in contents.values())


@given(
    st.binary(max_size=3000), st.sampled_from([b"", b"PK", b"PK\x05\x06", b"\x1f\x8b", b"\x1f\x8b\x08\x00"])
)
def test_no_archive(data: bytes, start: bytes) -> None:
    with pytest.raises(DrError, match=r"is not a complete|cannot be unpacked|unpacks to more"):
        unpacked(start + data)
