"""The second factor of people: a code of an authenticator app, or one of ten recovery codes."""

from collections.abc import Iterable

import segno
from django.conf import settings
from django.http import HttpRequest
from django.utils.safestring import SafeString, mark_safe
from django_otp import devices_for_user, login, match_token
from django_otp.models import Device
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from audit.models import Event, Outcome
from audit.recording import record
from patients.models import User

RECOVERY_CODES = 10
APP, RECOVERY = "Authenticator app", "Recovery codes"


def is_missing(request: HttpRequest) -> bool:
    """Whether somebody signed in by password alone, where that is not enough."""
    user = request.user
    return settings.SECOND_FACTOR and user.is_authenticated and not is_given(request)


def is_given(request: HttpRequest) -> bool:
    return getattr(request.user, "otp_device", None) is not None


def has_one(user: User) -> bool:
    return next(iter(devices_for_user(user, confirmed=True)), None) is not None


def verify(request: HttpRequest, user: User, code: str) -> bool:
    """Take a code of the app or a recovery code, each once; wrong ones are on record and slow the next try down."""
    device: Device | None = match_token(user, code.strip())
    if device is None:
        record(Event.LOGIN, outcome=Outcome.REFUSED, reason="Second factor")
        return False
    login(request, device)
    record(Event.LOGIN, reason=f"Second factor: {device.name}")
    return True


def device_to_set_up(user: User) -> TOTPDevice:
    """The device that this user is about to confirm; the same one until then, so that the QR code stays."""
    device, _ = TOTPDevice.objects.get_or_create(user=user, confirmed=False, defaults={"name": APP})
    return device


def confirm(request: HttpRequest, user: User, device: TOTPDevice, code: str) -> list[str]:
    """With its first code the device counts, in place of any other. Returns recovery codes; none for a wrong code."""
    if not device.verify_token(code.strip()):
        return []
    remove(user, keep=[device.pk])
    device.confirmed = True
    device.save()
    login(request, device)
    recovery = StaticDevice.objects.create(user=user, name=RECOVERY)
    codes = [StaticToken.random_token() for _ in range(RECOVERY_CODES)]
    StaticToken.objects.bulk_create(StaticToken(device=recovery, token=code) for code in codes)
    record(Event.UPDATE, objects=[user.pk], resource=User, reason="Second factor set up")
    return codes


def remove(user: User, *, keep: Iterable[object] = ()) -> None:
    """Take the devices and recovery codes of this user away; whoever signed in with them is asked anew."""
    TOTPDevice.objects.filter(user=user).exclude(pk__in=list(keep)).delete()
    StaticDevice.objects.filter(user=user).delete()


def qr_code(device: TOTPDevice) -> SafeString:
    """An inline SVG that an authenticator app reads."""
    drawn = segno.make(device.config_url, micro=False).svg_inline(scale=5, border=2, dark="#000", light="#fff")
    return mark_safe(drawn)  # noqa: S308 because segno drew it
