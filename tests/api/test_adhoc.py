import httpx
import pytest

from tests.fake_control import FakeControl

JOB = {"id": "job", "command": "true", "lease": "5m"}


async def test_a_process_is_added_renewed_and_removed(client: httpx.AsyncClient, control: FakeControl) -> None:
    added = await client.post("/api/pm", json=JOB)
    assert (added.status_code, added.json()) == (201, {"message": "Process added", "id": "job"})
    assert (await client.post("/api/pm/job/lease")).json() == {"message": "Lease renewed", "id": "job"}
    assert (await client.delete("/api/pm/job")).json() == {"message": "Process removed", "id": "job"}
    assert control.calls == [("add", "job"), ("renew", "job"), ("remove", "job")]


async def test_a_taken_id_is_a_conflict(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/pm", json=JOB | {"id": "web-1"})
    assert (answer.status_code, answer.json()["message"]) == (
        409,
        "There already is a process 'web-1'; choose another id.",
    )


@pytest.mark.parametrize(("body", "status"), [(b"[1]", 422), (b"{", 400)])
async def test_a_body_that_is_no_process_is_refused(
    client: httpx.AsyncClient, control: FakeControl, body: bytes, status: int
) -> None:
    answer = await client.post("/api/pm", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, control.calls) == (status, [])
