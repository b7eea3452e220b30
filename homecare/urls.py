from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiJsonRenderer2, OpenApiYamlRenderer
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from homecare.health import health
from memories.api.root import RootView
from patients.sign_in import SetPasswordView, give_second_factor, set_up_second_factor
from patients.sign_in import sign_in as sign_in_page

handler404 = "homecare.not_found.not_found"
handler500 = "homecare.not_found.failed"

# The first answers whoever asks for none of these: a browser shows plain JSON, and would save the others as files.
schema = SpectacularAPIView.as_view(renderer_classes=[OpenApiJsonRenderer2, OpenApiYamlRenderer, OpenApiJsonRenderer])
docs = SpectacularSwaggerView.as_view(url_name="api-schema")

# By these names the pages of `/api/v1/` link to where a person signs in and out.
sign_in = [
    path("login/", RedirectView.as_view(pattern_name="admin:login", query_string=True), name="login"),
    path("logout/", LogoutView.as_view(next_page="api-root"), name="logout"),
]

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/login/", sign_in_page, name="sign-in"),
    path("admin/second-factor/", give_second_factor, name="second-factor"),
    path("admin/second-factor/set-up/", set_up_second_factor, name="second-factor-set-up"),
    path("admin/set-password/<uidb64>/<token>/", SetPasswordView.as_view(), name="set-password"),
    path("admin/", admin.site.urls),
    path("api/v1", RootView.as_view()),
    path("api/v1/", include("memories.api.urls")),
    path("mem0/", include("memories.api.mem0.urls")),
    path("api/schema/", schema, name="api-schema"),
    path("api/schema", schema),
    path("api/docs/", docs, name="api-docs"),
    path("api/docs", docs),
    path("api/session/", include((sign_in, "rest_framework"))),
    path("health/", health, name="health"),
]
