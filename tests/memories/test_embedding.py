"""Vectors from the local model and from a server, and what search relies on in both."""

from collections.abc import Sequence
from pathlib import Path
from threading import Thread
from time import monotonic

import numpy as np
import pytest
from pytest_django.fixtures import Settings

from memories.embedding import EmbeddingUnavailable, embed_documents, embed_query, get_embedder
from memories.embedding.local import LocalEmbedder
from memories.embedding.remote import BATCH, RemoteEmbedder
from memories.llm import Endpoint
from tests.llm_peer import (
    LLMPeer,
    a_running_peer,  # noqa: F401 because importing it is how a fixture is had
    fails,
    vectors,
)

CARE = [
    "Allergic to penicillin, which gave her a rash.",
    "Takes metformin twice a day for her diabetes.",
    "Likes her tea without sugar and the window open at night.",
]


@pytest.fixture(scope="module")
def local() -> LocalEmbedder:
    return LocalEmbedder()


def remote(peer: LLMPeer, dimension: int = 384) -> RemoteEmbedder:
    return RemoteEmbedder(Endpoint(model="tiny-embed", base_url=peer.base_url, max_retries=0), dimension)


def test_local_vectors_are_unit_rows(local: LocalEmbedder) -> None:
    rows = local.embed(CARE)

    assert (rows.shape, rows.dtype) == ((3, 384), np.float32)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-6)


@pytest.mark.parametrize(
    ("question", "answer"),
    [("Which antibiotics can she not have?", 0), ("medicine for blood sugar", 1), ("How does she like to sleep?", 2)],
)
def test_local_vectors_bring_a_question_to_its_answer(local: LocalEmbedder, question: str, answer: int) -> None:
    assert int(np.argmax(local.embed(CARE) @ local.embed([question])[0])) == answer


def test_local_vector_does_not_depend_on_its_neighbours(local: LocalEmbedder) -> None:
    np.testing.assert_array_equal(local.embed(CARE)[1], local.embed([CARE[1]])[0])


def test_local_reads_the_beginning_of_a_text_that_is_too_long(local: LocalEmbedder) -> None:
    long = "She slept badly. " * 400

    np.testing.assert_allclose(local.embed([long]), local.embed([long + "Allergic to latex."]), atol=1e-6)


@pytest.mark.parametrize("texts", [[], [""], ["  \n"], ["🙂" * 300]])
def test_local_takes_any_text(local: LocalEmbedder, texts: Sequence[str]) -> None:
    rows = local.embed(texts)

    assert rows.shape == (len(texts), 384)
    assert np.isfinite(rows).all()


def test_local_loads_once_for_threads_that_come_at_once() -> None:
    fresh = LocalEmbedder()
    found: list[np.ndarray] = []
    threads = [Thread(target=lambda: found.append(fresh.embed(CARE))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 4
    for rows in found:
        np.testing.assert_array_equal(rows, found[0])


def test_local_refuses_weights_that_are_not_the_tested_ones(tmp_path: Path) -> None:
    weights = tmp_path / "model.onnx"
    weights.write_bytes(b"other weights")

    with pytest.raises(EmbeddingUnavailable, match="not the expected file"):
        LocalEmbedder(weights).embed(["tea"])
    with pytest.raises(EmbeddingUnavailable, match="Cannot read"):
        LocalEmbedder(tmp_path / "absent.onnx").embed(["tea"])


def test_remote_vectors_are_unit_rows_in_order_over_several_requests(llm_peer: LLMPeer) -> None:
    texts = [f"note {number}" for number in range(BATCH + 3)]

    rows = remote(llm_peer).embed(texts)

    assert (rows.shape, rows.dtype) == ((BATCH + 3, 384), np.float32)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-6)
    np.testing.assert_allclose(rows[-1], remote(llm_peer).embed(texts[-1:])[0], atol=1e-6)
    assert [len(request.body["input"]) for request in llm_peer.requests] == [BATCH, 3, 1]


def test_remote_asks_nothing_for_no_texts(llm_peer: LLMPeer) -> None:
    assert remote(llm_peer).embed([]).shape == (0, 384)
    assert llm_peer.requests == []


def test_remote_name_tells_dimensions_apart(llm_peer: LLMPeer) -> None:
    assert remote(llm_peer, 256).name != remote(llm_peer, 384).name


def test_remote_says_which_dimension_is_wrong(llm_peer: LLMPeer) -> None:
    llm_peer.will(vectors([0.1] * 1536))

    with pytest.raises(EmbeddingUnavailable, match="answers in 1536 dimensions, but EMBEDDING_DIMENSION is 384"):
        remote(llm_peer).embed(["tea"])


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [([[0.0] * 384], "zeros"), ([[float("nan")] * 384], "no numbers"), ([[0.1] * 384] * 2, "2 vectors for 1 texts")],
)
def test_remote_refuses_vectors_that_cannot_be_compared(
    llm_peer: LLMPeer, rows: list[list[float]], complaint: str
) -> None:
    llm_peer.will(vectors(*rows))

    with pytest.raises(EmbeddingUnavailable, match=complaint):
        remote(llm_peer).embed(["tea"])


