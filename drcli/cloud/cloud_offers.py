"""Which machines AWS offers for a run today: types, zones, prices of now and at most. Nothing is changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from drcli.cloud.aws_clients import Aws
from drcli.cloud.machine_images import MachineImage, MachineType, machine_image, machine_types
from drcli.cloud.machine_network import subnets
from drcli.cloud.spot_prices import check_limit, extras_usd_per_hour, on_demand_price, todays_prices
from drcli.errors import DrError, UsageError

_DEFAULT_TYPES = ("c7i.xlarge",)
_PRICE_MAY_DOUBLE = 2.0  # where the on-demand price, which is the limit otherwise, is not known


@dataclass(frozen=True)
class Offer:
    """A type in a zone, at the price of now and at most, in dollars per hour, with the disk and the address."""

    kind: MachineType
    image: MachineImage
    zone: str
    subnet_id: str
    vpc_id: str
    spot_usd: float
    on_demand_usd: float | None
    limit_usd: float

    @property
    def usd_per_hour(self) -> float:
        """What an hour costs now."""
        return self.spot_usd + extras_usd_per_hour(self.image.disk_gb)

    def most_usd(self, hours: float) -> float:
        """What so many hours can cost: above its limit AWS takes the machine back."""
        return hours * (self.limit_usd + extras_usd_per_hour(self.image.disk_gb))

    def to_dict(self, hours: float) -> dict[str, object]:
        """For JSON."""
        return {
            "type": self.kind.name,
            "zone": self.zone,
            "vcpus": self.kind.vcpus,
            "memory_gb": self.kind.memory_gb,
            "gpu": self.kind.gpu,
            "image": self.image.image_id,
            "disk_gb": self.image.disk_gb,
            "spot_usd_per_hour": self.spot_usd,
            "on_demand_usd_per_hour": self.on_demand_usd,
            "usd_per_hour": self.usd_per_hour,
            "limit_usd_per_hour": self.limit_usd,
            "most_usd": self.most_usd(hours),
        }


def find_offers(
    aws: Aws, types: Sequence[str], zones: Sequence[str], max_price: float | None
) -> tuple[Offer, ...]:
    """The types in the user's order, each in its zones, the cheapest first.

    zones: empty for all; max_price: dollars per hour. Raises DrError if there are none.
    """
    kinds = machine_types(aws, types or _DEFAULT_TYPES)
    nets = subnets(aws)
    unknown = [zone for zone in zones if zone not in nets]
    if unknown:
        raise UsageError(
            f"{aws.region} has no zone {unknown[0]} with a subnet of the default network.",
            f"It has: {', '.join(sorted(nets))}.",
        )
    zones = zones or tuple(nets)
    names = [kind.name for kind in kinds]
    prices = {key: usd for key, usd in todays_prices(aws, names).items() if key[1] in zones}
    if not prices:
        raise DrError(
            f"{', '.join(names)} is not offered as spot machine in {', '.join(sorted(zones))}.",
            "Allow other types with --type or zones with --zone.",
        )
    check_limit(prices, max_price)
    return tuple(offer for kind in kinds for offer in _offers_of(aws, max_price, kind, prices, nets))


def _offers_of(
    aws: Aws,
    max_price: float | None,
    kind: MachineType,
    prices: dict[tuple[str, str], float],
    nets: dict[str, dict[str, str]],
) -> list[Offer]:
    own = sorted((usd, zone) for (name, zone), usd in prices.items() if name == kind.name)
    allowed = [(usd, zone) for usd, zone in own if max_price is None or usd <= max_price]
    if not allowed:
        reason = "costs more than --max-price" if own else "is not offered"
        aws.tell(f"{kind.name} {reason} in the zones that are allowed.")
        return []
    image = machine_image(aws, kind)
    on_demand = on_demand_price(aws, kind.name)
    return [
        Offer(
            kind=kind,
            image=image,
            zone=zone,
            subnet_id=nets[zone]["SubnetId"],
            vpc_id=nets[zone]["VpcId"],
            spot_usd=usd,
            on_demand_usd=on_demand,
            limit_usd=max_price or max(on_demand or usd * _PRICE_MAY_DOUBLE, usd),
        )
        for usd, zone in allowed
    ]
