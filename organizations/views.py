"""`/v1/auth`, `/v1/organization`, `/v1/api-keys` and `/v1/audit-events`."""

from typing import Any

from axes.handlers.proxy import AxesProxyHandler
from django.contrib.auth import authenticate, user_logged_in
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import viewsets
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import RefreshToken
from rest_framework_simplejwt.utils import get_md5_hash_password

from organizations.access.authentication import CHALLENGE
from organizations.access.lockout import retry_after
from organizations.filters import AuditEventFilter
from organizations.models import APIKey, AuditEvent, Organization, Role, User
from organizations.rest.viewsets import Created, Deleted, Listed, Retrieved
from organizations.serializers import (
    APIKeySerializer,
    AuditEventSerializer,
    LoginSerializer,
    NewAPIKeySerializer,
    OrganizationSerializer,
    RefreshSerializer,
    TokensSerializer,
)
from organizations.tenancy import caller


def tokens(user: User) -> dict[str, Any]:
    """A fresh pair of tokens for a user."""
    refresh = RefreshToken.for_user(user)
    access = refresh.access_token
    return {
        "access_token": str(access),
        "refresh_token": str(refresh),
        "token_type": "Bearer",
        "expires_in": int(access.lifetime.total_seconds()),
    }


class PublicView(APIView):
    """A view before there is a caller: it needs no credential and no organization."""

    http_method_names = ["post"]
    authentication_classes = []
    permission_classes = []

    def get_authenticate_header(self, request: Request) -> str:
        return CHALLENGE  # a wrong password is a 401, and a 401 names its challenge


class LoginView(PublicView):
    """Exchanges an email and a password for tokens."""

    @extend_schema(
        tags=["auth"],
        operation_id="login",
        summary="Log in",
        request=LoginSerializer,
        responses=TokensSerializer,
    )
    def post(self, request: Request) -> Response:
        serializer = LoginSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        given = serializer.validated_data
        credentials = {"username": given["email"], "password": given["password"]}
        user = authenticate(request._request, **credentials)
        if user is None:
            if AxesProxyHandler.is_locked(request._request, credentials):
                raise Throttled(
                    wait=retry_after(),
                    detail="Too many wrong passwords for this email from this address.",
                )
            raise AuthenticationFailed("The email or the password is wrong.")
        user_logged_in.send(User, request=request._request, user=user)
        return Response(tokens(user))


class RefreshView(PublicView):
    """Exchanges a refresh token for new tokens, while its user may still log in."""

    @extend_schema(
        tags=["auth"],
        operation_id="refresh",
        summary="Renew tokens",
        request=RefreshSerializer,
        responses=TokensSerializer,
    )
    def post(self, request: Request) -> Response:
        serializer = RefreshSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        refused = AuthenticationFailed("This refresh token is invalid or has expired.")
        try:
            token = RefreshToken(serializer.validated_data["refresh_token"])
            user = User.objects.get(pk=token["user_id"], is_active=True)
            password_claim = token["hash_password"]
        except (TokenError, KeyError, ValueError, User.DoesNotExist) as error:
            raise refused from error
        if get_md5_hash_password(user.password) != password_claim:
            raise refused
        return Response(tokens(user))


class OrganizationView(viewsets.GenericViewSet):
    """The organization of the request."""

    queryset = Organization.objects.all()
    serializer_class = OrganizationSerializer
    http_method_names = ["get", "head"]
    filter_backends = []
    pagination_class = None

    @extend_schema(
        tags=["organization"],
        operation_id="organization_retrieve",
        summary="The caller's organization",
    )
    def retrieve(self, request: Request) -> Response:
        organization = Organization.objects.get(pk=caller(request).organization_id)
        return Response(self.get_serializer(organization).data)


@extend_schema(tags=["api keys"])
@extend_schema_view(
    list=extend_schema(summary="List API keys"),
    retrieve=extend_schema(summary="Get an API key, without its secret"),
    create=extend_schema(summary="Create an API key"),
    destroy=extend_schema(summary="Revoke an API key"),
)
class APIKeyViewSet(Listed, Retrieved, Created, Deleted):
    """Credentials of integrators. Only the creating answer carries the secret."""

    queryset = APIKey.objects.filter(revoked_at=None)
    serializer_class = APIKeySerializer
    required_role = Role.ADMIN
    sort_fields = {
        name: name
        for name in ("name", "role", "created_at", "expires_at", "last_used_at", "prefix", "id")
    }

    def get_serializer_class(self) -> type[APIKeySerializer]:
        return NewAPIKeySerializer if self.action == "create" else APIKeySerializer

    def respond(self, serializer: Any, instance: Any, **kwargs: Any) -> Response:
        """The row that was just made, which alone knows its key."""
        return Response(serializer.to_representation(instance), **kwargs)

    def remove(self, instance: APIKey) -> None:
        instance.revoke()


@extend_schema(tags=["audit"])
@extend_schema_view(list=extend_schema(summary="List audit events"))
class AuditEventViewSet(Listed):
    """Who logged in or failed to, gave and took access, exported, imported, deleted and restored.

    Events are numbered 1, 2, 3 … and each carries the hash of the one before it: none can be
    changed or taken away without a trace.
    """

    queryset = AuditEvent.objects.all()
    serializer_class = AuditEventSerializer
    filterset_class = AuditEventFilter
    required_role = Role.ADMIN
    newest_first = ("-number", "-id")
    sort_fields = {
        name: name
        for name in AuditEventSerializer.Meta.fields
        if name not in ("details", "previous_hash", "hash")
    }
