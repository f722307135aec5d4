"""DeepRacer-for-Cloud's commands in our words."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from drcli.cli import COMMANDS, HIDDEN, drfc, main
from drcli.errors import UsageError


@pytest.mark.parametrize(
    ("typed", "ours"),
    [
        ("start-training", ["start-training"]),
        ("start-training -w -q", ["start-training -w -q"]),
        ("start-training -qw", ["start-training -q -w"]),
        ("start-training -a", ["start-training"]),
        ("start-training -s", ["start-training -q", "logs sagemaker -f"]),
        ("start-training -w -r 2", ["start-training -w -q", "logs robomaker -n 2 -f"]),
        ("start-training -r", ["start-training -q", "logs robomaker -n 1 -f"]),
        ("start-training -r -w", ["start-training -w -q", "logs robomaker -n 1 -f"]),
        ("start-training -r 0", ["start-training -q", "logs robomaker -n 1 -f"]),
        ("start-training -qwv", ["start-training -q -w -v"]),
        ("start-training -v", ["start-training -q -v", "logs -f"]),
        ("start-training -q -s", ["start-training -q"]),
        ("start-training --set DR_WORKERS=2 -y", ["start-training --set DR_WORKERS=2 -y"]),
        ("start-evaluation -q -c", ["evaluate -q -c"]),
        ("start-evaluation -qc", ["evaluate -q -c"]),
        ("stop-training", ["stop-training"]),
        ("logs-sagemaker", ["logs sagemaker -f"]),
        ("logs-sagemaker -w 15 -a", ["logs sagemaker -f --tail 0"]),
        ("start-loganalysis", ["start-loganalysis"]),
        ("logs-loganalysis", ["logs-loganalysis -f"]),
        ("logs-robomaker -w 15 -n 2 -e", ["logs robomaker -f -n 2 --evaluation"]),
        ("logs-robomaker -n 0", ["logs robomaker -f -n 1"]),
        ("increment-training -f -w -p a-1 -d _", ["increment-training -f -w -p a-1 -d _"]),
        ("increment-training -p -bcd", ["increment-training -p -bcd"]),
        ("upload-model -bf -L", ["upload-model -bf -L"]),
        ("upload-model -c 12 -1", ["upload-model -c 12 -1"]),
        ("local-aws s3 ls s3://bucket", ["s3 ls s3://bucket"]),
        ("local-aws sts get-caller-identity", ["local-aws"]),
        ("start-viewer -w 480 -h 360", ["start-viewer -w 480 --height 360"]),
        ("update-viewer -p 8200", ["stop-viewer", "start-viewer -p 8200"]),
        ("reload", ["reload"]),
        ("droa-list-models --json --url https://x", ["droa list --json --url https://x"]),
        ("droa-get-model abc -v", ["droa show abc -v"]),
        ("droa-download-logs abc", ["droa logs abc"]),
        ("droa-download-logs abc -o f.tar.gz --evaluation-id e", ["droa logs abc --evaluation e f.tar.gz"]),
        ("droa-download-logs --asset-type=VIRTUAL_MODEL abc --output f", ["droa get abc f"]),
        ("droa-download-logs --asset-type PHYSICAL_CAR_MODEL abc", ["droa get --car abc"]),
        ("droa-delete-model abc -y", ["droa delete abc -f"]),
        (
            "droa-import-model --model-prefix p --model-name=n --model-description d --best",
            ["droa import p --name n --description d --best"],
        ),
        ("droa-import-model --model-dir d --checkpoint 0", ["droa import d --checkpoint 0"]),
    ],
)
def test_translation(typed: str, ours: list[str]) -> None:
    name, *words = typed.split()
    assert [" ".join(line) for line in drfc.translate(name, words)] == ours


def test_words_with_spaces_stay_whole() -> None:
    assert drfc.translate("increment-training", ["-p", "a b; c"]) == [["increment-training", "-p", "a b; c"]]


def test_videos_of_droa() -> None:
    with pytest.raises(UsageError, match="no videos"):
        drfc.translate("droa-download-logs", ["abc", "--asset-type", "VIDEOS"])


def test_an_unknown_name() -> None:
    with pytest.raises(UsageError, match="no dr-fly"):
        drfc.translate("fly", ())


def test_every_option_that_is_handed_on_is_one_of_ours() -> None:
    theirs = {
        "start-training": "w q y",
        "evaluate": "q c",
        "increment-training": "f w p d",
        "increment-upload-model": "f w p d",
        "upload-model": "f w d b c p 1 L i",
        "download-model": "s t f w d c",
        "upload-car-zip": "L b f p",
    }
    for name, letters in theirs.items():
        context = main.make_context("dr", [name])
        command = main.get_command(context, name)
        assert command is not None
        ours = {option for param in command.params for option in param.opts}
        assert {f"-{letter}" for letter in letters.split()} <= ours, name


@pytest.mark.parametrize("name", drfc.RETIRED)
@pytest.mark.parametrize("words", [(), ("-x", "--long", "word")])
def test_what_was_retired_answers_with_one_line(name: str, words: tuple[str, ...]) -> None:
    answer = CliRunner().invoke(main, [name, *words])
    assert answer.exit_code == 0
    assert answer.stdout == ""  # for `$(dr-find-sagemaker)`
    assert answer.stderr == drfc.RETIRED[name] + "\n"


def test_a_line_on_what_to_use_names_commands_that_there_are() -> None:
    for line in drfc.RETIRED.values():
        for part in line.split("`")[1::2]:
            if part.startswith("dr ") and part != "dr ":
                assert part.split()[1] in COMMANDS, line


def test_they_are_not_in_the_list() -> None:
    said = CliRunner().invoke(main, ["--help"]).stdout
    for name in (*drfc.RETIRED, *HIDDEN, "start-evaluation"):
        assert f"  {name} " not in said


def test_their_names_work_without_the_dash() -> None:
    answer = CliRunner().invoke(main, ["start-evaluation", "--help"])
    assert answer.exit_code == 0 and "Usage: dr evaluate" in answer.stdout


def test_what_fails_is_the_last_and_its_code_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    answer = CliRunner().invoke(main, ["-e", "wet", "as-drfc", "start-training", "-r", "2"])
    assert answer.exit_code == 1
    assert answer.stderr.count("error: ") == 1 and "No workspace" in answer.stderr
    answer = CliRunner().invoke(main, ["as-drfc", "start-training", "--nonsense"])
    assert answer.exit_code == 2 and "No such option" in answer.stderr
    answer = CliRunner().invoke(main, ["as-drfc", "fly"])
    assert answer.exit_code == 2 and "no dr-fly" in answer.stderr
