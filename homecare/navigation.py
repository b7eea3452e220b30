"""How the admin looks and where it leads. `homecare.sidebar` says which of it a person sees."""

from django.templatetags.static import static

#: Teal, dark enough for white words on 600 (5.5 : 1) and for 600 as words on white.
PRIMARY = {
    "50": "oklch(98.4% .014 180.72)",
    "100": "oklch(95.3% .051 180.801)",
    "200": "oklch(91% .096 180.426)",
    "300": "oklch(85.5% .138 181.071)",
    "400": "oklch(77.7% .152 181.912)",
    "500": "oklch(70.4% .14 182.503)",
    "600": "oklch(51.1% .096 186.391)",
    "700": "oklch(43.7% .078 188.216)",
    "800": "oklch(38.6% .063 188.416)",
    "900": "oklch(32% .052 189)",
    "950": "oklch(27.7% .046 192.524)",
}

UNFOLD: dict[str, object] = {
    "SITE_TITLE": "Homecare Memory",
    "SITE_HEADER": "Homecare Memory",
    "SITE_SYMBOL": "home_health",
    "SITE_URL": None,
    "SHOW_VIEW_ON_SITE": False,
    "COLORS": {"primary": PRIMARY},
    "STYLES": [lambda request: static("memories/workplace.css")],
    "DASHBOARD_CALLBACK": "memories.admin.home.with_workplace",
    "ENVIRONMENT": "homecare.sidebar.said_at_the_top",
    "SIDEBAR": {"navigation": "homecare.sidebar.navigation"},
}
