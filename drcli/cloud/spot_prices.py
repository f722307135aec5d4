"""What spot machines cost, in US dollars per hour: today, since some time, and at most.

Sources: the spot price history of EC2, and the price list of AWS for the on-demand price.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from drcli.cloud.aws_clients import Aws
from drcli.cloud.cloud_errors import AwsError
from drcli.errors import DrError

# aws.amazon.com/ebs/pricing: gp3 0.08 to 0.1 dollars per GB and month; aws.amazon.com/vpc/pricing: public IPv4
_DISK_USD_PER_GB_HOUR = 0.1 / 730
_ADDRESS_USD_PER_HOUR = 0.005
S3_USD_PER_GB_MONTH = 0.025  # aws.amazon.com/s3/pricing: 0.023 to 0.025 in most regions

_PRODUCT = "Linux/UNIX"
_PRICE_LIST_REGION = "us-east-1"  # one of the few that have the price list


class PriceChange(NamedTuple):
    """From `at` (seconds since the epoch) on, an hour costs `usd_per_hour`."""

    at: float
    usd_per_hour: float


def extras_usd_per_hour(disk_gb: int) -> float:
    """Disk and public address of a machine, which cost the same for spot machines."""
    return disk_gb * _DISK_USD_PER_GB_HOUR + _ADDRESS_USD_PER_HOUR


def todays_prices(aws: Aws, types: Sequence[str]) -> dict[tuple[str, str], float]:
    """The spot price of now, by type and zone. A type that a zone does not have is missing."""
    entries = aws.pages(
        "ec2",
        "describe_spot_price_history",
        "SpotPriceHistory",
        InstanceTypes=list(types),
        ProductDescriptions=[_PRODUCT],
        StartTime=datetime.now(UTC),
    )
    newest = sorted(entries, key=lambda entry: entry["Timestamp"])
    return {(entry["InstanceType"], entry["AvailabilityZone"]): float(entry["SpotPrice"]) for entry in newest}


def price_history(aws: Aws, instance_type: str, zone: str, start: float, end: float) -> list[PriceChange]:
    """How the spot price changed between two times (seconds since the epoch), oldest first."""
    entries = aws.pages(
        "ec2",
        "describe_spot_price_history",
        "SpotPriceHistory",
        InstanceTypes=[instance_type],
        AvailabilityZone=zone,
        ProductDescriptions=[_PRODUCT],
        StartTime=datetime.fromtimestamp(start, UTC),
        EndTime=datetime.fromtimestamp(end, UTC),
    )
    return sorted(PriceChange(entry["Timestamp"].timestamp(), float(entry["SpotPrice"])) for entry in entries)


def paid_usd(history: Iterable[PriceChange], start: float, end: float) -> float | None:
    """What the time between `start` and `end` has cost at these prices (oldest first). None without a price. Pure.

    Before the first change that is known, its price is assumed.
    """
    changes = list(history)
    if not changes:
        return None
    ends = [change.at for change in changes[1:]] + [float("inf")]
    total = max(min(changes[0].at, end) - start, 0.0) * changes[0].usd_per_hour
    for change, until in zip(changes, ends, strict=True):
        total += max(min(until, end) - max(change.at, start), 0.0) * change.usd_per_hour
    return total / 3600


def on_demand_price(aws: Aws, instance_type: str) -> float | None:
    """What an hour costs without spot; None if the price list is not available to us or does not have the type."""
    wanted = {
        "instanceType": instance_type,
        "regionCode": aws.region,
        "operatingSystem": "Linux",
        "tenancy": "Shared",
        "preInstalledSw": "NA",
        "capacitystatus": "Used",
    }
    there = Aws(_PRICE_LIST_REGION, aws.profile, aws.access_key, aws.secret_key, aws.tell)
    filters = [{"Type": "TERM_MATCH", "Field": key, "Value": value} for key, value in wanted.items()]
    try:
        products = there.pages(
            "pricing", "get_products", "PriceList", ServiceCode="AmazonEC2", Filters=filters
        )
    except AwsError as error:
        aws.tell(f"The on-demand price is not known. {error.message}")
        return None
    prices = [price for product in products for price in _prices(json.loads(product))]
    return min((price for price in prices if price > 0), default=None)


def _prices(product: dict[str, Any]) -> list[float]:
    return [
        float(dimension["pricePerUnit"].get("USD", 0))
        for term in product.get("terms", {}).get("OnDemand", {}).values()
        for dimension in term["priceDimensions"].values()
        if dimension.get("unit") == "Hrs"
    ]


def check_limit(prices: dict[tuple[str, str], float], limit_usd: float | None) -> None:
    """Raise DrError if everything costs more than the limit per hour."""
    if limit_usd is None or not prices or min(prices.values()) <= limit_usd:
        return
    shown = ", ".join(
        f"{kind} in {zone} {money(price)}"
        for (kind, zone), price in sorted(prices.items(), key=lambda item: item[1])
    )
    raise DrError(
        f"All prices of now are above --max-price {limit_usd:g}: {shown} per hour.",
        "Raise the limit, allow other types with --type, or try again later.",
    )


def money(usd: float) -> str:
    """An amount for people: `$0.12`, `$0.0098`."""
    if usd >= 0.1 or usd == 0:
        return f"${usd:.2f}"
    return f"${usd:.4f}" if usd >= 0.0001 else "less than $0.0001"
