"""How agents reach the server: by standard input and output, or over HTTP."""

from typing import Any

import anyio
import uvicorn
from anyio import to_thread
from django.conf import settings
from django.db import DatabaseError, connection
from mcp.server.mcpserver import Context
from mcp.server.transport_security import TransportSecuritySettings
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from audit.recording import record_refusal
from memories.mcp.callers import BAD_KEY, FAILED, identify
from memories.mcp.server import make_server
from patients.identification import token_in

HOST = "127.0.0.1"
PATH = "/mcp"
NO_KEY = "Send an access key: `Authorization: Bearer hcm_...`."


def key_is_usable(token: str, *, remote_addr: str | None = None) -> bool:
    """Whether anybody may come in with this key. If not, it is on record."""
    try:
        actor, key = identify(token, remote_addr=remote_addr)
        if key is None:
            record_refusal(actor, route="mcp")
        return key is not None
    finally:
        connection.close()


def serve_stdio(token: str) -> None:
    """Until the input ends. Nothing else may write to standard output."""
    make_server(lambda ctx: (token, None)).run("stdio")


def serve_http(port: int) -> None:
    """On 127.0.0.1, stateless: each request stands alone, and brings its key."""
    config = uvicorn.Config(
        make_application(), host=HOST, port=port, proxy_headers=settings.TRUST_PROXY_HEADERS, lifespan="on",
        log_config=None, log_level="warning", access_log=False, timeout_graceful_shutdown=5,
    )  # fmt: skip
    anyio.run(uvicorn.Server(config).serve)


def make_application() -> ASGIApp:
    """The ASGI application, at `/mcp`."""
    server = make_server(_token_of_request)
    hosts = [name for host in settings.ALLOWED_HOSTS for name in (host, f"{host}:*")]
    security = TransportSecuritySettings(allowed_hosts=hosts, allowed_origins=settings.CORS_ALLOWED_ORIGINS)
    return KeyRequired(
        server.streamable_http_app(
            streamable_http_path=PATH,
            json_response=True,
            stateless_http=True,
            transport_security=security,
            max_request_body_size=settings.DATA_UPLOAD_MAX_MEMORY_SIZE,
        )
    )


def _token_of_request(ctx: Context) -> tuple[str, str | None]:
    return _presented(ctx.request_context.request)


def _presented(request: Any) -> tuple[str, str | None]:
    """The key in a request's header, and where it comes from."""
    return token_in(request.headers.get("authorization", "")), request.client.host if request.client else None


class KeyRequired:
    """Answers 401 to a request without a usable key, before the protocol begins; 503 when no key can be looked up."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = await self._refusal(Request(scope)) if scope["type"] == "http" else None
        await (answer or self.app)(scope, receive, send)

    async def _refusal(self, request: Request) -> JSONResponse | None:
        token, remote_addr = _presented(request)
        try:
            if await to_thread.run_sync(lambda: key_is_usable(token, remote_addr=remote_addr)):
                return None
        except DatabaseError:
            return JSONResponse({"detail": FAILED}, status_code=503)
        detail = BAD_KEY if token else NO_KEY
        return JSONResponse({"detail": detail}, status_code=401, headers={"WWW-Authenticate": "Bearer"})
