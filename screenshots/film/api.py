"""Serve orders, one of which has no token."""

import json
import random
import time
from pathlib import Path

TROUBLE = Path(".pmtui/trouble")


def log(**record: object) -> None:
    print(json.dumps({"level": "info"} | record), flush=True)


def load(order: dict[str, object]) -> object:
    return order["token"]


def decode(order: dict[str, object]) -> object:
    try:
        return load(order)
    except KeyError as error:
        raise RuntimeError(f"order {order['id']} has no token") from error


def busy(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


number = 4700
while True:
    number += 1
    order: dict[str, object] = {"id": number, "token": "t"}
    if TROUBLE.exists():
        order.pop("token")
    busy(random.uniform(0.03, 0.09))
    decode(order)
    log(msg="GET /v1/orders", order=number, status=200, ms=random.randrange(8, 40))
    time.sleep(random.uniform(0.1, 0.4))
