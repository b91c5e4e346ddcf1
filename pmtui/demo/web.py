"""Log as a development server does, in colors."""

import itertools
import os
import time

from shop import serve

serve()
print(f"\x1b[32mready\x1b[0m in 312 ms: http://localhost:{os.environ.get('PORT', '')}", flush=True)
for number in itertools.count(1):
    time.sleep(6)
    print(f"\x1b[36mhmr update\x1b[0m /src/components/Card{number}.tsx", flush=True)
