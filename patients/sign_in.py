"""The pages of signing in: password, second factor, and the link by which a person chooses a password."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.tokens import default_token_generator
from django.contrib.auth.views import PasswordResetConfirmView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse, reverse_lazy
from django.utils.encoding import force_bytes
from django.utils.http import url_has_allowed_host_and_scheme, urlencode, urlsafe_base64_encode
from django.views.decorators.cache import never_cache

from audit.actors import acting_as, current_actor
from audit.models import Event
from audit.recording import record
from patients import second_factor
from patients.models import User

#: Whoever is signed in by password alone gets no further than these.
BEFORE_THE_SECOND_FACTOR = frozenset(
    {
        "admin:login",
        "admin:logout",
        "sign-in",
        "second-factor",
        "second-factor-set-up",
        "set-password",
        "rest_framework:login",
        "rest_framework:logout",
    }
)


class CodeForm(forms.Form):
    code = forms.CharField(
        label="Code",
        max_length=16,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "text", "autofocus": True, "class": "wp-token"}
        ),
    )


@never_cache
def sign_in(request: HttpRequest) -> HttpResponse:
    """The admin's login page, which leads on to the second factor: nobody is turned away on the way in."""
    answer = admin.site.login(request)
    if answer.status_code == 302 and second_factor.is_missing(request):
        return HttpResponseRedirect(second_factor_address(answer.headers["Location"]))
    return answer


def second_factor_address(then: str) -> str:
    return f"{reverse('second-factor')}?{urlencode({'next': then})}"


@never_cache
def give_second_factor(request: HttpRequest) -> HttpResponse:
    """Ask for a code of the app, or a recovery code."""
    if not request.user.is_authenticated:
        return HttpResponseRedirect(reverse("admin:login"))
    user = request.user
    if not second_factor.has_one(user):
        return HttpResponseRedirect(f"{reverse('second-factor-set-up')}?{urlencode({'next': _next(request)})}")
    form = CodeForm(request.POST or None)
    if form.is_valid():
        if second_factor.verify(request, user, form.cleaned_data["code"]):
            return HttpResponseRedirect(_next(request))
        form.add_error("code", "This code is wrong or was used: wait for the next one, or use a recovery code.")
    return _page(request, "patients/second_factor.html", "Second factor", form=form)


@never_cache
def set_up_second_factor(request: HttpRequest) -> HttpResponse:
    """Show the QR code, take the first code, and show the recovery codes once."""
    if not request.user.is_authenticated:
        return HttpResponseRedirect(reverse("admin:login"))
    user = request.user
    if second_factor.has_one(user) and not second_factor.is_given(request):
        return HttpResponseRedirect(second_factor_address(_next(request)))
    device, form = second_factor.device_to_set_up(user), CodeForm(request.POST or None)
    if form.is_valid():
        if codes := second_factor.confirm(request, user, device, form.cleaned_data["code"]):
            return _page(request, "patients/recovery_codes.html", "Recovery codes", codes=codes, next=_next(request))
        form.add_error("code", "This code is wrong: wait for the next one, and see that the phone's clock is right.")
    secret = device.config_url.partition("secret=")[2].partition("&")[0]
    drawn = second_factor.qr_code(device)
    return _page(request, "patients/second_factor_set_up.html", "Second factor", form=form, secret=secret, qr=drawn)


class SetPasswordView(PasswordResetConfirmView):
    """A person chooses a password by a link that works once, for `PASSWORD_RESET_TIMEOUT` seconds."""

    template_name = "patients/set_password.html"
    success_url = reverse_lazy("admin:login")
    title = "Choose a password"

    def dispatch(self, *args: Any, **kwargs: Any) -> Any:
        with acting_as(current_actor().becoming_system("set password")):
            return super().dispatch(*args, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        answer = super().form_valid(form)
        assert self.user, "A valid form comes from a valid link."
        record(Event.UPDATE, objects=[self.user.pk], resource=User, reason="Password chosen by link")
        return answer

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**admin.site.each_context(self.request), **super().get_context_data(**kwargs)}


def password_address(person: User) -> str:
    """The path of a link by which this person chooses a password."""
    uid = urlsafe_base64_encode(force_bytes(person.pk))
    return reverse("set-password", args=[uid, default_token_generator.make_token(person)])


def _next(request: HttpRequest) -> str:
    """Where the person was going, if that is on this site."""
    asked = request.GET.get("next", "")
    here = url_has_allowed_host_and_scheme(asked, {request.get_host()}, require_https=request.is_secure())
    return asked if here else reverse("admin:index")


def _page(request: HttpRequest, template: str, title: str, **context: Any) -> TemplateResponse:
    shared = admin.site.each_context(request)
    return TemplateResponse(request, template, {**shared, "title": title, **context})
