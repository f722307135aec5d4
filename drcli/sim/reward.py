"""The user's reward function: loaded, run per car with a simulated clock, its failures reported with their line.

Every car has its own instance, because half of real reward functions keep state between steps.
It is the user's own code on the user's own machine, so there is no sandbox.
"""

from __future__ import annotations

import builtins
import inspect
import logging
import reprlib
import sys
from collections.abc import Callable
from types import CodeType, ModuleType, TracebackType
from typing import Any

from drcli.errors import DrError
from drcli.sim.constants import STEP_S
from drcli.sim.deadline import Stack, TooSlow, call_within
from drcli.sim.rate_limit import RateLimit
from drcli.sim.reward_hints import Failed, hint_for
from drcli.sim.reward_params import Params, params_at_start
from drcli.sim.simulated_time import simulated_modules
from drcli.sim.track import Track

LIMIT_S = 1.0  # wall clock, per call
FIRST_LIMIT_S = 30.0  # the first call and the module itself may import pandas or scipy, on a busy machine
LIMIT_REWARD = 1e5  # as in simapp

Log = Callable[[str], None]
_MODULE = "reward_function"
_SIGNATURE = "it takes one argument: def reward_function(params)"


class RewardError(DrError):
    """The reward function failed while a car was driving."""


class RewardTimeout(RewardError):
    """A call of the reward function took too long."""


class RewardFunction:
    """A reward function from its source; messages call it `filename`.

    `log` receives every line that it prints; without one, Python's logging gets some of them. `on_stuck` receives a
    sentence, from another thread, if a call cannot be interrupted.
    `processes`: how many may call it at the same time for the cars of a world, if it is slow (`parallel_rewards`).

    Raises:
        DrError: it cannot be parsed, fails on import, or has no `reward_function(params)`.
    """

    def __init__(
        self,
        source: str,
        filename: str,
        log: Log | None = None,
        on_stuck: Callable[[str], None] | None = None,
        processes: int = 1,
    ) -> None:
        self.filename = filename
        self.source = source = source.removeprefix("\ufeff")  # some editors on Windows begin a file with it
        self.processes = processes
        self.print_line: Log = log or RateLimit(logging.getLogger("drcli.reward").info)
        self.on_stuck = on_stuck
        self._code = self._compile(source)
        self.for_car()

    def for_car(self) -> CarReward:
        """A new instance of the module, with its own state, clock and output."""
        return CarReward(self)

    def _compile(self, source: str) -> CodeType:
        try:
            return compile(source, self.filename, "exec", dont_inherit=True)
        except SyntaxError as error:
            code = (error.text or "").strip()
            raise DrError(
                f"{self.filename}:{error.lineno}: {error.msg}", f"Fix this line: {code}" if code else ""
            ) from None
        except ValueError as error:  # a null byte
            raise DrError(f"{self.filename}: {error}", "Is this a Python file?") from None

    def load(self, now_s: Callable[[], float]) -> Callable[[Params], object]:
        """Run the module and return its function, which takes one dict."""
        module = ModuleType(_MODULE)
        module.__file__ = self.filename
        vars(module)["__builtins__"] = self._builtins(now_s)
        before = sys.modules.get(_MODULE)
        sys.modules[_MODULE] = module  # dataclasses look there for the module of a class
        try:
            call_within(FIRST_LIMIT_S, lambda space: exec(self._code, space), vars(module), self.stuck)
        except TooSlow as slow:
            raise DrError(
                f"{self._place(slow.stack)}: importing it takes longer than {FIRST_LIMIT_S:g} s"
            ) from None
        except (Exception, SystemExit) as error:
            line = self.line_of(error.__traceback__)
            hint = self.hint(error) or "It fails on import."
            raise DrError(f"{self.filename}:{line}: {type(error).__name__}: {error}", hint) from error
        finally:
            if before:
                sys.modules[_MODULE] = before
            else:
                del sys.modules[_MODULE]
        return self._checked(vars(module).get("reward_function"))

    def _checked(self, function: Any) -> Callable[[Params], object]:
        if not callable(function):
            raise DrError(f"{self.filename}: reward_function is not defined", _SIGNATURE.capitalize())
        try:
            inspect.signature(function).bind({})
        except TypeError as error:
            code = getattr(function, "__code__", None)
            line = code.co_firstlineno if code else 1
            raise DrError(
                f"{self.filename}:{line}: reward_function: {error}", _SIGNATURE.capitalize()
            ) from None
        except ValueError:  # a callable without a signature, written in C
            pass
        return function  # type: ignore[no-any-return]

    def _builtins(self, now_s: Callable[[], float]) -> dict[str, Any]:
        """Python's own, except that `print` goes to the log and `import time` gets the simulated clock."""
        simulated = simulated_modules(now_s)

        def import_(name: str, *args: Any, **kwargs: Any) -> Any:
            return simulated.get(name) or builtins.__import__(name, *args, **kwargs)

        return {**vars(builtins), "__import__": import_, "print": _Printer(self.print_line)}

    def stuck(self, stack: Stack) -> None:
        """Tell `on_stuck` where the function hangs."""
        if self.on_stuck:
            self.on_stuck(f"{self._place(stack)}: reward_function does not return")

    def _place(self, stack: Stack) -> str:
        line = next((line for file, line in stack if file == self.filename), None)
        return f"{self.filename}:{line}" if line else self.filename

    def line_of(self, traceback: TracebackType | None) -> int:
        """The innermost line of the user's file in a traceback."""
        line = 1
        while traceback:
            if traceback.tb_frame.f_code.co_filename == self.filename:
                line = traceback.tb_lineno
            traceback = traceback.tb_next
        return line

    def hint(self, error: BaseException, params: Params | None = None) -> str:
        """A hint for the function's author about an error; empty if there is none."""
        return hint_for(error, Failed(self.source, self.filename, params or {}))

    def failed(self, what: str, params: Params, line: int | None = None, hint: str = "") -> RewardError:
        """An error with place and params; waypoints are shortened."""
        place = f"{self.filename}:{line}" if line else self.filename
        shown = ", ".join(f"{key!r}: {reprlib.repr(value)}" for key, value in params.items())
        return RewardError(f"{place}: {what}\nparams: {{{shown}}}", hint)

    def too_slow(self, slow: TooSlow, limit_s: float, params: Params) -> RewardError:
        """An error for a call that took too long."""
        line = next((line for file, line in slow.stack if file == self.filename), None)
        error = self.failed(f"reward_function takes longer than {limit_s:g} s for a step", params, line)
        return RewardTimeout(error.message)


