"""Serve requests, and log each as a record. It runs in devMode: save this file, and it is restarted."""

import itertools
import random
import time

from shop import log, serve

serve()
for number in itertools.count(1):
    time.sleep(random.uniform(0.3, 1.1))
    route = random.choice(("/v1/orders", "/v1/orders", "/v1/search", "/v1/customers"))
    request = {"method": "GET", "route": route, "request_id": f"req-{number:06}"}
    if number % 17 == 0:
        log("error", "upstream timed out", **request, ms=5003, retries=3, user={"id": 812, "plan": "pro"})
    elif number % 7 == 0:
        log("warn", "slow query", **request, ms=random.randrange(800, 1900), sql="SELECT id, name FROM orders")
    else:
        log("info", "request", **request, status=200, ms=random.randrange(4, 60))
