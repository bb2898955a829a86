"""Where this Huike's databases are: as set, or the embedded one of the home."""

from infra.dev.postgres import EmbeddedPostgres
from infra.settings import Settings


class NoDatabase(Exception):
    """There is no database yet: start one with `huike up` or `huike demo`, or set HUIKE_LOG_URL."""


class DatabaseStopped(NoDatabase):
    """The database of {home} does not run: start it with `huike up`, or set HUIKE_LOG_URL."""


def log_url(settings: Settings) -> str:
    """Return the log's address. Raises NoDatabase when nothing runs and nothing is set."""
    if settings.log_url is not None:
        return settings.log_url
    folder = settings.home / "postgres"
    if folder.exists():
        embedded = EmbeddedPostgres(folder)
        if embedded.running:
            return embedded.database("huike")
        raise DatabaseStopped(str(DatabaseStopped.__doc__).format(home=settings.home.absolute()))
    raise NoDatabase(str(NoDatabase.__doc__))


def placed(settings: Settings) -> Settings:
    """Return the settings with the log's address filled in. Raises NoDatabase."""
    return settings.model_copy(update={"log_url": log_url(settings)})
