UNFOLD: dict[str, object] = {"SITE_TITLE": "Homecare Memory", "SITE_HEADER": "Homecare Memory"}
