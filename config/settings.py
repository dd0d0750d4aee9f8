"""Settings, from the environment alone. `.env.example` lists every variable with its default.

A `.env` beside `manage.py` is read for what the environment does not set; `make setup` writes one
with `DEBUG=1`, so that a fresh checkout runs, and `make serve` sets `DEBUG=0` over it.
"""

import gc
from datetime import timedelta
from pathlib import Path

import django_countries
import environ
from django.core.exceptions import ImproperlyConfigured

from config.look import LOOK
from config.security import PAGES

# By default Python looks for objects that hold each other whenever 700 have been made, and a page
# makes them by the thousand. With ten times as many as here, reads of the API grow slower.
gc.set_threshold(5_000, 10, 10)

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")

DEBUG = env.bool("DEBUG", default=False)


def required(name: str, development: str, why: str) -> str:
    """A variable that production must set; `development` stands in for it under DEBUG alone."""
    value = env.str(name, default="")
    if value:
        return value
    if DEBUG:
        return development
    raise ImproperlyConfigured(
        f"{name} is not set. {why} For a trial on this machine, set DEBUG=1."
    )


SECRET_KEY = required(
    "SECRET_KEY",
    "insecure-development-key-that-is-never-used-in-production",
    "It signs sessions and tokens: set it to 50 or more random characters.",
)
ALLOWED_HOSTS = required(
    "ALLOWED_HOSTS",
    "*",
    "Set it to the host names this service answers to, separated by commas.",
).split(",")
# Forms that came from these hosts over https are this service's own, whatever its proxy says.
CSRF_TRUSTED_ORIGINS = [
    *(f"https://{'*' * host.startswith('.')}{host}" for host in ALLOWED_HOSTS if host != "*"),
    *env.list("CSRF_TRUSTED_ORIGINS", default=[]),
]
CSRF_FAILURE_VIEW = "config.middleware.resuming.form_out_of_date"

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "axes",
    "django_tasks",
    "django_tasks_db",
    "organizations",
    "facilities",
    "emissions",
]

# The last of them goes on with one of the two lists below it, by the address.
MIDDLEWARE = [
    "config.middleware.watch.watch_requests",
    "config.middleware.database.DatabaseLimits",
    "django.middleware.security.SecurityMiddleware",
    "config.middleware.limits.limit_requests",
    "config.middleware.addresses.refuse_control_characters",
    "config.middleware.transfer.Compress",
    "config.middleware.transfer.not_modified",
    "config.security.ContentPolicy",
    "config.middleware.chains.ByAddress",
]
API_MIDDLEWARE = [
    "config.middleware.chains.finish_answers",
    "config.middleware.wall.keep_the_wall",
    "axes.middleware.AxesMiddleware",
    "organizations.access.author.remember_request",
]
PAGE_MIDDLEWARE = [
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "config.middleware.wall.keep_the_wall",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
    "organizations.access.author.remember_request",
    "organizations.staff.local.remember_reader",
    "organizations.staff.values.masses.one_unit_in_each_table",
    "organizations.admin.second_factor.ask_second_factor",
    "config.middleware.resuming.resume_after_login",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "config" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.security.over_http",
            ],
        },
    },
]


def database(url: str) -> dict:
    """The store at a URL, with what each vendor needs to be correct under concurrency."""
    config = env.db_url_config(url)
    options = config.setdefault("OPTIONS", {})
    if config["ENGINE"] == "django.db.backends.sqlite3":
        # IMMEDIATE takes the write lock when a transaction begins, so that two writers queue
        # instead of failing when both try to upgrade a read lock. Recursive triggers refuse REPLACE
        # too where a table's rows are written once.
        options.update(
            transaction_mode="IMMEDIATE",
            timeout=30,
            init_command="PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
            " PRAGMA recursive_triggers=ON;",
        )
    else:
        config["ENGINE"] = "organizations.database.postgresql"
        options["pool"] = {
            "min_size": env.int("DB_POOL_MIN", default=1),
            "max_size": env.int("DB_POOL_MAX", default=16),
            "timeout": env.int("DB_POOL_TIMEOUT", default=10),
            "reconnect_timeout": 2,  # then the next who wants a connection tries again
        }
        options.setdefault("connect_timeout", 5)
        # What has no other limit, such as a command, notices a broken network after a minute.
        for name, seconds in {"keepalives_idle": 30, "keepalives_interval": 10}.items():
            options.setdefault(name, seconds)
        options.setdefault("keepalives_count", 3)
        # Plans of what every request asks are kept (organizations.database.statements). A pooler
        # that gives a connection away after each transaction may not allow that.
        options["prepare_threshold"] = 3 if env.bool("DB_PREPARE", default=True) else None
        config["DISABLE_SERVER_SIDE_CURSORS"] = options["prepare_threshold"] is None
        config["CONN_MAX_AGE"] = 0  # the pool keeps the connections; Django must give them back
    return config


