"""Work on tasks, and log them as key=value."""

import itertools
import os
import random
import time

name = os.environ.get("PMTUI_INSTANCE", "1")
for number in itertools.count(1):
    time.sleep(random.uniform(0.8, 2.5))
    task = random.choice(("send_email", "resize_image", "sync_stock"))
    if number % 12 == 0:
        print(f'level=warn msg="task retried" task={task} worker={name} attempt=2', flush=True)
    else:
        print(f'level=info msg="task done" task={task} worker={name} ms={random.randrange(20, 900)}', flush=True)