class CarReward:
    """The reward function of one car."""

    def __init__(self, owner: RewardFunction) -> None:
        self._owner = owner
        self._now_s = 0.0
        self._limit_s = FIRST_LIMIT_S
        self._function = owner.load(lambda: self._now_s)

    def __call__(self, params: Params, now_s: float) -> float:
        """The reward for `params` (which the function may change) at the simulated time `now_s`.

        Raises:
            RewardError: an exception, not a number, NaN, beyond ±1e5, or it took more than a second.
        """
        self._now_s = now_s
        owner = self._owner
        try:
            value = call_within(self._limit_s, self._function, params, owner.stuck)
        except TooSlow as slow:
            raise owner.too_slow(slow, self._limit_s, params) from None
        except (Exception, SystemExit) as error:
            line = owner.line_of(error.__traceback__)
            what = f"{type(error).__name__}: {error}"
            raise owner.failed(what, params, line, owner.hint(error, params)) from error
        self._limit_s = LIMIT_S
        return (
            value
            if type(value) is float and -LIMIT_REWARD <= value <= LIMIT_REWARD
            else self._number(value, params)
        )

    def _number(self, value: Any, params: Params) -> float:
        hint = "Return a number, such as float(reward), on every path through the function."
        try:
            if isinstance(value, str):
                raise TypeError
            # An array of one element is accepted as a number, as with the community engine's NumPy.
            reward = float(value.item() if hasattr(value, "item") else value)
        except (TypeError, ValueError):
            raise self._owner.failed(f"reward_function returns {value!r}", params, hint=hint) from None
        if not -LIMIT_REWARD <= reward <= LIMIT_REWARD:
            limit = f"A reward is a number between -{LIMIT_REWARD:g} and {LIMIT_REWARD:g}."
            raise self._owner.failed(f"reward_function returns {reward}", params, hint=limit)
        return reward


def try_once(
    reward: RewardFunction,
    track: Track,
    steering_deg: float = 0.0,
    speed_mps: float = 1.0,
    added: Params | None = None,
) -> float:
    """Call the function on a real state, at the start line of `track`, without compiling anything.

    Steering and speed are those of one of the model's actions: some functions expect only these. `added` are the params
    of the race, such as where its objects are.

    Raises:
        RewardError: as in a step of a race.
    """
    params = params_at_start(track, steering_deg, speed_mps) | (added or {})
    return reward.for_car()(params, params["sim_time"] + STEP_S)


class _Printer:
    """`print` for one car: whole lines go to the log, including those for stdout or stderr."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._begun = ""

    def __call__(
        self,
        *values: object,
        sep: str | None = None,
        end: str | None = None,
        file: Any = None,
        flush: bool = False,
    ) -> None:
        text = (" " if sep is None else sep).join(map(str, values)) + ("\n" if end is None else end)
        if file not in (None, sys.stdout, sys.stderr):
            file.write(text)
            return
        *lines, self._begun = (self._begun + text).split("\n")
        for line in lines:
            self._log(line)
