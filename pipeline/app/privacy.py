"""Keys from files: what the settings name."""

from pipeline.app.stack import CannotStart
from pipeline.settings import Settings
from schemas.pseudonyms import Pseudonyms, keys_of


def pseudonyms_of(settings: Settings) -> Pseudonyms:
    """How customer ids become pseudonyms. Raises CannotStart where the file of keys is wrong."""
    path = settings.pseudonym_keys
    if path is None:
        return Pseudonyms(tenant=settings.tenant)
    try:
        return Pseudonyms(keys_of(path.read_text(encoding="utf-8")), settings.tenant)
    except OSError as error:
        raise CannotStart(f"the keys of pseudonyms, {path}, cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise CannotStart(f"the keys of pseudonyms, {path}: {error}") from error
