"""What an order is, and what the functions are told by their environment."""

from decimal import Decimal

from pydantic import BaseModel, Field
from pydantic_settings import BaseSettings


class Order(BaseModel):
    """A line of an order, as it comes over HTTP."""

    item: str = Field(min_length=1)
    price: Decimal = Field(gt=0, decimal_places=2)
    quantity: int = Field(default=1, ge=1)


class Settings(BaseSettings, env_prefix="ORDERS_"):
    """Settings from the environment variables `ORDERS_…`."""

    currency: str = "EUR"
    token: str = ""
