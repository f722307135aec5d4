"""Translates commands of DeepRacer-for-Cloud: what each `dr-…` with its options means as `dr …`.

Used by `dr as-drfc`, which the functions of `dr shell-init` call, and when a DeepRacer-for-Cloud command that we do
not have is typed as `dr NAME`. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from drcli.errors import UsageError

Line = list[str]  # the words of one `dr` command

_NO_ENV = "There is nothing to reload: every `dr` command reads the env files itself."
_STATUS = "`dr status` shows every service with its process or container; scripts can use `dr status --json`."

# Commands that have no successor, or no longer worked in DeepRacer-for-Cloud → what to use instead.
RETIRED: Mapping[str, str] = {
    "list-aws-models": "The AWS DeepRacer console no longer exists; `dr models` lists the models in the bucket.",
    "set-upload-model": "Set DR_UPLOAD_S3_PREFIX in run.env, or increment it with `dr increment-upload-model`.",
    "start-tournament": "`dr race MODEL MODEL ...` lets models of the bucket race each other.",
    "update-env": _NO_ENV,
    "update": _NO_ENV,
    "reload": _NO_ENV,
    "local-aws": "Use `dr s3 ls`, `dr s3 cp` and so on; they know the workspace's bucket, endpoint and credentials.",
    "find-sagemaker": _STATUS,
    "find-robomaker": _STATUS,
    "get-robomaker-stats": "`dr status` shows steps per second and the real-time factor.",
}


def translate(name: str, words: Sequence[str]) -> list[Line]:
    """The sequence of `dr` commands that does what `dr-NAME WORDS` does in DeepRacer-for-Cloud.

    Raises UsageError if there is no such command.
    """
    if name not in NAMES:
        raise UsageError(f"DeepRacer-for-Cloud has no dr-{name}.", "`dr --help` lists our commands.")
    if name in _TRANSLATED:
        return _TRANSLATED[name](_spread(words))
    return [[name, *words]]


def _spread(words: Sequence[str]) -> Line:
    """`-qw` → `-q -w`, as in DeepRacer-for-Cloud; long options and values are kept."""
    spread: Line = []
    for word in words:
        bundle = word.startswith("-") and not word.startswith("--") and word[1:].isalpha()
        spread += [f"-{letter}" for letter in word[1:]] if bundle else [word]
    return spread


def _start_training(words: Line) -> list[Line]:
    """DRFC's -s, -r [N] and -a choose the logs to follow; without them our command shows the progress."""
    start, log, viewer = ["start-training"], [], False
    while words:
        word = words.pop(0)
        if word == "-s":
            log = ["logs", "sagemaker", "-f"]
        elif word == "-r":
            log = ["logs", "robomaker", "-n", _replica(words), "-f"]
        elif word == "-v":
            viewer = True
        elif word != "-a":
            start.append(word)
    quiet = "-q" in start
    if (log or viewer) and not quiet:
        start.append("-q")
    start += ["-v"] if viewer else []
    after = [log or ["logs", "-f"]] if not quiet and (log or viewer) else []
    return [start, *after]


def _replica(words: Line) -> str:
    """The number after -r, if there is one; 0 also means the first."""
    return str(max(1, int(words.pop(0)))) if words and words[0].isdigit() else "1"


def _start_viewer(words: Line) -> list[Line]:
    """DRFC's -h is a height."""
    return [["start-viewer", *("--height" if word == "-h" else word for word in words)]]


def _logs(service: str) -> Callable[[Line], list[Line]]:
    """DRFC's -w waits for the container, -a shows the whole log."""

    def translated(words: Line) -> list[Line]:
        line = ["logs", service, "-f"]
        while words:
            word = words.pop(0)
            if word == "-w":
                del words[:1]
            elif word == "-n":
                line += ["-n", _replica(words)]
            else:
                line += {"-a": ["--tail", "0"], "-e": ["--evaluation"]}.get(word, [word])
        return [line]

    return translated


def _local_aws(words: Line) -> list[Line]:
    return [words] if words[:1] == ["s3"] else [["local-aws"]]


def _droa(command: str, renamed: Mapping[str, str] = MappingProxyType({})) -> Callable[[Line], list[Line]]:
    """DRFC's long options under other names; an empty one stands for our argument."""

    def translated(words: Line) -> list[Line]:
        named = [renamed.get(word, word) for word in _halves(words)]
        return [["droa", command, *(word for word in named if word)]]

    return translated


def _droa_download(words: Line) -> list[Line]:
    """DRFC's --asset-type chooses what we have two commands for."""
    command, line, output = ["logs"], [], []
    words = _halves(words)
    while words:
        word = words.pop(0)
        if word == "--asset-type" and words:
            kind = words.pop(0)
            if kind == "VIDEOS":
                raise UsageError("DeepRacer on AWS offers no videos for download.")
            command = {"VIRTUAL_MODEL": ["get"], "PHYSICAL_CAR_MODEL": ["get", "--car"]}.get(kind, command)
        elif word in ("-o", "--output"):
            output, words = words[:1], words[1:]
        else:
            line.append({"--evaluation-id": "--evaluation"}.get(word, word))
    return [["droa", *command, *line, *output]]


def _halves(words: Line) -> Line:
    """`--option=value` as two words."""
    return [half for word in words for half in (word.split("=", 1) if word.startswith("--") else [word])]


_TRANSLATED: Mapping[str, Callable[[Line], list[Line]]] = {
    "start-training": _start_training,
    "start-evaluation": lambda words: [["evaluate", *words]],
    "logs-sagemaker": _logs("sagemaker"),
    "logs-robomaker": _logs("robomaker"),
    "logs-loganalysis": lambda words: [["logs-loganalysis", "-f", *words]],
    "start-viewer": _start_viewer,
    "update-viewer": lambda words: [["stop-viewer"], *_start_viewer(words)],
    "view-stream": _start_viewer,
    "local-aws": _local_aws,
    "droa-list-models": _droa("list"),
    "droa-get-model": _droa("show"),
    "droa-download-logs": _droa_download,
    "droa-delete-model": _droa("delete", {"-y": "-f", "--yes": "-f"}),
    "droa-import-model": _droa(
        "import",
        {
            **{"--model-dir": "", "--model-prefix": "", "--model-name": "--name"},
            "--model-description": "--description",
        },
    ),
}

_SAME = (
    *("stop-training", "stop-evaluation", "stop-all", "summary"),
    *("increment-training", "increment-upload-model", "upload-custom-files", "download-custom-files"),
    *("upload-model", "upload-car-zip", "download-model"),
    *("stop-viewer", "start-metrics", "stop-metrics"),
    *("start-loganalysis", "stop-loganalysis", "url-loganalysis"),
)

NAMES: tuple[str, ...] = tuple(sorted({*_SAME, *_TRANSLATED, *RETIRED}))
