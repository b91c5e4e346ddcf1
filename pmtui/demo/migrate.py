"""Do what has to be done once, and end."""

import time

for number, name in enumerate(("orders", "customers", "search index"), 1):
    print(f"migration {number}/3: {name}", flush=True)
    time.sleep(0.4)
print("done")
