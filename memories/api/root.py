"""`/api/v1/`: what there is, for a person with a browser."""

from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView


class RootView(APIView):
    """Where to go from here. Sign in, or send `Authorization: Token ...`."""

    permission_classes = [AllowAny]

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        names = {"patients": "patients", "memories": "memories", "search": "memory-search", "docs": "api-docs"}
        return Response({title: reverse(name, request=request) for title, name in names.items()})
