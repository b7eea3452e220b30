class PostgresUnavailable(RuntimeError):
    """The embedded Postgres cannot be used; the message is one sentence that says what to do."""
