"""What a dependent waits for. Apart from the model, which clients of a manager do not need."""

from typing import Literal

Condition = Literal["started", "healthy", "completed", "succeeded"]
