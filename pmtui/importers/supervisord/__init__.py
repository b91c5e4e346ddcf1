"""Read the configs of supervisord: the file itself, and its rules in our fields."""
