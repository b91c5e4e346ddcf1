"""Manifests for Kubernetes: what they say, and that the schema of the API takes them."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from pmtui.exporters.kubernetes import export_kubernetes
from tests.exporters.support import project


def manifests(folder: Path, toml: str | None = None) -> dict[tuple[str, str], dict[str, Any]]:
    """By kind and name."""
    made = export_kubernetes(project(folder, toml) if toml else project(folder))
    documents = yaml.safe_load_all(made.files["kubernetes.yaml"])
    return {(document["kind"], document["metadata"]["name"]): document for document in documents}


def test_each_process_is_a_deployment_or_a_job(tmp_path: Path) -> None:
    assert list(manifests(tmp_path)) == [
        ("Deployment", "db"),
        ("Service", "db"),
        ("Job", "schema"),
        ("Job", "web-api-1"),
        ("Service", "web-api-1"),
        ("Job", "web-api-2"),
        ("Service", "web-api-2"),
        ("Deployment", "watcher"),
    ]


def test_a_container_carries_the_process(tmp_path: Path) -> None:
    job = manifests(tmp_path)["Job", "web-api-1"]["spec"]
    pod = job["template"]["spec"]
    (container,) = pod["containers"]
    assert (job["backoffLimit"], pod["restartPolicy"], pod["terminationGracePeriodSeconds"]) == (4, "OnFailure", 90)
    assert container["command"] == ["python3", "app.py", "--title", '100% "$HOME" it\'s', "two\nlines"]
    assert container["workingDir"] == "/app/back end"
    assert container["livenessProbe"]["httpGet"] == {"path": "/ready?full=1", "port": 8000, "scheme": "HTTP"}
    assert container["startupProbe"]["failureThreshold"] == 20
    assert container["envFrom"] == [{"secretRef": {"name": "shop-file-env"}}]


def test_variables_of_elsewhere_come_from_a_secret_before_they_are_used(tmp_path: Path) -> None:
    job = manifests(tmp_path)["Job", "web-api-1"]["spec"]["template"]["spec"]
    env = job["containers"][0]["env"]
    reference = {"name": "shop-env", "key": "PGUSER", "optional": True}
    at = env.index({"name": "PGUSER", "valueFrom": {"secretKeyRef": reference}})
    assert env[at + 1] == {"name": "DSN", "value": "pg://$(PGUSER)@db"}
    assert {"name": "PRICE", "value": "5$"} in env


def test_it_waits_for_the_ports_of_what_it_depends_on(tmp_path: Path) -> None:
    pod = manifests(tmp_path)["Job", "schema"]["spec"]["template"]["spec"]
    (waiter,) = pod["initContainers"]
    assert waiter["command"][-1] == "until nc -z -w 2 db 5432; do sleep 1; done"


def test_memory_is_a_limit_and_what_does_not_start_by_itself_has_no_replica(tmp_path: Path) -> None:
    made = manifests(tmp_path)
    database = made["Deployment", "db"]["spec"]["template"]["spec"]["containers"][0]
    assert database["resources"] == {"limits": {"memory": "536870912"}}
    assert made["Deployment", "watcher"]["spec"]["replicas"] == 0


def test_losses_are_named(tmp_path: Path) -> None:
    warnings = export_kubernetes(project(tmp_path)).warnings
    assert "Web.API-1: dependsOn schema is lost: no port of it is known that could be waited for" in warnings
    assert "Web.API-1: stopSignal is lost: set STOPSIGNAL in the image" in warnings
    assert "db: limits.nofile is lost" in warnings


def test_names_that_would_be_alike_are_told_apart(tmp_path: Path) -> None:
    toml = '[process."a.b"]\ncommand = "a"\n[process.a_b]\ncommand = "a"\n[process.1]\ncommand = "a"\n'
    names = [name for _, name in manifests(tmp_path, toml)]
    assert names[0] == "a-b"
    assert names[1].startswith("a-b-")
    assert names[2] == "p-1"


def test_the_schema_of_the_api_takes_them(tmp_path: Path) -> None:
    validator = pytest.importorskip("kubernetes_validate")
    for manifest in manifests(tmp_path).values():
        validator.validate(manifest, "1.30", strict=True)


JOBS = """
[process.nightly]
command = "true"
schedule = "30 2 * * MON-FRI"
timezone = "Europe/Berlin"
deadline = "1h"
overlap = "replace"
restart = "on-failure"
maxRetries = 3
[process.poll]
command = "true"
schedule = "every 10m"
jitter = "30s"
catchUp = true
autostart = false
[process.odd]
command = "true"
schedule = "every 7m"
overlap = "queue"
"""


def test_a_job_is_a_cron_job(tmp_path: Path) -> None:
    made = manifests(tmp_path, JOBS)
    nightly, poll, odd = (made["CronJob", name]["spec"] for name in ("nightly", "poll", "odd"))
    assert {key: nightly[key] for key in nightly if key != "jobTemplate"} == {
        "schedule": "30 2 * * MON-FRI",
        "timeZone": "Europe/Berlin",
        "concurrencyPolicy": "Replace",
        "startingDeadlineSeconds": 60,
        "suspend": False,
    }
    job = nightly["jobTemplate"]["spec"]
    assert (job["backoffLimit"], job["activeDeadlineSeconds"]) == (3, 3600)
    assert job["template"]["spec"]["restartPolicy"] == "OnFailure"
    assert (poll["schedule"], poll["suspend"], "startingDeadlineSeconds" in poll) == ("*/10 * * * *", True, False)
    assert (odd["suspend"], odd["concurrencyPolicy"]) == (True, "Forbid")
    assert odd["jobTemplate"]["spec"]["template"]["spec"]["restartPolicy"] == "Never"


def test_what_a_cron_job_cannot_carry_is_named(tmp_path: Path) -> None:
    warnings = export_kubernetes(project(tmp_path, JOBS)).warnings
    assert [text for text in warnings if not text.startswith("the image")] == [
        "poll: jitter is lost: it is started on time",
        "poll: timezone is that of the cluster, usually UTC; set it here",
        "odd: schedule every 7m cannot be written: it is suspended, with 0 0 * * * instead",
        "odd: overlap queue is lost: what is due while it runs is skipped",
        "odd: timezone is that of the cluster, usually UTC; set it here",
    ]
