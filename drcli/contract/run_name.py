"""Names of a run and its services: kinds of runs, services, replicas, and DeepRacer-for-Cloud's project names."""

from __future__ import annotations

from typing import Literal

RunKind = Literal["training", "evaluation"]
RUN_KINDS: tuple[RunKind, ...] = ("training", "evaluation")

TRAINER = "sagemaker"
WORKER = "robomaker"
COACH = "rl_coach"  # of the community's engine: it starts the trainer itself


def project_name(kind: RunKind, run_id: int) -> str:
    """`deepracer-0`, `deepracer-eval-0`: the Compose project or the Swarm stack of a run."""
    return f"deepracer-{run_id}" if kind == "training" else f"deepracer-eval-{run_id}"


def replica_name(service: str, index: int) -> str:
    """`sagemaker`, `robomaker-1`, `robomaker-2`, …: there is one trainer, and any number of workers."""
    return service if service in (TRAINER, COACH) else f"{service}-{index + 1}"


def reward_log_name(replica: str) -> str:
    """`robomaker-1.reward.log`: the file with what the reward function printed in that worker."""
    return f"{replica}.reward.log"
