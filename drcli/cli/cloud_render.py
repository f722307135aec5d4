"""`dr cloud render`: the run of `dr cloud up` for SkyPilot or AWS Batch, which rent machines themselves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from drcli.cli import cloud_options, options, present, rented_command

if TYPE_CHECKING:
    from drcli.cloud.cloud_job import CloudJob

_vcpus = click.option(
    "--vcpus", type=click.IntRange(2, 192), default=4, show_default=True, help="Processors of a machine."
)
_memory = click.option(
    "--memory",
    "memory_gb",
    type=click.IntRange(4, 1536),
    default=8,
    show_default=True,
    help="Its memory in GB.",
)
_out = click.option(
    "-o",
    "--out",
    metavar="FOLDER",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where to write; default: data/cloud/NAME.",
)


@click.group("render")
def command() -> None:
    """Write a SkyPilot task or the documents of an AWS Batch job: the run of `dr cloud up`, for users of those.

    The workspace and drcli go to the bucket, the files that say how to run it to a folder of yours; nothing is started.
    An interrupted run is started again on another machine by SkyPilot or Batch and continues from its last checkpoint.
    See docs/cloud-render.md.

    \b
      dr cloud render sky
      dr cloud render batch --help
    """


@command.command("sky")
@cloud_options.words
@cloud_options.hours
@cloud_options.job_name
@_vcpus
@_memory
@click.option("--gpu", metavar="NAME[:COUNT]", default="", help="GPU of the machine, such as T4 or A10G:1.")
@_out
@options.dry_run
@cloud_options.where
def sky(
    cloud: cloud_options.Cloud,
    words: tuple[str, ...],
    hours: float,
    name: str,
    vcpus: int,
    memory_gb: int,
    gpu: str,
    out: Path | None,
    dry_run: bool,
) -> None:
    """Write sky.yaml, a task for SkyPilot: a spot machine of AWS that runs this workspace's training, or COMMAND.

    `sky jobs launch` starts it and recovers it after a preemption, `sky launch` starts it once.

    \b
      dr cloud render sky
      dr cloud render sky --gpu T4 --hours 1 -- start-training -w
      dr cloud render sky -d > sky.yaml
    """
    import yaml

    from drcli.cloud.cloud_render import SkyWish, sky_task

    job, wheel_key = _job(cloud, words, hours, name, dry_run)
    task = sky_task(job, wheel_key, SkyWish(vcpus, memory_gb, gpu))
    text = yaml.dump(task, Dumper=_block_dumper(), sort_keys=False, width=1000, allow_unicode=True)
    if dry_run:
        present.result(text.rstrip())
        return
    (path,) = _write(cloud, job, out, {"sky.yaml": text})
    present.next_step(f"sky jobs launch {path}", "start it; `dr cloud status` and `dr cloud pull` work, too")


@command.command("batch")
@cloud_options.words
@cloud_options.hours
@cloud_options.job_name
@_vcpus
@_memory
@click.option("--gpus", type=click.IntRange(0, 8), default=0, show_default=True, help="GPUs of a machine.")
@click.option(
    "--instance-type",
    "instance_types",
    metavar="NAME",
    multiple=True,
    default=("optimal",),
    show_default=True,
    help="Type or family of machines; can be repeated.",
)
@click.option(
    "--max-vcpus",
    type=click.IntRange(2, 10_000),
    default=16,
    show_default=True,
    help="Processors of all machines of the queue together.",
)
@click.option(
    "--attempts",
    type=click.IntRange(1, 10),
    default=5,
    show_default=True,
    help="How often at most Batch starts it, each time for --hours.",
)
@click.option(
    "--image", metavar="NAME", help="Image of the container, with bash and Python; default: Python's own."
)
@click.option("--subnet", "subnets", metavar="ID", multiple=True, required=True, help="Can be repeated.")
@click.option(
    "--security-group", "security_groups", metavar="ID", multiple=True, required=True, help="Can be repeated."
)
@click.option(
    "--job-role",
    metavar="ARN",
    required=True,
    help="Role of the container: may use the bucket and nothing else.",
)
@click.option(
    "--instance-role", metavar="ARN", required=True, help="Instance profile of the machines, for ECS."
)
@_out
@options.dry_run
@cloud_options.where
def batch(
    cloud: cloud_options.Cloud,
    words: tuple[str, ...],
    hours: float,
    name: str,
    image: str | None,
    out: Path | None,
    dry_run: bool,
    **machines: Any,
) -> None:
    """Write the documents of an AWS Batch job: spot machines, a queue, and a job that is started again there.

    `aws batch OPERATION --cli-input-json` takes them; the commands are printed. docs/cloud-render.md says what the
    roles may do.

    \b
      dr cloud render batch --subnet subnet-1 --security-group sg-1 \\
          --job-role arn:aws:iam::123456789012:role/racer --instance-role ecsInstanceRole
    """
    from drcli.cloud.cloud_render import BATCH_IMAGE, BatchWish, batch_commands, batch_documents

    job, wheel_key = _job(cloud, words, hours, name, dry_run)
    wish = BatchWish(image=image or BATCH_IMAGE, **machines)
    documents = batch_documents(job, wheel_key, wish)
    if dry_run:
        present.as_json(documents)
        return
    paths = _write(cloud, job, out, {file: f"{json.dumps(it, indent=2)}\n" for file, it in documents.items()})
    for line in batch_commands(job, str(paths[0].parent)):
        present.say(f"  {line}")
    present.next_step("dr cloud status", "follow it, once these commands have started it")


def _job(
    cloud: cloud_options.Cloud, words: tuple[str, ...], hours: float, name: str, dry_run: bool
) -> tuple[CloudJob, str]:
    """The job, checked as `dr cloud up` does, and the key of the wheel; both are uploaded unless `dry_run`."""
    from drcli.cloud import cloud_plan, cloud_start
    from drcli.cloud.cloud_place import check_bucket
    from drcli.cloud.cloud_plan import Wish
    from drcli.cloud.own_wheel import own_wheel
    from drcli.cloud.state_report import check_not_at_work

    workspace, settings = cloud.loaded
    place = cloud.place()
    rented = rented_command.parse(words or rented_command.DEFAULT, workspace)
    wish = Wish(name or rented.name, rented.words, cloud.overrides, (), (), hours, None, None, False)
    with present.live() as live:
        live.line("Checking credentials, bucket and workspace")
        place.aws.check()
        check_bucket(place)
        job = cloud_plan.checked_job(place, settings, workspace, wish)
        check_not_at_work(place.bucket, job)
    rented.check(workspace, cloud.overrides, place)
    if dry_run:
        return job, job.keys.folder + own_wheel().name
    with present.live() as live:
        live.line("Uploading the workspace and drcli")
        held_back, wheel_key = cloud_start.upload(place, job, workspace)
    for what in held_back:
        present.warn(f"{what} may be a credential and was not uploaded.")
    return job, wheel_key


def _write(
    cloud: cloud_options.Cloud, job: CloudJob, out: Path | None, files: Mapping[str, str]
) -> list[Path]:
    """Write the files; their paths."""
    from drcli.cloud.cloud_place import local_folder
    from drcli.local import write_atomically

    workspace, _ = cloud.loaded
    folder = out or local_folder(workspace, job.name)
    for name, text in files.items():
        write_atomically(folder / name, text.encode())
        present.result(str(folder / name))
    return [folder / name for name in files]


def _block_dumper() -> type:
    """A writer of YAML that shows scripts line by line."""
    import yaml

    class Dumper(yaml.SafeDumper):
        def represent_str(self, text: str) -> yaml.ScalarNode:
            return self.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)

    Dumper.add_representer(str, Dumper.represent_str)
    return Dumper
