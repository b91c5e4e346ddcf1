"""Work for a moment, then crash: the manager waits longer before each retry, and gives up in the end."""

import time

print("working")
time.sleep(0.5)
raise RuntimeError("this example always fails")
