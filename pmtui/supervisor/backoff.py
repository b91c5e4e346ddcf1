"""How long to wait before the next try."""


def backoff_delay(failures: int, first: float, most: float) -> float:
    """Seconds before the retry that follows so many consecutive failures: first, 2·first, 4·first … up to `most`."""
    doublings = min(max(failures, 1) - 1, 60)  # beyond that a float cannot tell, and `most` holds anyway
    return float(min(first * 2**doublings, most))
