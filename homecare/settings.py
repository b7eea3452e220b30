"""Every setting, and every read of the environment. `.env.example` documents each name."""

import logging
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key

from homecare.navigation import UNFOLD  # noqa: F401 because unfold reads it from here
from homecare.postgres import Cluster

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"

env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")


def kept_secret(name: str) -> str:
    """A random key, made once and kept under var/ for a machine where none is set."""
    path = VAR_DIR / name
    if not path.exists():
        VAR_DIR.mkdir(exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(get_random_secret_key())
    return path.read_text()


# --- The site ------------------------------------------------------------------------------------------------------

PRODUCTION = env.bool("PRODUCTION", False)
DEBUG = env.bool("DEBUG", False)
SECRET_KEY = env.str("SECRET_KEY", "") or ("" if PRODUCTION else kept_secret("secret_key"))
if not SECRET_KEY:
    raise ImproperlyConfigured("Set SECRET_KEY to a long random string: production makes none by itself.")

ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]", "testserver"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
CORS_ALLOWED_ORIGINS = env.list("CORS_ALLOWED_ORIGINS", default=[])
TRUST_PROXY_HEADERS = env.bool("TRUST_PROXY_HEADERS", False)

ROOT_URLCONF = "homecare.urls"
WSGI_APPLICATION = "homecare.wsgi.application"
APPEND_SLASH = False

INSTALLED_APPS = [
    "audit",
    "patients",
    "memories",
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "corsheaders",
    "auditlog",
    "procrastinate.contrib.django",
]

MIDDLEWARE = [
    "corsheaders.middleware.CorsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "patients.middleware.ActingMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- Postgres: the embedded one unless DATABASE_URL names another ---------------------------------------------------

#: Starting it is idempotent and takes milliseconds when it runs, so that web, worker and commands need no order.
EMBEDDED = None if env.str("DATABASE_URL", "") else Cluster(VAR_DIR / "postgres").start()
if EMBEDDED is None and not env.str("DATABASE_OWNER_URL", ""):
    raise ImproperlyConfigured(
        "Set DATABASE_OWNER_URL beside DATABASE_URL: the owner migrates, the application role owns nothing."
    )

DATABASE_POOL_MIN = env.int("DATABASE_POOL_MIN", 2)
DATABASE_POOL_MAX = env.int("DATABASE_POOL_MAX", 8)


def database(url_setting: str, embedded_url: str | None) -> dict[str, Any]:
    """One connection of ours: timeouts and plans are the same whoever connects."""
    config: dict[str, Any] = env.db_url(url_setting, default=embedded_url or environ.Env.NOTSET)
    config["ENGINE"] = "django.db.backends.postgresql"
    options = config.setdefault("OPTIONS", {})
    options["options"] = "-c jit=off -c random_page_cost=1.1 -c lock_timeout=20s -c plan_cache_mode=force_generic_plan"
    # Only search binds its parameters on the server; planned once a connection, it takes half the time.
    options["prepare_threshold"] = 5
    return config


DATABASES: dict[str, dict[str, Any]] = {
    "default": database("DATABASE_URL", EMBEDDED.application if EMBEDDED else None),
    "owner": database("DATABASE_OWNER_URL", EMBEDDED.owner if EMBEDDED else None),
}
APPLICATION_ROLE = DATABASES["default"]["USER"]
if DATABASE_POOL_MAX:
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    DATABASES["default"]["OPTIONS"]["pool"] = {
        "min_size": DATABASE_POOL_MIN,
        "max_size": DATABASE_POOL_MAX,
        "timeout": 10,
    }
DATABASE_ROUTERS = ["homecare.routers.OwnerMigrates"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Who may: people, sessions, keys --------------------------------------------------------------------------------

AUTH_USER_MODEL = "patients.User"
AUTHENTICATION_BACKENDS = ["patients.backends.RoleBackend"]
SESSION_ENGINE = "patients.sessions"
SESSION_COOKIE_AGE = env.int("SESSION_SECONDS", 12 * 60 * 60)
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = PRODUCTION
LOGIN_URL = "admin:login"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
ACCESS_KEY_DAYS = env.int("ACCESS_KEY_DAYS", 90)

# --- API ------------------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["patients.authentication.MiddlewareAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["patients.permissions.IsIdentified"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "memories.api.errors.answer_error",
    "DEFAULT_RENDERER_CLASSES": [
        "rest_framework.renderers.JSONRenderer",
        "rest_framework.renderers.BrowsableAPIRenderer",
    ],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Homecare Memory",
    "DESCRIPTION": "What matters about a patient who is cared for at home, tied to the words it came from.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "PREPROCESSING_HOOKS": ["memories.api.schema.without_trailing_slashes"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "ENUM_NAME_OVERRIDES": {
        "MemoryCategory": "memories.choices.Category",
        "VerificationStatus": "memories.choices.VerificationStatus",
        "MedicationStatus": "memories.choices.MedicationStatus",
    },
}
DEFAULT_SEARCH_LIMIT = env.int("DEFAULT_SEARCH_LIMIT", 3)
MAX_SEARCH_LIMIT = 100
#: Tokens of a context that names no budget, and the most that one may name.
CONTEXT_TOKEN_BUDGET = env.int("CONTEXT_TOKEN_BUDGET", 1000)
MAX_CONTEXT_TOKENS = 32_000
MAX_CONVERSATION_TURNS = env.int("MAX_CONVERSATION_TURNS", 2000)
MAX_TURN_CHARACTERS = env.int("MAX_TURN_CHARACTERS", 20_000)
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024

