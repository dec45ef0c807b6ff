"""Sums the orders of a batch of queue messages; a message that is no order goes back to the queue alone."""

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from orders import Order, summarize

logger = Logger(service="orders-worker")
processor = BatchProcessor(event_type=EventType.SQS)


def read_order(record):
    order = Order.model_validate_json(record.body)
    logger.info("order read", extra={"totals": summarize([order])})
    return order


def lambda_handler(event, context):
    return process_partial_response(event=event, record_handler=read_order, processor=processor, context=context)
