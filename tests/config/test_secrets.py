import json

import pytest

from pmtui.config.model import Health, PocketBase, ProcessConfig, Settings
from pmtui.config.secrets import MASK, looks_secret, mask, masked_config, redact

SECRET = (
    "API_KEY apiKey GITHUB_TOKEN githubToken PGPASSWORD DB_PWD X_AUTH AWS_CREDENTIALS --api-key DB_DSN SESSION_COOKIE "
    "PRIVATE OPENAI_APIKEY db-passwd API_TOKENS SLACK_WEBHOOK_URL"
)
ORDINARY = "KEYBOARD MONKEY PWD AUTHOR MAX_TOKENS TOKENIZERS_PARALLELISM PATH _"


@pytest.mark.parametrize("name", SECRET.split())
def test_a_name_looks_secret(name: str) -> None:
    assert looks_secret(name)


@pytest.mark.parametrize("name", ORDINARY.split())
def test_a_name_does_not_look_secret(name: str) -> None:
    assert not looks_secret(name)


def test_an_environment_is_masked_also_where_a_secret_is_within_another_value() -> None:
    env = {"API_KEY": "hunter22", "CMD": "run hunter22", "URL": "redis://:pw@h/1", "A": "b", "AUTH": "", "B": "\udcff"}
    assert mask(env) == {
        "API_KEY": MASK,
        "CMD": f"run {MASK}",
        "URL": f"redis://:{MASK}@h/1",
        "A": "b",
        "AUTH": "",
        "B": "?",
    }


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("failed: postgres://u:pw@h/db x", f"failed: postgres://u:{MASK}@h/db x"),
        ("postgres://u:p@ss@h", f"postgres://u:{MASK}@h"),
        ("http://h:8080/x?mail=a@b", "http://h:8080/x?mail=a@b"),
        ("a hunter22 b", f"a {MASK} b"),
        ("line two0", f"line {MASK}"),
        ("pass abc true", "pass abc true"),
        ("key sesame", f"key {MASK}"),
    ],
)
def test_a_text_is_rid_of_secrets(text: str, shown: str) -> None:
    env = {
        "A_TOKEN": "hunter22",
        "B_KEY": "one0\ntwo0",
        "C_KEY": "abc",
        "AUTH": "true",
        "URL": "amqp://u:sesame@h",
        "D": "line",
    }
    assert redact(text, env) == shown


def test_a_long_line_is_redacted_in_no_time() -> None:
    assert redact("://a:" * 13_000, {}) == "://a:" * 13_000


def test_a_config_is_shown_without_defaults_and_secrets() -> None:
    config = ProcessConfig(
        id="a",
        command="run --token abcd --port 1 -H 'Authorization: Bearer x'",
        args=["--api-key", "abcd", "--password=x", "hunter22", "KEY=1", "plain"],
        env={"DB_PASSWORD": "hunter22", "N": "1"},
        folder="/x",
        depends_on={"auth": "healthy"},
        health=Health(http="http://h/?token=abcd&x=1"),
    )
    shown = masked_config(config)
    assert json.loads(json.dumps(shown)) == {
        "id": "a",
        "command": f"run --token {MASK} --port 1 -H 'Authorization: {MASK}'",
        "args": ["--api-key", MASK, f"--password={MASK}", MASK, f"KEY={MASK}", "plain"],
        "env": {"DB_PASSWORD": MASK, "N": "1"},
        "dependsOn": {"auth": "healthy"},
        "health": {"http": f"http://h/?token={MASK}&x=1"},
    }


def test_settings_are_shown_without_their_dsn_and_the_paths_of_webhooks() -> None:
    settings = Settings(
        env={"A_KEY": "12345"},
        hooks={"crash": "https://hooks.example.com/T0/secret", "failed": ["notify", "--token=abcd"]},
        pocketbase=PocketBase(dsn="postgres://u:p@h"),
    )
    assert masked_config(settings) == {
        "env": {"A_KEY": MASK},
        "hooks": {"crash": f"https://hooks.example.com/{MASK}", "failed": ["notify", f"--token={MASK}"]},
        "pocketbase": {"dsn": MASK},
    }
