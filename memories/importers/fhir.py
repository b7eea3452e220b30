"""FHIR R4 bundles as a source: each resource that may be a memory is a row, stored whole, unconfirmed as any other."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from memories.fhir import codes
from memories.fhir.reading import KNOWN, candidate_of, is_true, name_of, said_at, sentence_of
from memories.importers.classify import Stated
from memories.importers.mapping import check_storable, digest_of, identifier
from memories.importers.rows import Malformed, Piece, PieceKind, RowState, SourceRow
from memories.importers.sources import SourceRefused, Sources
from memories.models import ImportedRow

FHIR = "fhir"
#: The key under which a piece names the patient that the bundle is imported for.
WHOSE = "_patient_id"


@dataclass(frozen=True, slots=True)
class BundleSource:
    """A bundle for one patient, by whatever name the bundle knows that patient."""

    name: str
    bundle: Mapping[str, Any]
    patient_id: str
    kind: ClassVar[str] = "FHIR R4 bundle"

    def pieces(self) -> Iterator[Piece]:
        entries = self.bundle.get("entry") or []
        for number, entry in enumerate(entries, start=1):
            resource = entry.get("resource") if isinstance(entry, dict) else None
            place = f"{self.name}, entry {number}"
            if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
                yield Piece(place, PieceKind.BROKEN, reason="it holds no resource")
            elif resource["resourceType"] in KNOWN:
                yield Piece(place, PieceKind.MEMORY, {**resource, WHOSE: self.patient_id})
            else:
                yield Piece(place, PieceKind.OTHER, resource)


def read_bundle(bundle: Any, *, name: str, patient_id: str) -> Sources:
    """A bundle of one patient's resources. Raises `SourceRefused`."""
    if not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle":
        raise SourceRefused(f"{name} is no FHIR bundle: send a resource of the type Bundle.")
    if not isinstance(bundle.get("entry", []), list):
        raise SourceRefused(f"{name} has no list of entries.")
    patients = {str(entry["resource"].get("id")) for entry in bundle.get("entry", []) if _is_patient(entry)}
    if len(patients) > 1:
        raise SourceRefused(f"{name} is about {len(patients)} patients: import a bundle for each.")
    return Sources(name, [BundleSource(name, bundle, patient_id)])


def read_file(path: Path, *, patient_id: str) -> Sources:
    """A bundle in a file. Raises `SourceRefused`."""
    try:
        bundle = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SourceRefused(f"Cannot read {path}: {error.strerror}.") from None
    except ValueError:
        raise SourceRefused(f"{path.name} is no JSON.") from None
    return read_bundle(bundle, name=path.name, patient_id=patient_id)


def as_row(piece: Piece) -> SourceRow:
    """A resource as a row. Raises `Malformed` for codes that R4 does not have, and for what names nothing."""
    resource = {key: value for key, value in piece.value.items() if key != WHOSE}
    check_storable(resource)
    if wrong := codes.wrong_codes(resource):
        raise Malformed(f"R4 has no such code in {', '.join(wrong)}")
    if not name_of(resource):
        raise Malformed("it does not say what it is about")
    try:
        text, said = sentence_of(resource), said_at(resource)
    except (AttributeError, TypeError, KeyError):
        raise Malformed("it is not built as R4 has it") from None
    return SourceRow(
        place=piece.place,
        source_id=_source_id(resource, text),
        text=text,
        user_id=str(piece.value.get(WHOSE) or ""),
        said_at=said,
        state=RowState.LIVE if is_true(resource) else RowState.DELETED,
        speaker="FHIR",
        role="unknown",
        original={"resource": resource},
    )


def stated_by(row: ImportedRow) -> Stated:
    """What a stored resource states."""
    resource = row.original["resource"]
    candidate = candidate_of(resource, row.turn.text)
    details = {"type": resource["resourceType"], "id": row.source_id, "status": resource.get("status")}
    metadata = {FHIR: {key: value for key, value in details.items() if value}}
    return Stated(replace(candidate, said_at=row.said_at, metadata=metadata))


def _source_id(resource: Mapping[str, Any], text: str) -> str:
    """Our own key where it came from here, or else the id that the resource has, or its words."""
    for one in resource.get("identifier") or ():
        if isinstance(one, dict) and one.get("system") == codes.MEMORY:
            return identifier(one.get("value"))
    return identifier(resource.get("id")) or "sha256:" + digest_of(f"{resource['resourceType']}\n{text}")


def _is_patient(entry: Any) -> bool:
    resource = entry.get("resource") if isinstance(entry, dict) else None
    return isinstance(resource, dict) and resource.get("resourceType") == "Patient"
