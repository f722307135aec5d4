"""`dr swarm`: make a swarm of machines, let others join, see and label its nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from drcli.cli import present

if TYPE_CHECKING:
    from drcli.launch.docker.swarm_nodes import SwarmNode


@click.group()
def command() -> None:
    """Set up a Docker Swarm for DR_DOCKER_STYLE=swarm, show and label its nodes.

    The first machine makes it, the others join with what `dr swarm join-command` prints. Labels say
    what runs where: Sagemaker the trainer, Robomaker the workers.

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
    help="Address or interface of this machine under which others reach it; default: 127.0.0.1, for this machine only.",
)
def init(advertise_addr: str | None) -> None:
    """Make this machine the manager of a swarm, with labels and network. A swarm that exists is kept.

    \b
      dr swarm init
      dr swarm init --advertise-addr 192.168.1.20
    """
    from drcli.launch.docker import swarm_mode, swarm_nodes

    node = swarm_mode.init(advertise_addr)
    present.result(f"{node.hostname} manages a swarm at {node.address}, and runs trainer and workers.")
    if not swarm_mode.is_of_one_machine(swarm_nodes.swarm_state()):
        present.next_step("dr swarm join-command", "what to type on the machines that join")
        return
    for address in swarm_mode.addresses():
        present.say(
            f"It is of this machine alone. To let others join: dr swarm init --advertise-addr {address}"
        )
    present.next_step("dr start-training --set DR_DOCKER_STYLE=swarm", "train in it")


@command.command("join-command")
@click.option("--manager", is_flag=True, help="Join as a further manager, not as a worker.")
def join_command(manager: bool) -> None:
    """Print what to type on a machine that is to join. Whoever has that line can join: keep it to yourself.

    \b
      dr swarm join-command
    """
    from drcli.launch.docker.swarm_mode import join_command

    present.result(join_command("manager" if manager else "worker"))
    present.say(
        "It needs Docker there, and between the machines the ports 2377/tcp, 7946/tcp+udp and 4789/udp."
    )
    present.next_step("dr swarm status", "here, once it has joined: it then wants labels and images")


@command.command()
@click.option("--json", "as_json", is_flag=True, help="Print the nodes as JSON.")
def status(as_json: bool) -> None:
    """Show the nodes: role, state, labels, and which of our services run there.

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
@click.option("--sagemaker/--no-sagemaker", default=None, help="Whether the trainer may run there.")
@click.option("--robomaker/--no-robomaker", default=None, help="Whether workers may run there.")
def label(node: str, sagemaker: bool | None, robomaker: bool | None) -> None:
    """Say what may run on NODE, a host name or an id. Without an option: workers.

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
            "dr images push HOST:PORT", "bring the image to all nodes, by a registry that they reach"
        )
    else:
        present.next_step(f"dr swarm label {node}", "nothing runs there now; this lets workers in again")


@command.command()
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def leave(yes: bool) -> None:
    """Take this machine out of its swarm. The swarm of a single manager ends. Refused while it is in use.

    \b
      dr swarm leave
    """
    from drcli.launch.docker import swarm_mode, swarm_nodes

    state = swarm_mode.check_leave()
    if not yes:
        others = len(swarm_nodes.nodes()) - 1 if state.is_manager else 0
        lost = f" {others} other nodes may be left without a manager." if others else ""
        click.confirm(f"Take this machine out of its swarm?{lost}", abort=True, err=True)
    swarm_mode.leave()
    present.result("This machine is in no swarm any more.")
    present.next_step("dr swarm init", "make a new one; DR_DOCKER_STYLE=compose needs none")


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
            gone = f" Gone for good: docker node rm {node.id[:12]}" if node.state == "down" else ""
            present.warn(f"{node.hostname} takes no tasks ({_row(node)['state']}).{gone}")
    bare = next((node for node in found if node.is_ready and not node.may_run), None)
    if bare is not None:
        double = sum(node.hostname == bare.hostname for node in found) > 1
        name = bare.id[:12] if double else bare.hostname
        present.next_step(f"dr swarm label {name}", "let workers run there")
    elif len(found) == 1:
        present.next_step("dr swarm join-command", "what to type on a machine that is to join")
    else:
        present.next_step("dr start-training --set DR_DOCKER_STYLE=swarm", "train over these nodes")
