"""Answers POST /orders with the totals of the orders in the request."""

from http import HTTPStatus

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from orders import Order, Settings, summarize
from pydantic import TypeAdapter, ValidationError

logger = Logger(service="orders-api")
settings = Settings()
app = APIGatewayHttpResolver()
_orders = TypeAdapter(list[Order])


@app.post("/orders")
def post_orders():
    try:
        orders = _orders.validate_json(app.current_event.body or "[]")
    except ValidationError as e:
        return Response(HTTPStatus.UNPROCESSABLE_ENTITY, "application/json", e.json(include_url=False))
    return {"currency": settings.currency, "totals": summarize(orders)}


@logger.inject_lambda_context
def lambda_handler(event, context):
    return app.resolve(event, context)
