"""Handle orders until one of them is broken: a crash with a cause, over and over."""

import logging
import time

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")


def load(order: int) -> str:
    return {"id": str(order)}["token"]


def decode(order: int) -> str:
    try:
        return load(order)
    except KeyError as error:
        raise RuntimeError(f"payload of order {order} has no token") from error


for order in range(4701, 4711):
    logging.info("order %s handled", order)
    time.sleep(0.7)
decode(4711)
