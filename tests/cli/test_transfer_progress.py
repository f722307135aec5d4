from __future__ import annotations

import pytest

from drcli.cli import transfer_progress


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (51_234_567, "51.2 MB")]
)
def test_sizes(count: int, text: str) -> None:
    assert transfer_progress.size(count) == text


@pytest.mark.parametrize("columns", [20, 80, 300])
def test_the_bar(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = [
        transfer_progress._bar("uploading x.pb", done, 4_000_000, 2.0) for done in (0, 1_000_000, 4_000_000)
    ]
    assert "25%   1.0 MB of 4.0 MB,   0.5 MB/s  uploading x.pb" in lines[1]
    bars = [line.partition(" ")[0] for line in lines]
    assert len({len(bar) for bar in bars}) == 1 and len(set(bars)) == 3
    assert len(set(bars[0])) == len(set(bars[2])) == 1
    assert transfer_progress._bar("x", 0, 0, 1.0).count("100%") == 1


def test_a_bar_says_nothing_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with transfer_progress.bar("uploading") as tell:
        tell("x", 1, 2)
    assert capsys.readouterr() == ("", "")
