"""What goes wrong unexpectedly, inside the server: told and logged without its text."""

import anyio
import pytest
from mcp.server.mcpserver.exceptions import ToolError

from memories.mcp import server
from memories.mcp.callers import FAILED


def test_a_failure_is_told_and_logged_without_its_text(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise RuntimeError("She is allergic to penicillin.")

    monkeypatch.setattr(server, "carry_out_call", fail)
    made = server.make_server(lambda ctx: ("token", None))
    with pytest.raises(ToolError) as told:
        anyio.run(made.call_tool, "list_patients", {})
    assert FAILED in str(told.value)
    assert "penicillin" not in str(told.value)
    assert "penicillin" not in "".join(entry.getMessage() for entry in caplog.records)
