"""The orders that all three functions speak of: a package of the project's own, in a layer of its own."""

from orders.model import Order, Settings
from orders.table import summarize

__all__ = ["Order", "Settings", "summarize"]
