from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from drcli.errors import DrError
from drcli.store.simtrace import HEADER, format_csv, format_log_line, read_csv

SHARED = Path(__file__).parents[3] / "shared" / "traces"

# A row as the community's engine writes it: deepracer-simapp 6.
ROW = (0, 1.0, 0.20775390119677545, -2.1729670099623903, 179.9865076243987, -10.0, 2.0, 3, 0.0, False, True,
       0.2333416929055949, 0, 59.99785047027138, 37.347, "prepare", 0.0, 0, 1772906145.5125356)  # fmt: skip
LINE = (
    "0,1.0,0.20775390119677545,-2.1729670099623903,179.9865076243987,-10.0,2.0,3,0.0,False,True,"
    "0.2333416929055949,0,59.99785047027138,37.347,prepare,0.0,0,1772906145.5125356"
)


def test_a_csv_has_the_communitys_form() -> None:
    header = (
        "episode,steps,X,Y,yaw,steer,throttle,action,reward,done,all_wheels_on_track,progress,"
        "closest_waypoint,track_len,tstamp,episode_status,pause_duration,obstacle_crash_counter,wall_clock"
    )
    assert format_csv([ROW]).decode() == f"{header}\n{LINE}\n"
    assert format_csv([]).decode() == f"{header}\n"
    assert len(HEADER) == 19


def test_a_log_line_has_the_communitys_form() -> None:
    row = (0, 2.0, 0.20776, -2.17297, 179.98651, 20.0, 1.25, 9, 0.2333, False, True, 0.2333, 0, 59.998,
           36.75, "in_progress", 0.0, 0, 1772822267.85751)  # fmt: skip
    assert format_log_line(row) == (
        "SIM_TRACE_LOG:0,2,0.2078,-2.1730,179.9865,20.00,1.25,9,0.2333,False,True,0.2333,0,60.00,"
        "36.75,in_progress,0.00,0,1772822267.8575"
    )


def test_continuous_actions_pass_unchanged() -> None:
    row = (*ROW[:7], "[-12.5 1.75]", *ROW[8:])
    assert read_csv(format_csv([row])) == [row]
    assert ",[-12.5 1.75],0.0000," in format_log_line(row)


@pytest.mark.parametrize("columns", [16, 17, 18, 19])
def test_each_generation_is_read(columns: int) -> None:
    text = "\n".join(",".join(line.split(",")[:columns]) for line in format_csv([ROW, ROW]).decode().split())
    rows = read_csv(text.encode())
    assert rows == [(*ROW[:columns], *(0.0, 0, 0.0)[columns - 16 :])] * 2
    assert [type(value) for value in rows[0]] == [type(value) for value in ROW]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "lacks the columns episode"),
        ("a,b\n1,2\n", "not a simtrace"),
        (format_csv([ROW]).decode() + "0,1.0,0.2", "x.csv:3 is broken: 3 values for 19 columns"),
        (format_csv([ROW]).decode().replace("37.347", "soon"), "x.csv:2 is broken.*soon"),
        (format_csv([ROW]).decode().replace("False", "0"), "x.csv:2 is broken.*'0'"),
    ],
)
def test_a_broken_file_is_named_with_its_line(text: str, message: str) -> None:
    with pytest.raises(DrError, match=message):
        read_csv(text.encode(), "x.csv")


@pytest.mark.shared
@pytest.mark.parametrize(
    "archive", sorted(SHARED.glob("*.tar.gz")) or [None], ids=lambda path: path and path.name
)
def test_real_traces_are_read_and_written_alike(archive: Path | None) -> None:
    if archive is None:
        pytest.skip("the recorded trainings are not here")
    with tarfile.open(archive) as tar:
        files = [member for member in tar if member.name.endswith("-iteration.csv")][:6]
        assert files
        for member in files:
            stored = tar.extractfile(member)
            assert stored
            rows = [line.split(",") for line in stored.read().decode().splitlines()]
            for row in rows[1:]:
                row[11] = str(float(row[11]))  # the engine caps progress by an int
            data = "\n".join(map(",".join, rows)).encode()
            again = format_csv(read_csv(data, member.name)).decode().splitlines()
            assert [line.split(",")[: len(rows[0])] for line in again] == rows