def test_remote_outage_is_an_unavailable_embedder_and_quotes_nothing(llm_peer: LLMPeer) -> None:
    llm_peer.will(fails(503, "cannot embed: allergic to penicillin"))

    with pytest.raises(EmbeddingUnavailable, match=r"^The embedding server gave no vectors: outage\.$"):
        remote(llm_peer).embed(["allergic to penicillin"])


@pytest.fixture
def peer_embeds(llm_peer: LLMPeer, settings: Settings) -> LLMPeer:
    settings.EMBEDDING_PROVIDER = "openai"
    settings.EMBEDDING_BASE_URL = llm_peer.base_url
    settings.EMBEDDING_API_KEY = ""
    settings.EMBEDDING_MODEL = "tiny-embed"
    settings.EMBEDDING_DIMENSION = 64
    settings.OPENAI_MAX_RETRIES = 0
    return llm_peer


def test_settings_choose_the_embedder(peer_embeds: LLMPeer, settings: Settings) -> None:
    assert (get_embedder().name, get_embedder().dimension) == ("tiny-embed/64", 64)
    assert get_embedder() is get_embedder()

    settings.EMBEDDING_PROVIDER = "local"
    assert (get_embedder().name, get_embedder().dimension) == ("all-minilm-l6-v2-int8", 384)


def test_a_query_asked_again_costs_no_request(peer_embeds: LLMPeer) -> None:
    first = embed_query("What is she allergic to?")
    second = embed_query("What is she allergic to?")

    assert first.shape == (64,)
    assert second is first
    assert len(peer_embeds.requests) == 1


def test_a_query_vector_cannot_be_spoilt_by_who_holds_it(peer_embeds: LLMPeer) -> None:
    with pytest.raises(ValueError, match="read-only"):
        embed_query("tea?")[0] = 1.0


def test_a_failed_query_is_asked_again_after_a_rest(peer_embeds: LLMPeer, monkeypatch: pytest.MonkeyPatch) -> None:
    peer_embeds.will(fails(400))
    with pytest.raises(EmbeddingUnavailable):
        embed_query("Does she sleep well?")
    asked = len(peer_embeds.requests)
    with pytest.raises(EmbeddingUnavailable, match="a moment ago"):
        embed_query("Does she sleep well?")
    assert len(peer_embeds.requests) == asked, "no search waits for a server that is down"

    monkeypatch.setattr("memories.embedding.monotonic", lambda: monotonic() + 60)
    assert embed_query("Does she sleep well?").shape == (64,)


def test_a_query_and_a_document_meet(peer_embeds: LLMPeer) -> None:
    near, far = embed_documents(["tea with milk", "metformin at night"])

    assert embed_query("tea") @ near > embed_query("tea") @ far
