"""Log a number of what it is told."""

import itertools
import json
import random
import sys
import time

pause = float(sys.argv[2]) if len(sys.argv) > 2 else 1.5
for number in itertools.count(1):
    time.sleep(random.uniform(0.6, 1.4) * pause)
    print(
        json.dumps({"level": "info", "msg": f"{sys.argv[1]} {number} done", "ms": random.randrange(4, 60)}), flush=True
    )