DATABASE_URL = env.str("DATABASE_URL", default="")
DATABASES = {"default": database(DATABASE_URL or f"sqlite:///{BASE_DIR / 'db.sqlite3'}")}

# Streaming replicas, which answer what may be a second old (organizations.database.replicas), and
# how many seconds one may be behind the primary.
REPLICA_URLS = env.list("DATABASE_REPLICA_URLS", default=[])
DATABASE_REPLICA_LAG = env.int("DATABASE_REPLICA_LAG", default=1)
REPLICAS = [f"replica {number}" for number, _ in enumerate(REPLICA_URLS, 1)]
DATABASES |= {
    name: database(url) | {"TEST": {"MIRROR": "default"}}
    for name, url in zip(REPLICAS, REPLICA_URLS, strict=True)
}
if len({one["ENGINE"] for one in DATABASES.values()}) > 1:
    raise ImproperlyConfigured(
        "DATABASE_REPLICA_URLS are replicas of a PostgreSQL: set DATABASE_URL to it."
    )
if REPLICAS:
    DATABASE_ROUTERS = ["organizations.database.replicas.Router"]
    for middlewares in (API_MIDDLEWARE, PAGE_MIDDLEWARE):
        middlewares.insert(
            middlewares.index("config.middleware.wall.keep_the_wall") + 1,
            "config.middleware.own_writes.remember_own_writes",
        )

# Seconds that one statement of a request may take on PostgreSQL. Commands, migrations and the
# worker have no limit; what is long in a request (imports, exports, previews, recalculations) goes
# on as long as the server is there (organizations.database.postgresql.connections).
DB_STATEMENT_TIMEOUT = env.int("DB_STATEMENT_TIMEOUT", default=10)

# What is too much for a request. SQLite has one writer at a time: there it is done before the
# answer; on PostgreSQL `manage.py db_worker` does it.
ON_POSTGRESQL = DATABASES["default"]["ENGINE"].endswith("postgresql")
TASKS = {
    "default": {
        "BACKEND": "django_tasks_db.DatabaseBackend"
        if ON_POSTGRESQL
        else "django_tasks.backends.immediate.ImmediateBackend"
    }
}

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "organizations.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
LOGIN_URL, LOGIN_REDIRECT_URL = "admin:login", "admin:index"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

# Ten wrong passwords for one email from one address lock that pair out for a quarter of an hour,
# in the API's login and the admin's alike. Counted in the database: every process sees it.
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_USERNAME_FORM_FIELD = "username"
AXES_USERNAME_CALLABLE = "organizations.access.lockout.email_of"
AXES_CLIENT_IP_CALLABLE = "organizations.access.limits.address_of"
AXES_LOCKOUT_CALLABLE = "organizations.access.lockout.locked_out"
AXES_RESET_ON_SUCCESS = True
AXES_DISABLE_ACCESS_LOG = True
AXES_VERBOSE = False
AXES_ENABLE_ADMIN = False  # organizations.admin has its page

# Nothing of ours is cached; the admin's search would keep what somebody found for five minutes,
# also when they may no longer see it.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}

SIMPLE_HISTORY_DATE_INDEX = False  # history is read by its row

# The API, its errors and the commands are English; pages of the admin are in their reader's
# language (organizations.staff.local). One catalogue for all apps, and that of the countries.
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("es", "Spanish")]
LOCALE_PATHS = [
    BASE_DIR / "config" / "locale",
    Path(django_countries.__file__).parent / "locale",
]
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True
FORMAT_MODULE_PATH = ["config.formats"]

# Kosovo is not in ISO 3166-1, but its grid has published factors: XK is the code in common use.
COUNTRIES_OVERRIDE = {"XK": {"name": "Kosovo", "alpha3": "XKX", "numeric": None}}

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "static"
WHITENOISE_USE_FINDERS = DEBUG
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

# TLS ends in front of the service (DESIGN 7): redirecting and HSTS are opt-in.
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=False)
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=0)
if not DEBUG or SECURE_SSL_REDIRECT:
    # Whoever makes this header up fools nobody but himself: cookies are for https alone anyway.
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_SECURE = not DEBUG
CSRF_COOKIE_SECURE = not DEBUG
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CONTENT_SECURITY_POLICY = {"DIRECTIVES": PAGES}
SILENCED_SYSTEM_CHECKS = ["security.W004", "security.W008"]
# They look for what is in PAGE_MIDDLEWARE in MIDDLEWARE alone.
SILENCED_SYSTEM_CHECKS += ["admin.E408", "admin.E409", "admin.E410"]
SILENCED_SYSTEM_CHECKS += ["security.W002", "security.W003", "axes.W002"]

