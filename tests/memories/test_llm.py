"""The door to OpenAI-compatible servers, over real HTTP: what is asked, what is retried, what is never told."""

import logging
import socket
import time

import pytest

from memories.llm import Answer, Endpoint, LLMRefused, LLMUnavailable, ask, embeddings
from tests.llm_peer import (
    LLMPeer,
    Reply,
    a_running_peer,  # noqa: F401 because importing it is how a fixture is had
    fails,
    rate_limited,
    refusal,
    says,
    truncated,
    words,
)

SCHEMA = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
SECRET = "Edith is allergic to penicillin"


def endpoint(peer: LLMPeer, **options: object) -> Endpoint:
    return Endpoint(model="tiny", base_url=peer.base_url, api_key="sk-test", **{"timeout": 5.0, **options})


def put(peer: LLMPeer, **options: object) -> Answer:
    return ask(endpoint(peer, **options), instructions="Read.", text=SECRET, schema=SCHEMA, max_tokens=50)


def test_ask_sends_the_schema_and_returns_the_object_with_its_cost(llm_peer: LLMPeer) -> None:
    llm_peer.will(says({"ok": True}))

    assert put(llm_peer) == Answer({"ok": True}, "", 100, 20)
    (request,) = llm_peer.requests
    assert request.path == "/v1/chat/completions"
    assert request.authorization == "Bearer sk-test"
    assert request.body["model"] == "tiny"
    assert request.body["response_format"]["json_schema"]["schema"] == SCHEMA
    assert (request.instructions, request.conversation) == ("Read.", SECRET)


@pytest.mark.parametrize(
    ("said", "content", "problem"),
    [
        ('```json\n{"ok": true}\n```', {"ok": True}, ""),
        ('<think>maybe {"ok": false}</think>{"ok": true}', {"ok": True}, ""),
        ("Here are the facts: none that I can see.", {}, "not_json"),
        ('{"ok": tru', {}, "not_json"),
        ("[1, 2]", {}, "not_json"),
        ("  ", {}, "empty"),
        (None, {}, "empty"),
    ],
)
def test_ask_finds_the_object_or_says_what_is_wrong(
    llm_peer: LLMPeer, said: str | None, content: object, problem: str
) -> None:
    llm_peer.will(words(said))

    answer = put(llm_peer)

    assert (answer.content, answer.problem) == (content, problem)


def test_ask_calls_an_answer_truncated_even_where_it_parses(llm_peer: LLMPeer) -> None:
    llm_peer.will(words('{"ok": true}', finish_reason="length"), truncated({"ok": True}))

    assert [put(llm_peer).problem, put(llm_peer).problem] == ["truncated", "truncated"]


@pytest.mark.parametrize("reply", [refusal(), words("", finish_reason="content_filter")])
def test_ask_raises_on_a_refusal_at_once(llm_peer: LLMPeer, reply: object) -> None:
    llm_peer.will(reply)

    with pytest.raises(LLMRefused, match=r"^refused$"):
        put(llm_peer)
    assert len(llm_peer.requests) == 1


def test_ask_waits_as_long_as_the_server_asks(llm_peer: LLMPeer) -> None:
    llm_peer.will(rate_limited(retry_after=0.3), says({"ok": True}))
    started = time.monotonic()

    assert put(llm_peer).content == {"ok": True}
    assert 0.3 <= time.monotonic() - started < 2.0


def test_ask_gives_up_at_once_on_a_long_wait_and_says_how_long(llm_peer: LLMPeer) -> None:
    llm_peer.will(rate_limited(retry_after=3600))

    with pytest.raises(LLMUnavailable, match=r"^rate_limited$") as raised:
        put(llm_peer)
    assert raised.value.retry_after == 3600
    assert len(llm_peer.requests) == 1


@pytest.mark.parametrize(("status", "reason"), [(500, "outage"), (503, "outage"), (429, "rate_limited")])
def test_ask_retries_what_may_pass_and_then_gives_up(llm_peer: LLMPeer, status: int, reason: str) -> None:
    llm_peer.will(*[fails(status, retry_after=0.01)] * 3)

    with pytest.raises(LLMUnavailable, match=f"^{reason}$"):
        put(llm_peer)
    assert len(llm_peer.requests) == 3


