"""Write a few lines per second to stdout and stderr."""

import itertools
import sys
import time

for number in itertools.count(1):
    print(f"line {number}: all is well")
    if number % 10 == 0:
        print(f"WARNING line {number}: the tenth again", file=sys.stderr)
    time.sleep(0.3)