DATA_UPLOAD_MAX_MEMORY_SIZE = env.int("MAX_BODY_BYTES", default=2_500_000)
# A thousand columns of a file that is matched by hand are two fields each.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2500
MAX_IMPORT_BYTES = env.int("MAX_IMPORT_BYTES", default=50_000_000)
IMPORT_BYTES_AT_ONCE = env.int("IMPORT_BYTES_AT_ONCE", default=1_000_000)

# Where mail goes out: invitations and forgotten passwords. Without it links are sent by hand.
EMAIL_URL = env.str("EMAIL_URL", default="")
MAIL_IS_SET = bool(EMAIL_URL)
vars().update(env.email_url_config(EMAIL_URL or "dummymail://"))
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("MAIL_FROM", default="Facilities API <noreply@localhost>")

# Requests a minute of one address, and of one key or person of the API; 0 is no limit.
REQUESTS_PER_ADDRESS = env.int("REQUESTS_PER_ADDRESS", default=12_000)
REQUESTS_PER_KEY = env.int("REQUESTS_PER_KEY", default=6_000)
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", default=0)

UNFOLD = LOOK

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["organizations.access.authentication.CallerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["organizations.access.permissions.HasRole"],
    "DEFAULT_THROTTLE_CLASSES": ["organizations.access.limits.PerKey"],
    "DEFAULT_PARSER_CLASSES": ["config.rendering.DecimalJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["config.rendering.DecimalJSONRenderer"],
    "DEFAULT_PAGINATION_CLASS": "config.pagination.Pagination",
    "DEFAULT_SCHEMA_CLASS": "config.schema.Schema",
    "EXCEPTION_HANDLER": "config.errors.exception_handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "COERCE_DECIMAL_TO_STRING": False,
    "URL_FORMAT_OVERRIDE": None,
}

SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(hours=1),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=30),
    "CHECK_REVOKE_TOKEN": True,  # a new password ends the tokens of the old one
    "REVOKE_TOKEN_CLAIM": "hash_password",
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Facilities API",
    "VERSION": "1",
    "DESCRIPTION": "Facilities, what they consume, and what that emits in kg CO2e: every figure "
    "explains itself, adds up exactly, and is never silently zero.",
    "OAS_VERSION": "3.1.0",  # null is a type there, which linters and generators agree on
    "SERVERS": [{"url": "/", "description": "This service."}],
    "CONTACT": {"name": "Facilities API"},
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "config.schema.finish",
    ],
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": [],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "COMPONENT_NO_READ_ONLY_REQUIRED": False,
    "ENUM_NAME_OVERRIDES": {
        "Role": "organizations.models.Role",
        "GWPSet": "organizations.models.GWPSet",
        "Category": "facilities.categories.Category",
        "YearStatus": ["open", "closed"],
        "FacilityStatus": "facilities.models.FacilityStatus",
        "Completeness": "facilities.models.Completeness",
        "DataQuality": "emissions.models.DataQuality",
        "ConsumptionStatus": "emissions.models.ConsumptionStatus",
        "CalculationStatus": "emissions.models.CalculationStatus",
        "Method": "emissions.models.Method",
        "RecalculationState": "emissions.models.RecalculationState",
        "Unit": "emissions.models.UNIT_CHOICES",
        "Event": "organizations.audit.event.Event",
    },
}

# Who may read /metrics: addresses or networks, or whoever sends the token as a bearer's. Without
# either there is nothing at that address.
METRICS_ALLOWED = env.list("METRICS_ALLOWED", default=[])
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")

# json, one object a line, in production; line for a person who tries it.
LOG_FORMAT = env.str("LOG_FORMAT", default="") or ("line" if DEBUG else "json")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request": {"()": "config.operations.logs.WithRequest"}},
    "formatters": {
        "line": {"format": "{asctime} {levelname} {name} [{request_id}] {message}", "style": "{"},
        "json": {"()": "config.operations.logs.JSONLines"},
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": LOG_FORMAT,
            "filters": ["request"],
        }
    },
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "django": {"handlers": ["stderr"], "propagate": False},
        "django.request": {"level": "ERROR"},  # every request has a line of its own
        "axes": {"level": "WARNING"},
        # On SQLite a task is a part of the request or command that asks for it.
        "django_tasks": {"level": "INFO" if ON_POSTGRESQL else "WARNING"},
        "psycopg.pool": {"level": "ERROR"},  # our own pool says once that the server is away
    },
}
