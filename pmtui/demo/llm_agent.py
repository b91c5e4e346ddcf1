"""End as a program does that is not configured."""

import sys
import time

time.sleep(0.3)
print("OPENAI_API_KEY is missing: set it in env or in an envFile", file=sys.stderr)
sys.exit(78)
