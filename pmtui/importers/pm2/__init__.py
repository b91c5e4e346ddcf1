"""Read the configs of pm2: the file itself, and its rules in our fields."""
