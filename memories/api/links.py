"""`/api/v1/memories/{id}/links`: what one memory has to do with another."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from memories.api.memories import visible_memory
from memories.api.recall_serializers import LinkRequestSerializer, LinkSerializer
from memories.api.serializers import DecisionSerializer
from memories.links import link, links_shown, unlink
from patients.api import user_of


class LinksView(APIView):
    permissions_required = {"POST": "memories.change_memory"}

    @extend_schema(request=LinkRequestSerializer, responses={201: LinkSerializer})
    def post(self, request: Request, memory_id: UUID) -> Response:
        """Link a memory to another one of the same patient."""
        memory = visible_memory(request, memory_id)
        asked = LinkRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        target = visible_memory(request, asked.validated_data["target_id"])
        joined = link(
            memory,
            target,
            kind=asked.validated_data["kind"],
            by=user_of(request),
            reason=asked.validated_data["reason"],
        )
        return Response(LinkSerializer(joined, context={"memory": memory}).data, status=201)


class LinkView(APIView):
    permissions_required = {"DELETE": "memories.change_memory"}

    @extend_schema(request=DecisionSerializer, responses={204: None})
    def delete(self, request: Request, memory_id: UUID, link_id: UUID) -> Response:
        """Remove a link, from either end; its history stays."""
        memory = visible_memory(request, memory_id)
        decision = DecisionSerializer(data=request.data)
        decision.is_valid(raise_exception=True)
        joined = next((joined for joined in links_shown(memory) if joined.pk == link_id), None)
        if joined is None:
            raise NotFound("This memory has no such link: check the id.")
        unlink(joined, by=user_of(request), reason=decision.validated_data["reason"])
        return Response(status=204)
