"""Loads `Settings` from a workspace: finds, reads, expands and checks its files, and reports all problems together.

Order: `system.env`, `run.env`, then `--set KEY=VALUE`; a worker's own file overrides those.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from drcli import env
from drcli.config import envfile, legacy
from drcli.config.envfile import Assignment, Scope, Value
from drcli.config.problems import Problem, did_you_mean, raise_for
from drcli.config.settings import Settings, variables
from drcli.config.variable import Variable
from drcli.errors import DrError
from drcli.paths import Workspace, is_folder_name

OVERRIDE = "--set"
DEFAULT = "default"
EXPERIMENT = "-e or the environment"


def find_workspace(start: Path | None = None, experiment: str | None = None) -> Workspace:
    """The workspace around `start` (default: the current folder), else the one `DR_DIR` names.

    The experiment is `experiment`, else the process environment's DR_EXPERIMENT_NAME, else `system.env`'s.

    Raises:
        DrError: there is no workspace, or it has no such experiment.
    """
    root = _find_root((start or Path.cwd()).resolve())
    name = experiment or env.read(env.DR_EXPERIMENT_NAME) or _experiment_of(root)
    if name and not (is_folder_name(name) and (root / "experiments" / name).is_dir()):
        there = sorted(path.name for path in root.glob("experiments/*") if path.is_dir())
        raise DrError(
            f"Experiment {name!r} was not found in {root}.",
            f"available: {', '.join(there)}" if there else f"`dr -e {name} init` creates it",
        )
    return Workspace(root, name)


def load_settings(
    workspace: Workspace, overrides: Sequence[str | Assignment] = (), *, run_env: bytes | None = None
) -> Settings:
    """All settings of a run.

    An override replaces the line that sets the same key, so other lines that refer to it (`$KEY`) use the
    new value.

    Args:
        overrides: `KEY=VALUE` texts of a command line, or assignments from elsewhere.
        run_env: read instead of the workspace's `run.env`, which may not exist yet.

    Raises:
        DrError: an env file is missing or cannot be read.
        UsageError: lines or values are invalid; lists all problems with their places.
    """
    pinned, problems = _overrides(overrides)
    assignments = []
    for path in (workspace.system_env, workspace.run_env):
        planned = run_env if path == workspace.run_env else None
        found, faults = _read(workspace, path, planned)
        assignments += found
        problems += faults
    scope = _scope(workspace)
    scope.used |= {name for item in assignments for name in envfile.references(item.value)}
    if workspace.experiment:
        chosen = Assignment(env.DR_EXPERIMENT_NAME, workspace.experiment, EXPERIMENT, literal=True)
        pinned[chosen.key] = next((item for item in assignments if _same(item, chosen)), chosen)
    return _settle(_pin(assignments, pinned), scope, problems)


def load_worker_settings(workspace: Workspace, settings: Settings, number: int) -> Settings:
    """Settings of worker `number` (2, 3, …) of a multi-config run: `settings`, overridden by its own file.

    Raises: as `load_settings`.
    """
    path = workspace.worker_env(number)
    if not path.is_file():
        raise DrError(
            f"{_shown(workspace, path)} is missing.",
            f"workers 2 to {settings.workers} (DR_WORKERS) need one each, as DR_TRAIN_MULTI_CONFIG is True",
        )
    assignments, problems = _read(workspace, path)
    rows = variables()
    own = [item for item in assignments if item.key not in rows or rows[item.key].worker]
    scope = _scope(workspace)
    scope.known |= settings.values
    # Worker files are often copies of run.env: only differences are worth a notice.
    others = Scope(dict(scope.known))
    envfile.expand_all((item for item in assignments if item not in own), others, env.outer())
    scope.notices += [
        f"{value.source}: {key} is the same for all workers; ignored"
        for key, value in others.known.items()
        if value.text != scope.known[key].text
    ]
    return _settle(own, scope, problems)


def load_workers(workspace: Workspace, settings: Settings) -> tuple[Settings, ...]:
    """Settings of workers 2, 3, … of a multi-config run; empty for any other run."""
    if not settings.train_multi_config:
        return ()
    return tuple(load_worker_settings(workspace, settings, n) for n in range(2, settings.workers + 1))


def settings_of(values: Mapping[str, str], source: str = OVERRIDE) -> Settings:
    """Settings from expanded texts alone, without a workspace; raises as `load_settings`."""
    return _settle([Assignment(key, text, source, literal=True) for key, text in values.items()], Scope(), [])


def _find_root(start: Path) -> Path:
    folders = [start, *start.parents]
    named = env.read(env.DR_DIR)
    if named:
        folders.append(Path(named).expanduser().resolve())
    for folder in folders:
        if (folder / "system.env").is_file():
            return folder
    for folder in folders:
        if (folder / "run.env").is_file():
            raise DrError(
                f"{folder / 'system.env'} is missing.",
                f"`dr init {folder}` writes the missing files",
            )
    raise DrError(
        f"No workspace found: there is no system.env in {start} or its parent folders"
        + (f", nor in DR_DIR ({named})." if named else ", and DR_DIR is not set."),
        "`dr init` creates one here",
    )


def _experiment_of(root: Path) -> str:
    workspace = Workspace(root)
    scope = _scope(workspace)
    envfile.expand_all(_read(workspace, workspace.system_env)[0], scope, env.outer())
    return scope.known.get(env.DR_EXPERIMENT_NAME, Value("", "")).text


def _scope(workspace: Workspace) -> Scope:
    """The variables known before the first line."""
    return Scope({env.DR_DIR: Value(str(workspace.root), DEFAULT)})


def _shown(workspace: Workspace, path: Path) -> str:
    return path.relative_to(workspace.root).as_posix()


def _read(
    workspace: Workspace, path: Path, planned: bytes | None = None
) -> tuple[list[Assignment], list[Problem]]:
    try:
        data = path.read_bytes() if planned is None else planned
    except FileNotFoundError:
        raise DrError(f"{path} is missing.", "`dr init` writes the missing files") from None
    except OSError as error:
        raise DrError(f"Cannot read {path}: {error.strerror}.") from None
    return envfile.parse(data, _shown(workspace, path))


def _overrides(given: Iterable[str | Assignment]) -> tuple[dict[str, Assignment], list[Problem]]:
    pinned, problems = {}, []
    for text in given:
        found = text if isinstance(text, Assignment) else envfile.parse_override(text, OVERRIDE)
        if isinstance(found, Assignment) and found.key == env.DR_EXPERIMENT_NAME:
            found = Problem(
                OVERRIDE, f"{found.key} cannot be set here", "choose an experiment with `dr -e NAME …`"
            )
        if isinstance(found, Problem):
            problems.append(found)
        else:
            pinned[found.key] = found
    return pinned, problems


def _same(one: Assignment, other: Assignment) -> bool:
    return (one.key, one.value) == (other.key, other.value)


def _pin(assignments: Sequence[Assignment], pinned: Mapping[str, Assignment]) -> list[Assignment]:
    """`assignments` with pinned ones replacing their namesakes; the rest go first, or last if they use references."""
    named = {assignment.key for assignment in assignments}
    rest = [assignment for key, assignment in pinned.items() if key not in named]
    first = [assignment for assignment in rest if not envfile.references(assignment.value)]
    last = [assignment for assignment in rest if assignment not in first]
    return [*first, *(pinned.get(assignment.key, assignment) for assignment in assignments), *last]


def _settle(assignments: Sequence[Assignment], scope: Scope, problems: list[Problem]) -> Settings:
    """Expand, translate old names, fill in defaults, check."""
    envfile.expand_all(assignments, scope, env.outer())
    _take_in_old_names(assignments, scope)
    values = {}
    for name, row in variables().items():
        value = scope.known.get(name)
        if value is None or (row.default and not (value.text or row.optional)):
            scope.known[name] = value = _default(row, scope)
        values[name] = value
    values |= {key: value for key, value in scope.known.items() if key not in values and key != env.DR_DIR}
    return _checked(values, tuple(dict.fromkeys(scope.notices)), problems)


def _default(row: Variable, scope: Scope) -> Value:
    inner = Scope(scope.known)
    envfile.expand_all([Assignment("", row.default, DEFAULT)], inner, {})
    return inner.known.pop("")


def _take_in_old_names(assignments: Sequence[Assignment], scope: Scope) -> None:
    rows = variables()
    named = {item.key for item in assignments}
    for item in assignments:
        new = legacy.RENAMED.get(item.key)
        if new in named:
            scope.notices.append(f"{item.where}: {item.key} has no effect: {new} is set too")
        elif new:
            scope.known[new] = scope.known[item.key]
            scope.notices.append(f"{item.where}: {item.key} is now called {new}")
        elif item.key in legacy.IGNORED:
            scope.notices.append(f"{item.where}: {item.key} {legacy.IGNORED[item.key]}")
        elif item.key not in rows and item.key not in scope.used and _meant_for_us(item):
            near = did_you_mean(item.key, rows)
            scope.notices.append(f"{item.where}: {item.key} is not a setting" + (f"; {near}" if near else ""))


def _meant_for_us(item: Assignment) -> bool:
    """Users' own keys need no notice, unless given with `--set`."""
    return item.key.startswith("DR_") or item.where == OVERRIDE


