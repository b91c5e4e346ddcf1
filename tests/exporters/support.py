"""Projects to export, as a config file declares them."""

from pathlib import Path

from pmtui.config.load import load_config
from pmtui.exporters import Project

SHOP = """
[settings.env]
STAGE = "prod"

[process.db]
command = "sleep 600"
health = { tcp = "127.0.0.1:5432", interval = "10s" }
maxMemory = "512M"
limits = { nofile = 4096 }

[process.schema]
command = "true"
restart = "never"
dependsOn = ["db"]

[process."Web.API"]
script = "app.py"
args = ["--title", "100% \\"$HOME\\" it's", "two\\nlines"]
cwd = "back end"
env = { NAME = "${STAGE}-x", PRICE = "5$$", DSN = "pg://${PGUSER}@db", LEVEL = "${LOG_LEVEL:-info}" }
envFile = ".env"
dependsOn = { db = "healthy", schema = "succeeded" }
health = { http = "http://localhost:8000/ready?full=1", startPeriod = "20s", timeout = "2s" }
restart = "on-failure"
maxRetries = 4
stopSignal = "SIGINT"
stopTimeout = "1m30s"
umask = "027"
instances = 2

[process.watcher]
command = "tail -f log | grep x"
shell = true
health = { command = ["test", "-e", "it's here"] }
dependsOn = ["Web.API"]
autostart = false
"""


def project(folder: Path, toml: str = SHOP, image: str = "shop:latest", is_user: bool = False) -> Project:
    """The project of that config, with the files that it names."""
    (folder / "back end").mkdir(exist_ok=True)
    (folder / "back end/app.py").touch()
    (folder / ".env").write_text("FROM_FILE=1\n")
    (folder / "pmtui.toml").write_text(toml)
    loaded = load_config(folder / "pmtui.toml")
    assert loaded.errors == ()
    return Project("shop", str(folder), loaded.settings, loaded.processes, image, is_user)
