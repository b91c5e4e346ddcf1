import time

print("bot")
time.sleep(600)