def _checked(values: Mapping[str, Value], notices: tuple[str, ...], problems: list[Problem]) -> Settings:
    rows = variables()
    texts = {name: _in_table_case(row, values[name].text) for name, row in rows.items()}
    settings, wrong = _validated({name: text for name, text in texts.items() if text or rows[name].optional})
    # A default can only be wrong because of a setting it refers to: that one is reported.
    wrong = {name for name in wrong if values[name].source != DEFAULT} or wrong
    problems += [_problem(row, values[name]) for name, row in rows.items() if name in wrong]
    raise_for(problems if settings is None else problems + _contradictions(settings, values))
    assert settings is not None
    for name, row in rows.items():
        if row.boolean and texts[name].lower() not in ("true", "false"):  # documents allow no other words
            texts[name] = str(getattr(settings, name.removeprefix("DR_").lower()))
    settings._values = {
        name: Value(texts.get(name, value.text), value.source) for name, value in values.items()
    }
    settings._notices = notices
    return settings


def _validated(texts: Mapping[str, str]) -> tuple[Settings | None, set[str]]:
    """The settings, or the names of those that are wrong; pydantic's own error would show secrets."""
    try:
        return Settings.model_validate({name: text or None for name, text in texts.items()}), set()
    except ValidationError as error:
        return None, {str(fault["loc"][0]) for fault in error.errors()}


def _in_table_case(row: Variable, text: str) -> str:
    return next((choice for choice in row.choices if choice.lower() == text.lower()), text)


def _problem(row: Variable, value: Value) -> Problem:
    text = "…" if row.secret else value.text
    hint = legacy.MISTAKEN.get((row.name, value.text.upper())) or did_you_mean(value.text, row.choices)
    return Problem(value.source, f"{row.name}={text}: expected {row.expected}", hint)


def _contradictions(settings: Settings, values: Mapping[str, Value]) -> list[Problem]:
    problems = []
    if settings.cloud == "remote" and not (settings.minio_url or settings.remote_minio_url):
        problems.append(
            Problem(
                values["DR_CLOUD"].source,
                "DR_CLOUD=remote needs DR_REMOTE_MINIO_URL",
                "set it in system.env to the address of the S3 server",
            )
        )
    if settings.h2b_lower_lane_change_time > settings.h2b_upper_lane_change_time:
        problems.append(
            Problem(
                values["DR_H2B_LOWER_LANE_CHANGE_TIME"].source,
                "DR_H2B_LOWER_LANE_CHANGE_TIME is greater than DR_H2B_UPPER_LANE_CHANGE_TIME",
            )
        )
    return problems
