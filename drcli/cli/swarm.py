"""`dr swarm`: create a swarm, let other machines join, show and label its nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from drcli.cli import present

if TYPE_CHECKING:
    from drcli.launch.docker.swarm_nodes import SwarmNode


@click.group()
def command() -> None:
    """Set up a Docker Swarm for DR_DOCKER_STYLE=swarm; show and label its nodes.

    The first machine creates it; the others join with the command that `dr swarm join-command` prints.
    Labels say what runs where: Sagemaker the trainer, Robomaker the workers.

    \b
      dr swarm init --advertise-addr 192.168.1.20
      dr swarm join-command
      dr swarm status
      dr swarm label node2 --robomaker
    """


@command.command()
@click.option(
    "--advertise-addr",
    metavar="ADDR",
    help="Address or interface at which other machines reach this one; default: 127.0.0.1, for this machine only.",
)
def init(advertise_addr: str | None) -> None:
    """Make this machine a swarm manager, set its labels and create the network. An existing swarm is kept.

    \b
      dr swarm init
      dr swarm init --advertise-addr 192.168.1.20
    """
    from drcli.launch.docker import swarm_mode, swarm_nodes

    node = swarm_mode.init(advertise_addr)
    present.result(f"{node.hostname} manages a swarm at {node.address} and runs trainer and workers.")
    if not swarm_mode.is_of_one_machine(swarm_nodes.swarm_state()):
        present.next_step("dr swarm join-command", "show the command for machines that join")
        return
    for address in swarm_mode.addresses():
        present.say(f"No other machine can join it. To allow that: dr swarm init --advertise-addr {address}")
    present.next_step("dr start-training --set DR_DOCKER_STYLE=swarm", "train in it")


@command.command("join-command")
@click.option("--manager", is_flag=True, help="Join as another manager, not as a worker.")
def join_command(manager: bool) -> None:
    """Print the command to run on a machine that joins. Anybody who has it can join, so keep it secret.

    \b
      dr swarm join-command
    """
    from drcli.launch.docker.swarm_mode import join_command

    present.result(join_command("manager" if manager else "worker"))
    present.say(
        "The machine needs Docker; ports 2377/tcp, 7946/tcp+udp and 4789/udp have to be open between the machines."
    )
    present.next_step(
        "dr swarm status", "run it here once the machine has joined; it needs labels and images"
    )


@command.command()
@click.option("--json", "as_json", is_flag=True, help="Print the nodes as JSON.")
def status(as_json: bool) -> None:
    """Show the nodes: role, state, labels, and which of our services they run.

    \b
      dr swarm status
      dr swarm status --json
    """
    from dataclasses import asdict

    from drcli.launch.docker.swarm_nodes import nodes

    found = nodes()
    if as_json:
        present.as_json([asdict(node) | {"is_ready": node.is_ready} for node in found])
    else:
        present.table([_row(node) for node in found])
    _say_next(found)


@command.command()
@click.argument("node")
@click.option("--sagemaker/--no-sagemaker", default=None, help="Allow or forbid the trainer on this node.")
@click.option("--robomaker/--no-robomaker", default=None, help="Allow or forbid workers on this node.")
def label(node: str, sagemaker: bool | None, robomaker: bool | None) -> None:
    """Set what may run on NODE, a host name or an id. Without options: workers.

    \b
      dr swarm label node2
      dr swarm label node2 --sagemaker --no-robomaker
    """
    from drcli.launch.docker.swarm_nodes import label

    if sagemaker is None and robomaker is None:
        robomaker = True
    labelled = label(node, sagemaker=sagemaker, robomaker=robomaker)
    present.table([_row(labelled)])
    if labelled.may_run:
        present.next_step(
            "dr images push HOST:PORT", "make the image available to all nodes through a registry"
        )
    else:
        present.next_step(f"dr swarm label {node}", "nothing can run there now; this allows workers again")


@command.command()
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def leave(yes: bool) -> None:
    """Remove this machine from its swarm, unless it is in use. The swarm of a single manager ends.

    \b
      dr swarm leave
    """
    from drcli.launch.docker import swarm_mode, swarm_nodes

    state = swarm_mode.check_leave()
    if not yes:
        others = len(swarm_nodes.nodes()) - 1 if state.is_manager else 0
        lost = f" {others} other nodes may be left without a manager." if others else ""
        click.confirm(f"Remove this machine from its swarm?{lost}", abort=True, err=True)
    swarm_mode.leave()
    present.result("This machine has left its swarm.")
    present.next_step("dr swarm init", "create a new one; DR_DOCKER_STYLE=compose needs none")


def _row(node: SwarmNode) -> dict[str, Any]:
    state = node.state if node.availability == "active" else f"{node.state}, {node.availability}"
    return {
        "node": node.hostname,
        "id": node.id[:12],
        "role": "leader" if node.is_leader else node.role,
        "state": state,
        "address": node.address,
        "engine": node.engine_version,
        "labels": ", ".join(node.may_run) or "-",
        "runs": ", ".join(f"{name} ×{count}" for name, count in node.services.items()) or "-",
    }


def _say_next(found: list[SwarmNode]) -> None:
    for node in found:
        if not node.is_ready:
            gone = f" If it is gone for good: docker node rm {node.id[:12]}" if node.state == "down" else ""
            present.warn(f"{node.hostname} accepts no tasks ({_row(node)['state']}).{gone}")
    bare = next((node for node in found if node.is_ready and not node.may_run), None)
    if bare is not None:
        double = sum(node.hostname == bare.hostname for node in found) > 1
        name = bare.id[:12] if double else bare.hostname
        present.next_step(f"dr swarm label {name}", "allow workers to run there")
    elif len(found) == 1:
        present.next_step("dr swarm join-command", "show the command for machines that join")
    else:
        present.next_step("dr start-training --set DR_DOCKER_STYLE=swarm", "train on these nodes")
