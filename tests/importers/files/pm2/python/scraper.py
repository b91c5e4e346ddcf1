import time

print("scraping", flush=True)
time.sleep(600)
