"""`/v1/auth`, `/v1/organization`, `/v1/api-keys` and `/v1/audit-events`."""

from datetime import timedelta
from typing import Any

from axes.handlers.proxy import AxesProxyHandler
from django.contrib.auth import authenticate, user_logged_in
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import RefreshToken
from rest_framework_simplejwt.utils import get_md5_hash_password

from organizations.access.authentication import CHALLENGE
from organizations.access.families import end_family, family_of
from organizations.access.lockout import retry_after
from organizations.audit.event import Event
from organizations.audit.receivers import record_for_user
from organizations.filters import AuditEventFilter
from organizations.models import (
    APIKey,
    AuditEvent,
    Invitation,
    Organization,
    Role,
    TokenFamily,
    User,
)
from organizations.people.inviting import deliver, withdraw
from organizations.rest.viewsets import Conflict, Created, Deleted, Listed, Retrieved
from organizations.serializers import (
    APIKeySerializer,
    AuditEventSerializer,
    InvitationSerializer,
    LoginSerializer,
    NewAPIKeySerializer,
    NewInvitationSerializer,
    OrganizationSerializer,
    RefreshSerializer,
    RotationSerializer,
    TokensSerializer,
)
from organizations.tenancy import caller


def tokens(refresh: RefreshToken) -> dict[str, Any]:
    """A refresh token and an access token of its family, as they are answered."""
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
        return Response(tokens(TokenFamily.begin(user)))


REFUSED = "This refresh token is invalid, has expired, or has been used already."


def read_refresh_token(request: Request) -> RefreshToken:
    """The refresh token of a body. Raises AuthenticationFailed for one that is not ours."""
    serializer = RefreshSerializer(data=request.data)
    serializer.is_valid(raise_exception=True)
    try:
        token = RefreshToken(serializer.validated_data["refresh_token"])
        family_of(token)
    except (TokenError, KeyError, ValueError) as error:
        raise AuthenticationFailed(REFUSED) from error
    return token


class RefreshView(PublicView):
    """Exchanges a refresh token for new tokens, while its user may still log in.

    A refresh token works once. One that comes a second time has been copied: then all tokens of
    that log-in end, and its user logs in again.
    """

    @extend_schema(
        tags=["auth"],
        operation_id="refresh",
        summary="Renew tokens",
        request=RefreshSerializer,
        responses=TokensSerializer,
    )
    def post(self, request: Request) -> Response:
        token = read_refresh_token(request)
        user = User.objects.filter(pk=token["user_id"], is_active=True).first()
        if user is None or get_md5_hash_password(user.password) != token.get("hash_password"):
            raise AuthenticationFailed(REFUSED)
        following = TokenFamily.rotate(user, token)
        if following is None:
            with transaction.atomic():
                if end_family(family_of(token)):
                    record_for_user(user, Event.TOKEN_REUSED, user.email)
            raise AuthenticationFailed(REFUSED)
        return Response(tokens(following))


class LogoutView(PublicView):
    """Ends all tokens of a log-in, access tokens too, by its refresh token."""

    @extend_schema(
        tags=["auth"],
        operation_id="logout",
        summary="Log out",
        request=RefreshSerializer,
        responses={204: None},
    )
    def post(self, request: Request) -> Response:
        token = read_refresh_token(request)
        with transaction.atomic():
            user = User.objects.filter(pk=token["user_id"]).first()
            if end_family(family_of(token)) and user is not None:
                record_for_user(user, Event.LOGOUT, user.email)
        return Response(status=status.HTTP_204_NO_CONTENT)


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

    @extend_schema(
        summary="Replace an API key",
        request=RotationSerializer,
        responses={201: NewAPIKeySerializer},
    )
    @action(detail=True, methods=["post"])
    def rotate(self, request: Request, pk: str) -> Response:
        """Makes the key that follows; the old one goes on working for `overlap_hours`, then ends.

        409 for a key that has ended or that has been replaced before.
        """

        def change() -> Response:
            key: APIKey = self.locked_object()
            serializer = RotationSerializer(data=request.data)
            serializer.is_valid(raise_exception=True)
            given = dict(serializer.validated_data)
            overlap = timedelta(hours=given.pop("overlap_hours"))
            try:
                following = key.rotate(overlap, created_by_id=caller(request).user_id, **given)
            except ValidationError as error:
                raise Conflict(" ".join(error.messages), error.code) from error
            body = NewAPIKeySerializer(context=self.get_serializer_context())
            return Response(
                body.to_representation(following),
                status=status.HTTP_201_CREATED,
                headers={"Location": f"/v1/api-keys/{following.pk}"},
            )

        return self.write(change)


@extend_schema(tags=["people"])
@extend_schema_view(
    list=extend_schema(summary="List open invitations"),
    retrieve=extend_schema(summary="Get an open invitation"),
    create=extend_schema(summary="Invite somebody"),
    destroy=extend_schema(summary="Withdraw an invitation"),
)
class InvitationViewSet(Listed, Retrieved, Created, Deleted):
    """People who are asked in by email, with a role. A link works once, for seven days.

    It goes out by mail where a mail server is set; else the creating answer has it. An invitation
    to an address that was invited before replaces the one before.
    """

    queryset = Invitation.objects.all()
    serializer_class = InvitationSerializer
    required_role = Role.ADMIN
    sort_fields = {name: name for name in ("email", "role", "created_at", "expires_at", "id")}
    constraint_errors = {
        "invitation_once_per_address": ("email", "This address is invited already.")
    }

    def visible(self, queryset: Any, organization_id: Any) -> Any:
        return super().visible(queryset, organization_id).filter(expires_at__gt=timezone.now())

    def get_serializer_class(self) -> type[InvitationSerializer]:
        return NewInvitationSerializer if self.action == "create" else InvitationSerializer

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The mail goes out when the invitation is stored."""
        response = super().create(request, *args, **kwargs)
        row = self.get_queryset().select_related("organization").get(pk=response.data["id"])
        deliver(row, request._request)
        response.data |= {"mailed": row.mailed, "link": row.link}
        return response

    def remove(self, instance: Invitation) -> None:
        withdraw(instance)


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
