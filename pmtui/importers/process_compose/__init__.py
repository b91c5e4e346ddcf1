"""Read the configs of process-compose: the file itself, and its rules in our fields."""
