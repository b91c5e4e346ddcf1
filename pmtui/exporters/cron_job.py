"""Export a job as a CronJob of Kubernetes."""

import math
from typing import Any

from pmtui.config.model import ProcessConfig
from pmtui.exporters.result import Exported
from pmtui.exporters.schedule import cron_fields

Manifest = dict[str, Any]
MAX_LATENESS = 60
"""Seconds after which Kubernetes no longer starts what it has missed, without catchUp."""


def cron_job(config: ProcessConfig, metadata: Manifest, template: Manifest, out: Exported) -> Manifest:
    """`template` is that of the pod. A schedule that Kubernetes cannot express is suspended, with a warning."""
    fields = cron_fields(config.schedule or "")
    if not fields:
        out.warn(config.id, f"schedule {config.schedule} cannot be written: it is suspended, with 0 0 * * * instead")
    if config.jitter:
        out.warn(config.id, "jitter is lost: it is started on time")
    if config.overlap == "queue":
        out.warn(config.id, "overlap queue is lost: what is due while it runs is skipped")
    if config.timezone is None:
        out.warn(config.id, "timezone is that of the cluster, usually UTC; set it here")
    is_retried = config.restart == "on-failure"
    template["spec"]["restartPolicy"] = "OnFailure" if is_retried else "Never"
    job: Manifest = {
        "backoffLimit": (config.max_retries if config.max_retries >= 0 else 1000) if is_retried else 0,
        **({"activeDeadlineSeconds": max(1, math.ceil(config.deadline))} if config.deadline else {}),
        "template": template,
    }
    spec: Manifest = {
        "schedule": fields or "0 0 * * *",
        **({"timeZone": config.timezone} if config.timezone else {}),
        "concurrencyPolicy": "Replace" if config.overlap == "replace" else "Forbid",
        **({} if config.catch_up else {"startingDeadlineSeconds": MAX_LATENESS}),
        "suspend": not (config.autostart and fields),
        "jobTemplate": {"metadata": {"labels": metadata["labels"]}, "spec": job},
    }
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": metadata, "spec": spec}
