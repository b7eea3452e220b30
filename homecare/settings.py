"""Every setting, read from the environment and from `.env`. `.env.example` documents each name.

Two names are read before there are settings: `DJANGO_SETTINGS_MODULE`, and `PORT`, in `homecare.run`.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key

from homecare.environment import (
    boolean,
    choice,
    choices,
    env,
    integer,
    log_level,
    number,
    origins,
    postgres,
    server,
    text,
    time_zone,
    words,
)
from homecare.navigation import UNFOLD  # noqa: F401 because unfold reads it from here
from homecare.postgres import Cluster
from memories.vocabulary.sensitive import known_topics

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"

env.read_env(BASE_DIR / ".env")


def kept_secret(name: str) -> str:
    """A random key, made once and kept under var/ for a machine where none is set."""
    path = VAR_DIR / name
    if not path.exists():
        VAR_DIR.mkdir(exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(get_random_secret_key())
    return path.read_text()


# --- The site ------------------------------------------------------------------------------------------------------

PRODUCTION = boolean("PRODUCTION", False)
DEBUG = boolean("DEBUG", False)
SECRET_KEY = text("SECRET_KEY") or ("" if PRODUCTION else kept_secret("secret_key"))
if not SECRET_KEY:
    raise ImproperlyConfigured("Set SECRET_KEY to a long random string: production makes none by itself.")

ALLOWED_HOSTS = words("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]", "testserver"])
CSRF_TRUSTED_ORIGINS = origins("CSRF_TRUSTED_ORIGINS")
CORS_ALLOWED_ORIGINS = origins("CORS_ALLOWED_ORIGINS")
TRUST_PROXY_HEADERS = boolean("TRUST_PROXY_HEADERS", False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUST_PROXY_HEADERS else None

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
    "axes",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
]

MIDDLEWARE = [
    "corsheaders.middleware.CorsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
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

# --- Who may: people, sessions, keys --------------------------------------------------------------------------------

AUTH_USER_MODEL = "patients.User"
AUTHENTICATION_BACKENDS = ["patients.lockout.LockoutBackend", "patients.backends.RoleBackend"]
#: A second factor for everybody who signs in; production takes no no.
SECOND_FACTOR = boolean("SECOND_FACTOR", PRODUCTION)
OTP_TOTP_ISSUER = "Homecare Memory"
SESSION_ENGINE = "patients.sessions"
SESSION_COOKIE_AGE = integer("SESSION_SECONDS", 12 * 60 * 60, at_least=60)
SESSION_IDLE_MINUTES = integer("SESSION_IDLE_MINUTES", 15, at_least=1)
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = PRODUCTION
LOGIN_URL = "admin:login"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
#: How long a link works by which a person chooses a password: a day.
PASSWORD_RESET_TIMEOUT = 24 * 60 * 60
AXES_FAILURE_LIMIT = integer("SIGN_IN_FAILURES", 5, at_least=1)
AXES_COOLOFF_TIME = timedelta(minutes=integer("LOCKOUT_MINUTES", 15, at_least=1))
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_CLIENT_IP_CALLABLE = "patients.lockout.address_of"
AXES_LOCKOUT_CALLABLE = "patients.lockout.locked_out"
AXES_RESET_ON_SUCCESS = True
AXES_DISABLE_ACCESS_LOG = True  # ours has every sign-in, and every refused one
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
#: The key that `manage.py mcp` works with when it is run by another program.
MCP_ACCESS_KEY = text("MCP_ACCESS_KEY")
ACCESS_KEY_DAYS = integer("ACCESS_KEY_DAYS", 90, at_least=1, at_most=3650)
ACCESS_KEY_IDLE_DAYS = integer("ACCESS_KEY_IDLE_DAYS", 30, at_least=1, at_most=3650)
EMERGENCY_ACCESS_MINUTES = integer("EMERGENCY_ACCESS_MINUTES", 180, at_least=1, at_most=24 * 60)

# --- Mail: alerts to the privacy officer, links to set a password. Without a server, the pages alone tell ------------

EMAIL_HOST = text("EMAIL_HOST")
EMAIL_PORT = integer("EMAIL_PORT", 587, at_least=1, at_most=65535)
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = text("EMAIL_HOST_USER"), text("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS = boolean("EMAIL_USE_TLS", True)
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = text("EMAIL_FROM", "homecare-memory@localhost")

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
    "DEFAULT_PARSER_CLASSES": ["memories.api.parsing.CleanJSONParser"],
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
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "memories.api.schema.with_refusals"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "ENUM_NAME_OVERRIDES": {
        "MemoryCategory": "memories.choices.Category",
        "VerificationStatus": "memories.choices.VerificationStatus",
        "MedicationStatus": "memories.choices.MedicationStatus",
        "MemoryPriority": "memories.choices.Priority",
        "EditablePriority": ["high", "normal"],
        "MemoryKind": "memories.choices.Kind",
        "LinkKind": "memories.models.LinkKind",
        "ReviewQuestion": "memories.models.TaskKind",
    },
}
MAX_SEARCH_LIMIT = 100
DEFAULT_SEARCH_LIMIT = integer("DEFAULT_SEARCH_LIMIT", 3, at_least=1, at_most=MAX_SEARCH_LIMIT)
#: Tokens: the most that a context may have, and what it has if no budget is named.
MAX_CONTEXT_TOKENS = 32_000
CONTEXT_TOKEN_BUDGET = integer("CONTEXT_TOKEN_BUDGET", 1000, at_least=1, at_most=MAX_CONTEXT_TOKENS)
MAX_CONVERSATION_TURNS = integer("MAX_CONVERSATION_TURNS", 2000, at_least=1)
MAX_TURN_CHARACTERS = integer("MAX_TURN_CHARACTERS", 20_000, at_least=1)
#: The most that a file may have. It is read in memory: nothing of it is left in a folder for temporary files.
MAX_FILE_BYTES = integer("MAX_FILE_MEGABYTES", 10, at_least=1, at_most=100) * 1024 * 1024
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]
FILE_UPLOAD_MAX_MEMORY_SIZE = MAX_FILE_BYTES + 64 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024

#: The key of the mem0 account that `import_mem0 https://...` reads.
MEM0_API_KEY = text("MEM0_API_KEY")

# --- Extraction and embedding ---------------------------------------------------------------------------------------

OPENAI_API_KEY = text("OPENAI_API_KEY")
OPENAI_BASE_URL = server("OPENAI_BASE_URL")
OPENAI_MODEL = text("OPENAI_MODEL", "gpt-4o-mini")
OPENAI_TIMEOUT = number("OPENAI_TIMEOUT", 30.0, at_least=0.1)
OPENAI_MAX_RETRIES = integer("OPENAI_MAX_RETRIES", 2, at_least=0, at_most=10)
EXTRACTOR = choice("EXTRACTOR", "llm" if OPENAI_API_KEY or OPENAI_BASE_URL else "local", ("local", "llm"))
#: Who answers in a chat, how long it may take (seconds), and how many answers of a process may be under way: each holds
#: one of its threads.
ANSWERER = choice("ANSWERER", "llm" if EXTRACTOR == "llm" else "memories", ("memories", "llm"))
ANSWER_SECONDS = number("ANSWER_SECONDS", 60.0, at_least=1)
ANSWERS_AT_ONCE = integer("ANSWERS_AT_ONCE", 4, at_least=1)
EXTRACTION_INSTRUCTION = text("EXTRACTION_INSTRUCTION")
#: What is not remembered without the patient's recorded consent; topics of memories/vocabulary/data/sensitive.tsv.
SENSITIVE_TOPICS = choices(
    "SENSITIVE_TOPICS",
    ["sexuality", "religion", "politics", "immigration", "ethnicity", "criminal record", "finances"],
    sorted(known_topics()),
)

EMBEDDING_PROVIDER = choice("EMBEDDING_PROVIDER", "local", ("local", "openai"))
EMBEDDING_BASE_URL = server("EMBEDDING_BASE_URL")
EMBEDDING_API_KEY = text("EMBEDDING_API_KEY", OPENAI_API_KEY)
EMBEDDING_MODEL = text("EMBEDDING_MODEL", "all-minilm-l6-v2-int8")
#: An index entry has at most 2,704 bytes, and the covering index of `MemoryIndex` holds the vector.
LARGEST_DIMENSION = 1300
EMBEDDING_DIMENSION = integer("EMBEDDING_DIMENSION", 384, at_least=1, at_most=LARGEST_DIMENSION)
EMBEDDING_TIMEOUT = number("EMBEDDING_TIMEOUT", 10.0, at_least=0.1)
EMBEDDING_CACHE_SIZE = integer("EMBEDDING_CACHE_SIZE", 2048, at_least=0)

# --- What happens by night ------------------------------------------------------------------------------------------

NIGHTLY_CRON = text("NIGHTLY_CRON", "15 3 * * *")
AGEING_DAYS = integer("AGEING_DAYS", 180, at_least=1)
GROUPING_COSINE = number("GROUPING_COSINE", 0.92, at_least=0, at_most=1)

# --- Review ---------------------------------------------------------------------------------------------------------

#: Hours after which an open question is overdue: one of high severity, and any.
OVERDUE_HOURS_HIGH = integer("OVERDUE_HOURS_HIGH", 4, at_least=1)
OVERDUE_HOURS = integer("OVERDUE_HOURS", 72, at_least=1)
#: When reviewers are told of what is urgent; by mail if there is a mail server, by webhook if there is one.
NOTIFY_CRON = text("NOTIFY_CRON", "*/5 * * * *")
NOTIFY_WEBHOOK_URL, NOTIFY_WEBHOOK_SECRET = server("NOTIFY_WEBHOOK_URL"), text("NOTIFY_WEBHOOK_SECRET")
SITE_ADDRESS = server("SITE_ADDRESS").rstrip("/")

# --- Record ---------------------------------------------------------------------------------------------------------

AUDITLOG_CID_GETTER = "audit.actors.current_request_id"
#: What the log is sealed with: the current key, then earlier ones, with which older seals are verified.
AUDIT_SEAL_KEYS = words("AUDIT_SEAL_KEYS") or ([SECRET_KEY] if PRODUCTION else [kept_secret("seal_key")])
AUDIT_HEAD_FILE = Path(text("AUDIT_HEAD_FILE", str(VAR_DIR / "seals" / "head")))

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
TIME_ZONE = time_zone("TIME_ZONE", "UTC")
USE_TZ = True

# --- Logs: never the text of a memory, a turn or a query ------------------------------------------------------------

LOG_LEVEL = log_level("LOG_LEVEL", "INFO")
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
            for name in (
                "django.db.backends",
                "openai",
                "httpx2",
                "httpcore2",
                "procrastinate",
                "django.template",
                "mcp",
            )
        },
    },
}

# --- Postgres: the embedded one unless DATABASE_URL names another. Last, so that a wrong setting starts nothing ------

DATABASE_URL, DATABASE_OWNER_URL = postgres("DATABASE_URL"), postgres("DATABASE_OWNER_URL")
if bool(DATABASE_URL) != bool(DATABASE_OWNER_URL):
    raise ImproperlyConfigured(
        "Set both DATABASE_URL and DATABASE_OWNER_URL: the owner migrates, the application role owns nothing."
    )

DATABASE_POOL_MAX = integer("DATABASE_POOL_MAX", 8, at_least=0)
DATABASE_POOL_MIN = integer(
    "DATABASE_POOL_MIN", min(2, DATABASE_POOL_MAX), at_least=0, at_most=DATABASE_POOL_MAX or None
)


def database(url: str) -> dict[str, Any]:
    """One connection of ours: timeouts and plans are the same whoever connects."""
    config: dict[str, Any] = env.db_url_config(url)
    config["ENGINE"] = "django.db.backends.postgresql"
    options = config.setdefault("OPTIONS", {})
    options["options"] = "-c jit=off -c random_page_cost=1.1 -c lock_timeout=20s -c plan_cache_mode=force_generic_plan"
    # Statements are planned once a connection: for most of ours planning takes longer than the work.
    options["server_side_binding"] = True
    options["prepare_threshold"] = 5
    return config


#: Starting it is idempotent and takes milliseconds when it runs, so that web, worker and commands need no order.
EMBEDDED = None if DATABASE_URL else Cluster(VAR_DIR / "postgres").start()
DATABASES: dict[str, dict[str, Any]] = {
    "default": database(EMBEDDED.application if EMBEDDED else DATABASE_URL),
    "owner": database(EMBEDDED.owner if EMBEDDED else DATABASE_OWNER_URL),
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
