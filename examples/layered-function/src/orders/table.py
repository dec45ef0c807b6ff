"""Sums over many orders, in columns."""

from collections.abc import Sequence
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from orders.model import Order


def summarize(orders: Sequence[Order]) -> dict[str, str]:
    """The total of each item: `{"tea": "7.50"}`."""
    table = pa.table(
        {
            "item": [order.item for order in orders],
            "amount": pa.array([order.price * order.quantity for order in orders], pa.decimal128(12, 2)),
        }
    )
    totals = table.group_by("item").aggregate([("amount", "sum")]).sort_by("item")
    assert pc.sum(totals["amount_sum"]).as_py() == sum((o.price * o.quantity for o in orders), Decimal(0))
    return {row["item"]: str(row["amount_sum"]) for row in totals.to_pylist()}
