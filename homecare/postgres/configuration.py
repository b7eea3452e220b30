"""What the server is told: its roles, its settings, who may connect."""

DATABASE = "homecare"
OWNER = "homecare_owner"
APPLICATION = "homecare_app"
EXTENSIONS = ("vector", "pg_trgm", "unaccent", "btree_gin")
PORT = 5432  # only part of the socket's name: no TCP port is opened

ACCESS_RULES = "local all postgres reject\nlocal all all scram-sha-256\n"

SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "shared_preload_libraries": "",
    "random_page_cost": "1.1",
    "jit": "off",
    "fsync": "on",
    "password_encryption": "scram-sha-256",
    # Text of a patient can stand in an error's message, its detail, its statement and its parameters.
    # `log` ranks above `error` here: starts, stops and crashes are logged, errors of statements are not.
    "log_min_messages": "log",
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}


def as_options(settings: dict[str, str]) -> list[str]:
    """Arguments of the `postgres` program: they rank above its configuration file, and follow this code."""
    return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
