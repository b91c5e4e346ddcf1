"""Works for a moment, then fails: each time the manager waits longer before the next try, and in the end gives up."""

import time

print("working")
time.sleep(0.5)
raise RuntimeError("something is wrong with this one")