@pytest.mark.parametrize(("status", "reason"), [(401, "unauthorized"), (404, "rejected"), (400, "rejected")])
def test_ask_does_not_repeat_what_cannot_pass(llm_peer: LLMPeer, status: int, reason: str) -> None:
    llm_peer.will(fails(status))

    with pytest.raises(LLMUnavailable, match=f"^{reason}$"):
        put(llm_peer)
    assert len(llm_peer.requests) == 1


def test_ask_times_out(llm_peer: LLMPeer) -> None:
    llm_peer.will(says({"ok": True}, delay=1.0))

    with pytest.raises(LLMUnavailable, match=r"^timeout$"):
        put(llm_peer, timeout=0.2, max_retries=0)


def test_ask_reports_a_server_that_is_not_there() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
        nobody = Endpoint(model="tiny", base_url=f"http://127.0.0.1:{taken.getsockname()[1]}/v1", max_retries=0)

        with pytest.raises(LLMUnavailable, match=r"^outage$"):
            ask(nobody, instructions="Read.", text=SECRET, schema=SCHEMA, max_tokens=50)


def test_ask_reports_a_page_that_is_no_answer(llm_peer: LLMPeer) -> None:
    llm_peer.will(Reply("<html>proxy login</html>", headers={"Content-Type": "text/html"}))

    with pytest.raises(LLMUnavailable, match=r"^unreadable$"):
        put(llm_peer)


def test_ask_follows_no_redirect(llm_peer: LLMPeer) -> None:
    elsewhere = f"{llm_peer.base_url}/elsewhere"
    llm_peer.will(Reply(status=307, headers={"Location": elsewhere}))

    with pytest.raises(LLMUnavailable, match=r"^rejected$"):
        put(llm_peer)
    assert len(llm_peer.requests) == 1


@pytest.mark.parametrize(
    ("unknown", "sent_instead"),
    [
        (
            {"json_schema"},
            {"response_format": {"type": "json_object"}, "temperature": 0.0, "max_completion_tokens": 50},
        ),
        ({"response_format"}, {"temperature": 0.0, "max_completion_tokens": 50}),
        ({"max_completion_tokens", "temperature"}, {"max_tokens": 50}),
    ],
)
def test_ask_leaves_out_what_a_server_does_not_know_and_remembers(
    llm_peer: LLMPeer, unknown: set[str], sent_instead: dict[str, object]
) -> None:
    llm_peer.ignorant_of = unknown
    llm_peer.will(says({"ok": True}), says({"ok": True}))

    put(llm_peer)
    learning = len(llm_peer.requests)
    put(llm_peer)

    assert len(llm_peer.requests) == learning + 1
    sent = llm_peer.requests[-1].body
    assert {name: sent.get(name) for name in sent_instead} == sent_instead
    assert unknown.isdisjoint(sent)


def test_ask_puts_the_schema_into_words_for_a_server_without_schemas(llm_peer: LLMPeer) -> None:
    llm_peer.ignorant_of = {"json_schema"}
    llm_peer.will(says({"ok": True}))

    put(llm_peer)

    assert '"required":["ok"]' in llm_peer.requests[-1].instructions


def test_errors_and_logs_quote_nobody(llm_peer: LLMPeer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    llm_peer.will(fails(400, f"cannot read: {SECRET}"))

    with pytest.raises(LLMUnavailable) as raised:
        put(llm_peer)
    assert str(raised.value) == "rejected"
    assert raised.value.__context__ is None
    assert "penicillin" not in caplog.text
    assert llm_peer.base_url not in caplog.text


def test_a_key_is_not_shown() -> None:
    assert "sk-test" not in repr(Endpoint(model="tiny", api_key="sk-test"))


def test_embeddings_come_in_the_order_of_the_texts(llm_peer: LLMPeer) -> None:
    tea, milk = embeddings(endpoint(llm_peer), ["tea", "milk"], dimension=32)

    assert [tea] == embeddings(endpoint(llm_peer), ["tea"], dimension=32)
    assert tea != milk
    assert len(tea) == 32
    assert llm_peer.requests[0].body["dimensions"] == 32


def test_embeddings_of_a_server_with_one_dimension_only(llm_peer: LLMPeer) -> None:
    llm_peer.ignorant_of = {"dimensions"}

    assert len(embeddings(endpoint(llm_peer), ["tea"], dimension=32)[0]) == llm_peer.dimension