# --- Extraction and embedding ---------------------------------------------------------------------------------------

EXTRACTOR = env.str("EXTRACTOR", "llm" if env.str("OPENAI_API_KEY", "") or env.str("OPENAI_BASE_URL", "") else "local")
#: What is not remembered without the patient's recorded consent; topics of memories/vocabulary/data/sensitive.tsv.
SENSITIVE_TOPICS = env.list(
    "SENSITIVE_TOPICS",
    default=["sexuality", "religion", "politics", "immigration", "ethnicity", "criminal record", "finances"],
)
EXTRACTION_INSTRUCTION = env.str("EXTRACTION_INSTRUCTION", "")
OPENAI_API_KEY = env.str("OPENAI_API_KEY", "")
OPENAI_BASE_URL = env.str("OPENAI_BASE_URL", "")
OPENAI_MODEL = env.str("OPENAI_MODEL", "gpt-4o-mini")
OPENAI_TIMEOUT = env.float("OPENAI_TIMEOUT", 30.0)
OPENAI_MAX_RETRIES = env.int("OPENAI_MAX_RETRIES", 2)

EMBEDDING_PROVIDER = env.str("EMBEDDING_PROVIDER", "local")
EMBEDDING_BASE_URL = env.str("EMBEDDING_BASE_URL", "")
EMBEDDING_API_KEY = env.str("EMBEDDING_API_KEY", OPENAI_API_KEY)
EMBEDDING_MODEL = env.str("EMBEDDING_MODEL", "all-minilm-l6-v2-int8")
EMBEDDING_DIMENSION = env.int("EMBEDDING_DIMENSION", 384)
EMBEDDING_TIMEOUT = env.float("EMBEDDING_TIMEOUT", 10.0)
EMBEDDING_CACHE_SIZE = env.int("EMBEDDING_CACHE_SIZE", 2048)

# --- What happens by night ------------------------------------------------------------------------------------------

NIGHTLY_CRON = env.str("NIGHTLY_CRON", "15 3 * * *")
AGEING_DAYS = env.int("AGEING_DAYS", 180)
GROUPING_COSINE = env.float("GROUPING_COSINE", 0.92)

# --- Record ---------------------------------------------------------------------------------------------------------

AUDITLOG_CID_GETTER = "audit.actors.current_request_id"

# --- Background work ------------------------------------------------------------------------------------------------

PROCRASTINATE_ON_APP_READY = None

# --- Static files, language, time -----------------------------------------------------------------------------------

STATIC_URL = "static/"
# Production collects its files once (`collectstatic`); elsewhere they are served from where they are.
STATIC_ROOT = VAR_DIR / "static" if PRODUCTION else None
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = not PRODUCTION
LANGUAGE_CODE = "en-us"
TIME_ZONE = env.str("TIME_ZONE", "UTC")
USE_TZ = True

# --- Logs: never the text of a memory, a turn or a query ------------------------------------------------------------

LOG_LEVEL = env.str("LOG_LEVEL", "INFO").upper()
if LOG_LEVEL not in logging.getLevelNamesMapping():
    raise ImproperlyConfigured("LOG_LEVEL is unknown: set DEBUG, INFO, WARNING or ERROR.")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "homecare.logs.QuietFormatter",
            "format": "{asctime} {levelname} {name} {message}",
            "style": "{",
        },
    },
    "filters": {"routes": {"()": "homecare.logs.RouteInsteadOfPath"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["routes"]}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        # Django's own handlers would print messages and paths.
        "django": {"handlers": [], "level": LOG_LEVEL, "propagate": True},
        "django.server": {"handlers": [], "level": "WARNING", "propagate": True},
        # These print parameters, prompts or job arguments when they are chatty.
        **{
            name: {"level": "WARNING", "propagate": True}
            for name in ("django.db.backends", "openai", "httpx2", "httpcore2", "procrastinate", "django.template")
        },
    },
}
