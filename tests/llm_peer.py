"""An OpenAI-compatible server on loopback that answers as it is told, for tests and benchmarks.

In a test, the fixture `llm_peer`: each reply given to `will` is used once, in order; then the peer reads the
conversation by a plain rule (every turn is one fact that quotes itself) and embeds by hashing words.

    llm_peer.will(rate_limited(retry_after=0.1), says({"allergies": [], "medications": [], "facts": []}))

By hand: `python -m tests.llm_peer --port 9090 --latency 0.7`, then `OPENAI_BASE_URL=http://127.0.0.1:9090/v1`.
"""

import argparse
import json
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest


@dataclass(frozen=True)
class Reply:
    """One HTTP answer: `body` as it is, after `delay` seconds."""

    body: str = "{}"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    events: tuple[str, ...] = ()
    cut: bool = False


@dataclass(frozen=True)
class Request:
    """What the peer was asked. `conversation` is the user's message of a chat request."""

    path: str
    body: Mapping[str, Any]
    authorization: str

    @property
    def instructions(self) -> str:
        return self.body["messages"][0]["content"]

    @property
    def conversation(self) -> str:
        return self.body["messages"][-1]["content"]


def words(content: str | None, *, finish_reason: str = "stop", refusal: str | None = None, delay: float = 0.0) -> Reply:
    """A chat answer with these words."""
    message = {"role": "assistant", "content": content, "refusal": refusal}
    body = {
        "id": "chatcmpl-peer",
        "object": "chat.completion",
        "created": 0,
        "model": "peer",
        "choices": [{"index": 0, "message": message, "finish_reason": finish_reason}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
    }
    return Reply(json.dumps(body), delay=delay)


def streamed(*pieces: str, delay: float = 0.0, finish_reason: str = "stop", cut: bool = False) -> Reply:
    """A chat answer in these pieces, as server-sent events, each after `delay`; `cut`: the connection then breaks."""

    def event(delta: Mapping[str, Any], reason: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        chunk = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "peer", "choices": [choice]}
        return f"data: {json.dumps(chunk)}\n\n"

    last = [] if cut else [event({}, finish_reason), "data: [DONE]\n\n"]
    events = [event({"role": "assistant", "content": ""}), *(event({"content": piece}) for piece in pieces), *last]
    return Reply(headers={"Content-Type": "text/event-stream"}, delay=delay, events=tuple(events), cut=cut)


def says(answer: Mapping[str, Any], *, delay: float = 0.0) -> Reply:
    """A chat answer that is this JSON."""
    return words(json.dumps(answer), delay=delay)


def truncated(answer: Mapping[str, Any]) -> Reply:
    """Half of this JSON: the answer ran out of tokens."""
    text = json.dumps(answer)
    return words(text[: len(text) // 2], finish_reason="length")


def refusal() -> Reply:
    return words(None, refusal="I can't help with that.")


def fails(status: int, message: str = "no", *, retry_after: float | None = None) -> Reply:
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return Reply(json.dumps({"error": {"message": message, "code": status}}), status, headers)


def rate_limited(*, retry_after: float | None = None) -> Reply:
    return fails(429, retry_after=retry_after)


def vectors(*rows: list[float]) -> Reply:
    """An embedding answer with these rows."""
    items = [{"object": "embedding", "index": index, "embedding": row} for index, row in enumerate(rows)]
    usage = {"prompt_tokens": 1, "total_tokens": 1}
    return Reply(json.dumps({"object": "list", "data": items, "model": "peer", "usage": usage}))


class LLMPeer:
    """The server. `ignorant_of` names what it refuses as unknown, as older servers do ("json_schema")."""

    def __init__(self, *, port: int = 0, latency: float = 0.0, dimension: int = 384) -> None:
        self.latency = latency
        self.dimension = dimension
        self.ignorant_of: set[str] = set()
        self.requests: list[Request] = []
        #: How a conversation is answered when no reply waits.
        self.rule: Callable[[str], Mapping[str, Any]] = every_turn
        self._replies: deque[Reply] = deque()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def will(self, *replies: Reply) -> None:
        """Answer the next requests with these."""
        self._replies.extend(replies)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def reply_to(self, request: Request) -> Reply:
        self.requests.append(request)
        sent = json.dumps({name: value for name, value in request.body.items() if name not in ("messages", "input")})
        if unknown := sorted(part for part in self.ignorant_of if f'"{part}"' in sent):
            return fails(400, f"Unsupported parameter: {unknown[0]}")
        if self._replies:
            return self._replies.popleft()
        time.sleep(self.latency)
        if request.path.endswith("/embeddings"):
            texts = request.body["input"]
            return vectors(*(hashed(text, request.body.get("dimensions", self.dimension)) for text in texts))
        return says(self.rule(request.conversation))


LINE = re.compile(r"^\[(\d+)\] [^:]*: (.+)$", re.MULTILINE)


def every_turn(conversation: str) -> dict[str, list[dict[str, Any]]]:
    """Every turn as one fact that quotes itself: an allergy, a medication, or else an observation."""
    answer: dict[str, list[dict[str, Any]]] = {"allergies": [], "medications": [], "facts": []}
    for turn, said in LINE.findall(conversation):
        source = {"turn": int(turn), "quote": said, "content": said, "hedged": False}
        noun = said.rstrip(".").split()[-1].lower()
        if "allergic to" in said:
            answer["allergies"].append(source | allergy(noun))
        elif re.search(r"\b(takes|taking)\b", said):
            answer["medications"].append(source | medication(noun))
        else:
            answer["facts"].append(source | fact(said[:40]))
    return answer


def allergy(substance: str, **fields: Any) -> dict[str, Any]:
    """An item of `allergies`, without its source."""
    return {"substance": substance, "assertion": "substance", "reaction": "", "severity": "", "denied": False} | fields


def medication(drug: str, **fields: Any) -> dict[str, Any]:
    """An item of `medications`, without its source."""
    facts = {"drug": drug, "dose": "", "route": "", "frequency": "", "as_needed": False, "status": "active"}
    return facts | {"starts": "", "ends": ""} | fields


def fact(about: str, **fields: Any) -> dict[str, Any]:
    """An item of `facts`, without its source."""
    facts = {"category": "observation", "about": about, "status": "active", "starts": "", "ends": ""}
    return facts | {"weight": 0.0, "denied": False} | fields


def hashed(text: str, dimension: int) -> list[float]:
    """A vector of the text's words: texts that share words are close. Not of length 1, as some servers' are not."""
    vector = np.full(dimension, 0.01)
    for word in re.findall(r"\w+", text.lower()):
        vector[int.from_bytes(sha256(word.encode()).digest()[:4]) % dimension] += 1.0
    return vector.tolist()


def _handler(peer: LLMPeer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            reply = peer.reply_to(Request(self.path, body, self.headers.get("Authorization", "")))
            time.sleep(reply.delay)
            self._send(reply)

        def _send(self, reply: Reply) -> None:
            if reply.events:
                self._stream(reply)
                return
            content = reply.body.encode()
            headers = {"Content-Type": "application/json", "Content-Length": str(len(content)), **reply.headers}
            try:
                self.send_response(reply.status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)
            except ConnectionError:  # the client did not wait
                self.close_connection = True

        def _stream(self, reply: Reply) -> None:
            """Each event as a chunk of its own; a stream that is cut ends without the last."""
            try:
                self.send_response(reply.status)
                self.send_header("Transfer-Encoding", "chunked")
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                for event in reply.events:
                    chunk = event.encode()
                    self.wfile.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
                    self.wfile.flush()
                    time.sleep(reply.delay)
                if not reply.cut:
                    self.wfile.write(b"0\r\n\r\n")
            except ConnectionError:
                pass
            self.close_connection = self.close_connection or reply.cut

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet."""

    return Handler


@pytest.fixture(name="llm_peer")
def a_running_peer() -> Iterator[LLMPeer]:
    peer = LLMPeer()
    peer.start()
    yield peer
    peer.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description="An OpenAI-compatible stand-in on loopback.")
    parser.add_argument("--port", type=int, default=9090)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--dimension", type=int, default=384, help="of embeddings, where the client asks for none")
    arguments = parser.parse_args()
    peer = LLMPeer(port=arguments.port, latency=arguments.latency, dimension=arguments.dimension)
    peer.start()
    print(f"listening on {peer.base_url}", flush=True)  # noqa: T201 because whoever starts it needs the address
    threading.Event().wait()


if __name__ == "__main__":
    main()
